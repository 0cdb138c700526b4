use super::organization::{Command, Event, Home, Organization, Plan, Rejection};
use crate::access::{Denied, Key};
use crate::envelope::{Actor, ProcessName};
use crate::testing::cast::{ANN, AUDREY, GINA, PAUL, label, registered};
use crate::testing::{Given, Ledger, ORG, any_history_is_sound, given};
use crate::values::{Currency, Locale, Slug, TimeZone};
use proptest::prelude::*;

fn register() -> Command {
    Command::Register {
        slug: Slug::parse("north-star").unwrap(),
        name: label("North Star"),
        plan: Plan::Starter,
        home: home("Europe/Tallinn"),
    }
}

fn home(time_zone: &str) -> Home {
    Home {
        time_zone: TimeZone::parse(time_zone).unwrap(),
        currency: Currency::parse("EUR").unwrap(),
        locale: Locale::parse("en").unwrap(),
    }
}

fn nothing_yet() -> Given<Organization> {
    given::<Organization>([]).named(ORG)
}

fn on(plan: Plan) -> Given<Organization> {
    given::<Organization>([]).named(ORG).in_ledger(|ledger| ledger.with_cast(plan))
}

fn not_allowed(missing: Key) -> Rejection {
    Denied::NotAllowed { missing: vec![missing] }.into()
}

#[test]
fn the_operator_registers_an_organization() {
    nothing_yet().by(Actor::Operator).when(register()).then([registered(Plan::Starter)]);
}

#[test]
fn registering_it_again_changes_nothing() {
    on(Plan::Rise).by(Actor::Operator).when(register()).then_nothing();
}

#[test]
fn another_organization_cannot_take_its_place() {
    let Command::Register { slug, plan, home, .. } = register() else { unreachable!() };
    let other = Command::Register { slug, name: label("South Star"), plan, home };
    on(Plan::Starter).by(Actor::Operator).when(other).then_rejected(Rejection::AnotherOrganization);
}

#[test] // F1.8
fn nobody_but_the_installation_registers_an_organization() {
    on(Plan::Starter).by(ANN).when(register()).then_rejected(not_allowed(Key::KindOfSubject));
    on(Plan::Starter).by(GINA).when(register()).then_rejected(Denied::NotThere);
}

#[test] // F1.1
fn an_admin_changes_the_plan() {
    on(Plan::Trial)
        .by(ANN)
        .when(Command::ChangePlan(Plan::Starter))
        .then([Event::PlanChanged { from: Plan::Trial, to: Plan::Starter }]);
}

#[test]
fn the_plan_that_it_has_is_no_change() {
    on(Plan::Rise).by(ANN).when(Command::ChangePlan(Plan::Rise)).then_nothing();
    on(Plan::Rise).by(ANN).when(Command::Localize(home("Europe/Tallinn"))).then_nothing();
}

#[test]
fn an_admin_says_where_the_firm_is_at_home() {
    let Home { time_zone, currency, locale } = home("Europe/Zurich");
    on(Plan::Rise).by(ANN).when(Command::Localize(home("Europe/Zurich"))).then([Event::Localized {
        time_zone,
        currency,
        locale,
    }]);
}

#[test] // F2.7, F2.18, F2.23
fn plan_and_settings_are_the_admins_business() {
    for staff in [PAUL, AUDREY] {
        on(Plan::Trial).by(staff).when(Command::ChangePlan(Plan::Rise)).then_rejected(not_allowed(Key::AccessLevel));
        on(Plan::Trial).by(staff).when(Command::Localize(home("UTC"))).then_rejected(not_allowed(Key::AccessLevel));
    }
    on(Plan::Trial).by(GINA).when(Command::ChangePlan(Plan::Rise)).then_rejected(Denied::NotThere);
}

#[test]
fn what_is_not_registered_has_no_plan_to_change() {
    nothing_yet().when(Command::ChangePlan(Plan::Rise)).then_rejected(Denied::NotThere);
}

#[test] // F1.1, F1.2
fn each_plan_has_its_seats_for_guests() {
    let seats = Plan::ALL.map(|plan| (plan.as_str(), plan.guest_seats()));
    assert_eq!(seats, [("trial", None), ("starter", Some(10)), ("rise", Some(30)), ("growth", None)]);
}

#[test]
fn a_plans_name_is_its_wire_name() {
    for plan in Plan::ALL {
        assert_eq!(serde_json::to_value(plan).unwrap(), plan.as_str());
        assert_eq!(Plan::parse(plan.as_str()), Some(plan));
    }
}

fn anything() -> impl Strategy<Value = Command> {
    let plan = prop::sample::select(Plan::ALL.to_vec());
    prop_oneof![
        Just(register()),
        plan.prop_map(Command::ChangePlan),
        prop::sample::select(vec!["UTC", "Europe/Riga"]).prop_map(|zone| Command::Localize(home(zone))),
    ]
}

fn anybody() -> impl Strategy<Value = Actor> {
    prop::sample::select(vec![
        Actor::Operator,
        Actor::Process(ProcessName::AutoSend),
        ANN.into(),
        PAUL.into(),
        GINA.into(),
    ])
}

proptest! {
    #[test]
    fn any_history_of_an_organization_is_sound(commands in prop::collection::vec((anybody(), anything()), 0..12)) {
        any_history_is_sound::<Organization>(Ledger::default(), ORG, commands.clone());
        any_history_is_sound::<Organization>(Ledger::default().with_cast(Plan::Trial), ORG, commands);
    }
}
