use super::organization::{self, Organization, Plan};
use super::seats::{Command, Event, Rejection, Seats};
use crate::clients::portal_user::PortalUser;
use crate::decider::Rejected;
use crate::envelope::{Actor, ObjectKind, Role};
use crate::ids::PortalUserId;
use crate::testing::cast::{ACME, accepted, deactivated, invitation, invited, prepared, registered};
use crate::testing::{Given, Ledger, ORG, any_history_is_sound, concerned, given, id};
use proptest::prelude::*;

const NORA: PortalUserId = PortalUserId(uuid::Uuid::from_u128(0x900));

/// The first so many guests have a seat each.
fn taken(count: u128) -> Given<Seats> {
    let reserved = (0..count).map(|number| Event::Reserved { portal_user: id(number) });
    given::<Seats>(reserved).named(ORG)
}

fn on(plan: Plan) -> impl FnOnce(Ledger) -> Ledger {
    move |ledger| ledger.with::<Organization>(ORG, [registered(plan)])
}

fn settle(portal_user: PortalUserId) -> Command {
    Command::Settle { portal_user }
}

#[test] // F1.1
fn an_invited_guest_takes_a_seat() {
    taken(9)
        .in_ledger(on(Plan::Starter))
        .in_ledger(|ledger| ledger.with::<PortalUser>(NORA, [prepared(NORA, ACME), invited(NORA, ACME, invitation(1))]))
        .when(settle(NORA))
        .then([Event::Reserved { portal_user: NORA }]);
}

#[test] // F4.12, F4.13
fn a_guest_who_is_only_saved_takes_no_seat() {
    taken(0)
        .in_ledger(on(Plan::Starter))
        .in_ledger(|ledger| ledger.with::<PortalUser>(NORA, [prepared(NORA, ACME)]))
        .when(settle(NORA))
        .then_nothing();
}

#[test] // F1.1
fn the_eleventh_guest_of_a_starter_plan_is_refused_with_the_limit_named() {
    let refusal = Rejection::NoneLeft { limit: 10, used: 10 };
    assert_eq!(refusal.details(), [("limit", "10".to_owned()), ("used", "10".to_owned())]);
    taken(10)
        .in_ledger(on(Plan::Starter))
        .in_ledger(|ledger| ledger.with::<PortalUser>(NORA, accepted(NORA, ACME)))
        .when(settle(NORA))
        .then_rejected(refusal);
}

#[test] // F1.2
fn trial_and_growth_never_refuse_a_guest() {
    for plan in [Plan::Trial, Plan::Growth] {
        taken(200)
            .in_ledger(on(plan))
            .in_ledger(|ledger| ledger.with::<PortalUser>(NORA, accepted(NORA, ACME)))
            .when(settle(NORA))
            .then([Event::Reserved { portal_user: NORA }]);
    }
}

#[test]
fn a_guest_has_one_seat_however_often_it_is_settled() {
    taken(10)
        .in_ledger(on(Plan::Starter))
        .in_ledger(|ledger| ledger.with::<PortalUser>(id(3), accepted(id(3), ACME)))
        .when(settle(id(3)))
        .then_nothing();
}

#[test] // F1.1, F4.17
fn a_deactivated_guest_frees_the_seat() {
    taken(10)
        .in_ledger(on(Plan::Starter))
        .in_ledger(|ledger| ledger.with::<PortalUser>(id(3), accepted(id(3), ACME)))
        .in_ledger(|ledger| ledger.with::<PortalUser>(id(3), [deactivated(id(3), ACME)]))
        .when(settle(id(3)))
        .then([Event::Released { portal_user: id(3) }]);
}

#[test] // F1.2
fn after_a_move_to_a_smaller_plan_guests_stay_and_new_ones_are_refused() {
    let smaller = || organization::Event::PlanChanged { from: Plan::Trial, to: Plan::Starter };
    let firm = move |ledger: Ledger| {
        ledger
            .with::<Organization>(ORG, [registered(Plan::Trial), smaller()])
            .with::<PortalUser>(id(24), accepted(id(24), ACME))
            .with::<PortalUser>(NORA, accepted(NORA, ACME))
    };
    taken(25).in_ledger(firm).when(settle(id(24))).then_nothing();
    taken(25).in_ledger(firm).when(settle(NORA)).then_rejected(Rejection::NoneLeft { limit: 10, used: 25 });
}

#[test] // F1.2
fn the_overrun_is_what_the_plan_does_not_cover() {
    assert_eq!(Plan::ALL.map(|plan| super::seats::overrun(25, plan.guest_seats())), [0, 15, 0, 0]);
}

#[test]
fn before_there_is_a_plan_there_is_no_seat() {
    taken(0)
        .in_ledger(|ledger| ledger.with::<PortalUser>(NORA, accepted(NORA, ACME)))
        .when(settle(NORA))
        .then_rejected(Rejection::NoneLeft { limit: 0, used: 0 });
}

#[test]
fn an_event_names_every_object_that_it_concerns() {
    for event in [Event::Reserved { portal_user: NORA }, Event::Released { portal_user: NORA }] {
        assert_eq!(concerned::<Seats>(&event), [(ObjectKind::PortalUser, Role::Holder)]);
    }
}

proptest! {
    #[test]
    fn any_history_of_the_seats_is_sound(guests in prop::collection::vec(0u128..15, 0..40)) {
        let everybody = (0..15).fold(Ledger::default().with::<Organization>(ORG, [registered(Plan::Starter)]), |ledger, n| {
            let history: Vec<_> = match n % 3 {
                0 => vec![prepared(id(n), ACME)],
                1 => accepted(id(n), ACME).into(),
                _ => vec![prepared(id(n), ACME), invited(id(n), ACME, invitation(n))],
            };
            ledger.with::<PortalUser>(id(n), history)
        });
        any_history_is_sound::<Seats>(everybody, ORG, guests.into_iter().map(|n| (Actor::Operator, settle(id(n)))).collect());
    }

    #[test] // F1.1
    fn never_more_seats_are_taken_than_the_plan_has(guests in prop::collection::vec(0u128..40, 0..80)) {
        let mut ledger = Ledger::default().with::<Organization>(ORG, [registered(Plan::Rise)]);
        for n in guests {
            ledger = ledger.with::<PortalUser>(id(n), [prepared(id(n), ACME), invited(id(n), ACME, invitation(n))]);
            if let Ok(events) = ledger.decide::<Seats>(ORG, settle(id(n))) {
                ledger = ledger.with::<Seats>(ORG, events);
            }
            prop_assert!(ledger.folded::<Seats>(ORG).used() <= 30);
        }
    }
}
