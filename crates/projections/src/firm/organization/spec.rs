//! What the firm's row says after what has happened.

use super::*;
use crate::testing::*;
use countersign_domain::values::{Locale, TimeZone};

fn registered() -> History {
    History::default().then(
        id::<uuid::Uuid>(1),
        PortalEvent::Organization(Event::Registered {
            slug: Slug::parse("north-star").unwrap(),
            name: label("North Star"),
            plan: Plan::Starter,
            time_zone: TimeZone::parse("Europe/Tallinn").unwrap(),
            currency: eur(0).currency(),
            locale: Locale::parse("en").unwrap(),
        }),
    )
}

#[test] // F1.1, F1.2
fn seats_are_counted_and_survive_a_change_of_plan() {
    let seat = |event| PortalEvent::Seats(event);
    let row = registered()
        .then(id::<uuid::Uuid>(1), seat(seats::Event::Reserved { portal_user: GINA }))
        .then(id::<uuid::Uuid>(1), seat(seats::Event::Reserved { portal_user: id(0x9b) }))
        .then(id::<uuid::Uuid>(1), seat(seats::Event::Released { portal_user: GINA }))
        .then(
            id::<uuid::Uuid>(1),
            PortalEvent::Organization(Event::PlanChanged { from: Plan::Starter, to: Plan::Trial }),
        )
        .row::<Organization>();
    assert_eq!((row.seats_used, row.plan), (1, Plan::Trial));
}
