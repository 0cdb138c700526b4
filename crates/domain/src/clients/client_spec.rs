use super::client::{Client, Command, Event, Rejection};
use crate::access::{Denied, Key};
use crate::envelope::Actor;
use crate::firm::organization::Plan;
use crate::testing::cast::{ANN, AUDREY, GINA, PAUL, label};
use crate::testing::{Given, Ledger, any_history_is_sound, given, id};
use proptest::prelude::*;

fn client(history: impl IntoIterator<Item = Event>) -> Given<Client> {
    given::<Client>(history).in_ledger(|ledger| ledger.with_cast(Plan::Trial))
}

fn open(name: &str) -> Command {
    Command::Open { name: label(name) }
}

fn rename(to: &str) -> Command {
    Command::Rename { to: label(to) }
}

fn opened(name: &str) -> Event {
    Event::Opened { name: label(name) }
}

#[test]
fn an_admin_opens_a_client() {
    client([]).by(ANN).when(open("Initech")).then([opened("Initech")]);
}

#[test]
fn opening_it_again_changes_nothing() {
    client([opened("Initech")]).by(ANN).when(open("Initech")).then_nothing();
}

#[test]
fn another_client_cannot_take_its_place() {
    client([opened("Initech")]).by(ANN).when(open("Initrode")).then_rejected(Rejection::AnotherClient);
}

#[test]
fn an_admin_renames_a_client() {
    let renamed = Event::Renamed { from: label("Initech"), to: label("Initrode") };
    client([opened("Initech")]).by(ANN).when(rename("Initrode")).then([renamed.clone()]);
    client([opened("Initech"), renamed]).by(ANN).when(rename("Initrode")).then_nothing();
}

#[test]
fn what_is_not_there_cannot_be_renamed() {
    client([]).by(ANN).when(rename("Initrode")).then_rejected(Rejection::Unknown);
}

#[test] // F2.7, F2.23
fn opening_and_renaming_clients_is_the_admins_business() {
    for command in [open("Initech"), rename("Initrode")] {
        for colleague in [PAUL, AUDREY] {
            let missing = vec![Key::AccessLevel];
            client([opened("Initech")])
                .by(colleague)
                .when(command.clone())
                .then_rejected(Denied::NotAllowed { missing });
        }
    }
}

#[test] // F6.21
fn a_guest_learns_of_no_client() {
    for command in [open("Initech"), rename("Initrode")] {
        client([opened("Initech")]).by(GINA).when(command.clone()).then_rejected(Denied::NotThere);
        client([]).by(GINA).when(command).then_rejected(Denied::NotThere);
    }
}

proptest! {
    #[test]
    fn any_history_of_a_client_is_sound(commands in prop::collection::vec(
        (
            prop::sample::select(vec![Actor::Operator, ANN.into(), PAUL.into(), GINA.into()]),
            prop::sample::select(vec![open("Initech"), open("Initrode"), rename("Initech"), rename("Initrode")]),
        ),
        0..12,
    )) {
        any_history_is_sound::<Client>(Ledger::default().with_cast(Plan::Trial), id(1), commands);
    }
}
