use super::mailbox::{Command, Event, Mailbox, Rejection};
use super::portal_user::PortalUser;
use crate::access::{Denied, Key};
use crate::decider::Rejected;
use crate::envelope::{Actor, ObjectKind, Principal, Role};
use crate::firm::organization::Plan;
use crate::firm::staff::{self, Staff};
use crate::testing::cast::{ACME, ANN, AUDREY, GINA, GUS, PAUL, PETRA, PORTAL, deactivated};
use crate::testing::{Given, Ledger, any_history_is_sound, concerned, given, id};
use proptest::prelude::*;

const GINAS: Principal = Principal::PortalUser(GINA);
const PAULS: Principal = Principal::Staff(PAUL);

fn mailbox(history: impl IntoIterator<Item = Event>) -> Given<Mailbox> {
    given::<Mailbox>(history).in_ledger(firm)
}

fn firm(ledger: Ledger) -> Ledger {
    ledger.with_cast(Plan::Trial).with_portal_project()
}

fn claim(by: Principal) -> Command {
    Command::Claim { by, project: None }
}

fn claimed(by: Principal) -> Event {
    Event::Claimed { by }
}

#[test]
fn a_free_address_can_be_claimed() {
    for by in [GINAS, PAULS] {
        mailbox([]).by(ANN).when(claim(by)).then([claimed(by)]);
    }
}

#[test]
fn claiming_it_again_changes_nothing() {
    mailbox([claimed(GINAS)]).by(ANN).when(claim(GINAS)).then_nothing();
}

#[test] // F4.26
fn an_address_is_one_identity_staff_or_guest_never_two() {
    mailbox([claimed(GINAS)]).by(ANN).when(claim(PAULS)).then_rejected(Rejection::InUse { by: GINAS });
    mailbox([claimed(PAULS)]).by(ANN).when(claim(GINAS)).then_rejected(Rejection::InUse { by: PAULS });
    let gus = Principal::PortalUser(GUS);
    mailbox([claimed(GINAS)]).by(ANN).when(claim(gus)).then_rejected(Rejection::InUse { by: GINAS });
}

#[test]
fn the_refusal_names_whose_address_it_is() {
    let details = Rejection::InUse { by: GINAS }.details();
    assert_eq!(details, [("holder_kind", "portal_user".to_owned()), ("holder_id", GINA.to_string())]);
}

#[test] // F4.4
fn a_project_manager_claims_addresses_for_guests_of_their_own_project() {
    let claim = Command::Claim { by: GINAS, project: Some(PORTAL) };
    let missing = vec![Key::ManagesTheProject];
    mailbox([]).by(PAUL).when(claim.clone()).then([claimed(GINAS)]);
    mailbox([]).by(PETRA).when(claim).then_rejected(Denied::NotAllowed { missing });
}

#[test] // F2.18
fn addresses_of_staff_are_the_admins_business() {
    let missing = || vec![Key::AccessLevel];
    let for_paul = Command::Claim { by: PAULS, project: Some(PORTAL) };
    mailbox([]).by(PAUL).when(for_paul).then_rejected(Denied::NotAllowed { missing: missing() });
    mailbox([]).by(AUDREY).when(claim(GINAS)).then_rejected(Denied::NotAllowed { missing: missing() });
}

#[test] // F6.21
fn a_guest_cannot_find_out_whether_an_address_is_known() {
    for command in [claim(GINAS), Command::Release { by: GINAS }] {
        mailbox([]).by(GINA).when(command.clone()).then_rejected(Denied::NotThere);
        mailbox([claimed(PAULS)]).by(GINA).when(command).then_rejected(Denied::NotThere);
    }
}

#[test] // F4.26
fn an_address_is_given_back_once_its_holder_is_switched_off() {
    let give_back = |by| Command::Release { by };
    mailbox([claimed(GINAS)])
        .in_ledger(|ledger| ledger.with::<PortalUser>(GINA, [deactivated(GINA, ACME)]))
        .by(ANN)
        .when(give_back(GINAS))
        .then([Event::Released { by: GINAS }]);
    mailbox([claimed(PAULS)])
        .in_ledger(|ledger| ledger.with::<Staff>(PAUL, [staff::Event::Deactivated {}]))
        .by(ANN)
        .when(give_back(PAULS))
        .then([Event::Released { by: PAULS }]);
}

#[test]
fn nobody_loses_the_address_with_which_they_sign_in() {
    for by in [GINAS, PAULS] {
        mailbox([claimed(by)]).by(ANN).when(Command::Release { by }).then_rejected(Rejection::StillNeeded);
    }
}

#[test]
fn an_address_is_not_given_back_for_somebody_else() {
    mailbox([claimed(PAULS)])
        .by(ANN)
        .when(Command::Release { by: GINAS })
        .then_rejected(Rejection::InUse { by: PAULS });
}

#[test]
fn an_address_that_was_given_back_is_free() {
    let freed = || [claimed(GINAS), Event::Released { by: GINAS }];
    mailbox(freed()).by(ANN).when(claim(PAULS)).then([claimed(PAULS)]);
    mailbox(freed()).by(ANN).when(Command::Release { by: GINAS }).then_nothing();
}

#[test]
fn an_event_names_every_object_that_it_concerns() {
    assert_eq!(concerned::<Mailbox>(&claimed(GINAS)), [(ObjectKind::PortalUser, Role::Holder)]);
    assert_eq!(concerned::<Mailbox>(&Event::Released { by: PAULS }), [(ObjectKind::Staff, Role::Holder)]);
}

fn anything() -> impl Strategy<Value = Command> {
    let whose = || prop::sample::select(vec![GINAS, PAULS, Principal::PortalUser(GUS)]);
    prop_oneof![
        (whose(), prop::sample::select(vec![None, Some(PORTAL)]))
            .prop_map(|(by, project)| Command::Claim { by, project }),
        whose().prop_map(|by| Command::Release { by }),
    ]
}

proptest! {
    #[test]
    fn any_history_of_a_mailbox_is_sound(commands in prop::collection::vec(
        (prop::sample::select(vec![Actor::Operator, ANN.into(), PAUL.into(), GINA.into()]), anything()),
        0..12,
    )) {
        let some_are_off = firm(Ledger::default())
            .with::<PortalUser>(GINA, [deactivated(GINA, ACME)])
            .with::<Staff>(PAUL, [staff::Event::Deactivated {}]);
        any_history_is_sound::<Mailbox>(some_are_off, id(1), commands.clone());
        any_history_is_sound::<Mailbox>(firm(Ledger::default()), id(1), commands);
    }
}
