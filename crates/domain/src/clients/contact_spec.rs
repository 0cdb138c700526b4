use super::contact::{Command, Contact, Event, Rejection};
use crate::access::{Denied, Key};
use crate::envelope::{Actor, ObjectKind, Role};
use crate::firm::organization::Plan;
use crate::ids::{ClientId, PortalUserId, ProjectId};
use crate::testing::cast::{
    ACME, ANN, AUDREY, GINA, GLOBEX, PAUL, PETRA, PORTAL, contact_added, contact_of, mailbox_of,
};
use crate::testing::{Given, Ledger, any_history_is_sound, concerned, given, id};
use proptest::prelude::*;

/// The newcomer of these specifications.
const NORA: PortalUserId = PortalUserId(uuid::Uuid::from_u128(0x900));

fn nora(history: impl IntoIterator<Item = Event>) -> Given<Contact> {
    given::<Contact>(history).named(contact_of(NORA)).in_ledger(firm)
}

fn firm(ledger: Ledger) -> Ledger {
    ledger.with_cast(Plan::Trial).with_portal_project()
}

fn add(client: ClientId, project: Option<ProjectId>) -> Command {
    let Event::Added { client, name, email, mailbox } = contact_added(NORA, client);
    Command::Add { client, name, email, mailbox, project }
}

#[test]
fn an_admin_adds_a_contact_at_any_client() {
    for client in [ACME, GLOBEX] {
        nora([]).by(ANN).when(add(client, None)).then([contact_added(NORA, client)]);
    }
}

#[test] // F4.4, F4.5
fn a_project_manager_adds_a_contact_for_a_project_of_their_own() {
    nora([]).by(PAUL).when(add(ACME, Some(PORTAL))).then([contact_added(NORA, ACME)]);
}

#[test] // F4.4
fn a_project_manager_adds_nobody_at_another_client() {
    nora([]).by(PAUL).when(add(GLOBEX, Some(PORTAL))).then_rejected(Rejection::ClientDiffers);
}

#[test] // F4.4
fn a_project_manager_adds_nobody_without_a_project_or_for_anothers() {
    let denied = || Denied::NotAllowed { missing: vec![Key::ManagesTheProject] };
    nora([]).by(PAUL).when(add(ACME, None)).then_rejected(denied());
    nora([]).by(PETRA).when(add(ACME, Some(PORTAL))).then_rejected(denied());
    nora([]).by(PAUL).when(add(ACME, Some(id(404)))).then_rejected(denied());
}

#[test] // F2.23, F6.21
fn auditors_and_guests_add_nobody() {
    nora([]).by(AUDREY).when(add(ACME, None)).then_rejected(Denied::NotAllowed { missing: vec![Key::AccessLevel] });
    nora([]).by(GINA).when(add(ACME, None)).then_rejected(Denied::NotThere);
}

#[test] // F3.2
fn the_client_comes_before_its_people() {
    nora([]).by(ANN).when(add(id(404), None)).then_rejected(Rejection::UnknownClient);
}

#[test]
fn the_same_person_at_the_same_client_again_changes_nothing() {
    nora([contact_added(NORA, ACME)]).by(ANN).when(add(ACME, None)).then_nothing();
}

#[test] // F3.4
fn a_contact_is_one_person_at_one_client() {
    nora([contact_added(NORA, ACME)]).by(ANN).when(add(GLOBEX, None)).then_rejected(Rejection::SomebodyElse);
    let Command::Add { client, name, email, project, .. } = add(ACME, None);
    let elsewhere = Command::Add { client, name, email, mailbox: mailbox_of(GINA.0), project };
    nora([contact_added(NORA, ACME)]).by(ANN).when(elsewhere).then_rejected(Rejection::SomebodyElse);
}

#[test]
fn an_event_names_every_object_that_it_concerns() {
    let named = [(ObjectKind::Client, Role::Client), (ObjectKind::Mailbox, Role::Mailbox)];
    assert_eq!(concerned::<Contact>(&contact_added(NORA, ACME)), named);
}

proptest! {
    #[test]
    fn any_history_of_a_contact_is_sound(commands in prop::collection::vec(
        (
            prop::sample::select(vec![Actor::Operator, ANN.into(), PAUL.into(), GINA.into()]),
            prop::sample::select(vec![add(ACME, None), add(ACME, Some(PORTAL)), add(GLOBEX, None), add(id(404), None)]),
        ),
        0..8,
    )) {
        any_history_is_sound::<Contact>(firm(Ledger::default()), contact_of(NORA), commands);
    }
}
