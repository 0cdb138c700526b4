//! Under which objects an event is found.

use super::*;
use crate::testing::*;
use countersign_domain::portal::PortalEvent;
use countersign_domain::work::project::Event;

#[test] // F18.1
fn an_event_is_found_under_every_object_that_it_concerns_as_what_it_was() {
    let rows = History::default().then(PORTAL, opened()).rows::<ObjectHistory>();
    let found: Vec<_> = rows.iter().map(|((kind, id, _), row)| (*kind, *id, row.roles.clone())).collect();
    assert_eq!(
        found,
        [
            (ObjectKind::Staff, PAUL.0, vec![Role::Manager]),
            (ObjectKind::Client, ACME.0, vec![Role::Client]),
            (ObjectKind::Project, PORTAL.0, vec![Role::Subject]),
            (ObjectKind::ContractLine, LINE.0, vec![Role::ContractLine]),
        ]
    );
    assert!(rows.values().all(|row| row.event_type == "project.opened" && row.recorded_at == hour(1)));
}

#[test]
fn an_object_that_plays_two_parts_in_an_event_is_one_row_with_both() {
    let to_herself = Event::ManagerAssigned { client: ACME, from: Some(PAUL), to: PAUL };
    let rows = History::default().then(PORTAL, PortalEvent::Project(to_herself)).rows::<ObjectHistory>();
    assert_eq!(rows[&(ObjectKind::Staff, PAUL.0, 1)].roles, [Role::Manager, Role::Manager]);
}
