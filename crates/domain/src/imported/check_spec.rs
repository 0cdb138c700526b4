//! What our approval engine would have answered to other systems' histories.

use crate::approval::Refused::{
    self, AlreadyComplete, AlreadyGiven, AuthorMayNotDecide, NotAsked, NotRequested, StageNotReached,
};
use crate::imported::case::KnownStep;
use crate::imported::check::check;
use crate::imported::route::Route;
use crate::imported::verbatim::Verbatim;
use crate::values::Timestamp;
use proptest::prelude::*;

const IN_2017: &str = "2017-06-01T12:00:00+02:00";
const IN_2018: &str = "2018-06-01T12:00:00+02:00";

fn step(activity: &str, at: Option<Timestamp>) -> KnownStep {
    let id = Verbatim::parse("step").unwrap();
    KnownStep { id, activity: Verbatim::parse(activity).unwrap(), at, role: None, amount: None }
}

/// A case of declarations, everything at one moment: `SUBMITTED EMPLOYEE` is short for the whole name.
fn case(at: &str, steps: &[&str]) -> Vec<KnownStep> {
    let name = |short: &&str| match short.split_once(' ') {
        Some((verb, role)) if verb.chars().all(|c| c.is_uppercase() || c == '_') => {
            format!("Declaration {verb} by {role}")
        }
        Some(_) | None => (*short).to_owned(),
    };
    steps.iter().map(|short| step(&name(short), at.parse().ok())).collect()
}

#[track_caller]
fn assert_refused(route: Route, at: &str, steps: &[&str], expected: &[Refused]) {
    assert_eq!(check(route, &case(at, steps)), expected.iter().copied().collect(), "{at} {steps:?}");
}

#[track_caller]
fn in_2018(steps: &[&str], expected: &[Refused]) {
    assert_refused(Route::TravelExpenses, IN_2018, steps, expected);
}

#[track_caller]
fn in_2017(steps: &[&str], expected: &[Refused]) {
    assert_refused(Route::TravelExpenses, IN_2017, steps, expected);
}

#[track_caller]
fn as_called(steps: &[&str], expected: &[Refused]) {
    assert_refused(Route::AsCalled, IN_2018, steps, expected);
}

#[test] // F17.2
fn a_history_that_keeps_the_stages_in_order_is_not_refused() {
    in_2018(&["SUBMITTED EMPLOYEE", "APPROVED ADMINISTRATION", "FINAL_APPROVED SUPERVISOR", "Payment Handled"], &[]);
    in_2018(
        &["SUBMITTED EMPLOYEE", "APPROVED ADMINISTRATION", "APPROVED BUDGET OWNER", "FINAL_APPROVED SUPERVISOR"],
        &[],
    );
    in_2018(&["SUBMITTED EMPLOYEE", "APPROVED ADMINISTRATION", "APPROVED SUPERVISOR", "FINAL_APPROVED DIRECTOR"], &[]);
    in_2017(&["SUBMITTED EMPLOYEE", "APPROVED PRE_APPROVER", "FINAL_APPROVED SUPERVISOR"], &[]);
    in_2017(&["SUBMITTED EMPLOYEE", "FINAL_APPROVED SUPERVISOR", "Request Payment"], &[]);
    in_2018(&["SAVED EMPLOYEE"], &[]);
}

#[test] // F17.2
fn the_policy_in_force_when_approval_was_asked_applies() {
    in_2018(&["SUBMITTED EMPLOYEE", "FINAL_APPROVED SUPERVISOR"], &[StageNotReached]);
    in_2017(&["SUBMITTED EMPLOYEE", "APPROVED ADMINISTRATION", "FINAL_APPROVED SUPERVISOR"], &[NotAsked]);
    let mut across_the_year = case(IN_2017, &["SUBMITTED EMPLOYEE"]);
    across_the_year.extend(case(IN_2018, &["APPROVED ADMINISTRATION", "FINAL_APPROVED SUPERVISOR"]));
    assert_eq!(check(Route::TravelExpenses, &across_the_year), [NotAsked].into());
    let mut without_times = across_the_year;
    without_times.iter_mut().for_each(|step| step.at = None);
    assert_eq!(check(Route::TravelExpenses, &without_times), [].into(), "the latest policy, where no time is known");
}

#[test] // F17.2
fn a_stage_that_was_called_is_waited_for() {
    let out_of_turn =
        ["SUBMITTED EMPLOYEE", "APPROVED ADMINISTRATION", "FINAL_APPROVED SUPERVISOR", "APPROVED BUDGET OWNER"];
    in_2018(&out_of_turn, &[StageNotReached]);
    in_2018(&["SUBMITTED EMPLOYEE", "APPROVED SUPERVISOR", "APPROVED ADMINISTRATION"], &[StageNotReached]);
}

#[test] // D13
fn a_refusal_ends_the_round_and_the_author_acknowledges_it() {
    in_2018(&["SUBMITTED EMPLOYEE", "REJECTED ADMINISTRATION", "REJECTED EMPLOYEE"], &[]);
    let corrected = [
        "SUBMITTED EMPLOYEE",
        "APPROVED ADMINISTRATION",
        "REJECTED BUDGET OWNER",
        "REJECTED EMPLOYEE",
        "SUBMITTED EMPLOYEE",
        "APPROVED ADMINISTRATION",
        "FINAL_APPROVED SUPERVISOR",
    ];
    in_2018(&corrected, &[]);
    in_2018(&["SUBMITTED EMPLOYEE", "REJECTED ADMINISTRATION", "APPROVED ADMINISTRATION"], &[NotRequested]);
    in_2018(&["SUBMITTED EMPLOYEE", "REJECTED EMPLOYEE", "APPROVED ADMINISTRATION"], &[NotRequested]);
}

#[test]
fn what_is_complete_is_neither_approved_nor_refused_again() {
    let complete = ["SUBMITTED EMPLOYEE", "APPROVED ADMINISTRATION", "FINAL_APPROVED SUPERVISOR"];
    let and = |more: &'static str| [complete.as_slice(), &[more]].concat();
    in_2018(&and("REJECTED MISSING"), &[AlreadyComplete]);
    in_2018(&and("REJECTED EMPLOYEE"), &[AlreadyComplete]);
    in_2018(&and("FINAL_APPROVED SUPERVISOR"), &[AlreadyGiven]);
    as_called(&["SUBMITTED EMPLOYEE", "FINAL_APPROVED SUPERVISOR", "FINAL_APPROVED DIRECTOR"], &[AlreadyComplete]);
    // The history goes on: what is submitted again is asked again.
    let again = [&and("REJECTED MISSING")[..], &complete].concat();
    in_2018(&again, &[AlreadyComplete]);
}

#[test]
fn a_word_that_nobody_asked_for_does_not_count() {
    in_2018(&["APPROVED ADMINISTRATION", "SUBMITTED EMPLOYEE"], &[NotRequested]);
    as_called(&["SAVED EMPLOYEE", "FINAL_APPROVED SUPERVISOR"], &[NotRequested]);
    in_2018(&["SUBMITTED EMPLOYEE", "APPROVED JANITOR"], &[NotAsked]);
}

#[test] // F8.8, F17.4
fn nobody_approves_their_own() {
    in_2018(&["SUBMITTED ADMINISTRATION", "APPROVED ADMINISTRATION"], &[AuthorMayNotDecide]);
    as_called(&["SUBMITTED SUPERVISOR", "FINAL_APPROVED SUPERVISOR"], &[AuthorMayNotDecide]);
}

#[test]
fn where_no_policy_is_known_the_round_says_who_was_called() {
    as_called(&["SUBMITTED EMPLOYEE", "APPROVED B", "APPROVED A", "FINAL_APPROVED C", "Payment Handled"], &[]);
    as_called(&["SUBMITTED EMPLOYEE", "FINAL_APPROVED C", "APPROVED A"], &[StageNotReached]);
    as_called(&["SUBMITTED EMPLOYEE", "APPROVED A", "APPROVED A", "FINAL_APPROVED C"], &[AlreadyGiven]);
    as_called(&["SUBMITTED EMPLOYEE", "APPROVED A", "REJECTED B"], &[]);
    as_called(&["SUBMITTED EMPLOYEE", "REJECTED EMPLOYEE", "REJECTED EMPLOYEE"], &[]);
    as_called(&["Receipt Photo REQUESTED by ADMINISTRATION", "Start trip"], &[]);
}

#[test]
fn each_document_of_a_case_is_asked_for_on_its_own() {
    let steps = ["Permit SUBMITTED by E", "Declaration SUBMITTED by E", "Permit FINAL_APPROVED by S"];
    let more = ["Declaration FINAL_APPROVED by S", "Permit FINAL_APPROVED by D"];
    let steps: Vec<_> = steps.iter().chain(&more).map(|name| step(name, None)).collect();
    assert_eq!(check(Route::AsCalled, &steps[..4]), [].into());
    assert_eq!(check(Route::AsCalled, &steps), [AlreadyComplete].into());
}

#[test]
fn the_role_on_record_counts_before_the_one_in_the_name() {
    let mut steps = case(IN_2018, &["SUBMITTED EMPLOYEE", "APPROVED ADMINISTRATION"]);
    steps[1].role = Verbatim::parse("MISSING").ok();
    assert_eq!(check(Route::TravelExpenses, &steps), [NotAsked].into());
}

#[test]
fn a_log_is_checked_by_the_route_that_is_known_of_it() {
    for known in ["DomesticDeclarations", "InternationalDeclarations", "PrepaidTravelCost", "RequestForPayment"] {
        assert_eq!(Route::of_log(known), Route::TravelExpenses);
    }
    for unknown in ["Expense approvals", "domesticdeclarations", ""] {
        assert_eq!(Route::of_log(unknown), Route::AsCalled);
    }
}

proptest! {
    #[test]
    fn no_history_is_too_odd_to_be_checked(
        names in prop::collection::vec(".{1,40}", 0..20),
        known in proptest::bool::ANY,
    ) {
        let kept = names.iter().filter(|name| Verbatim::parse(name).is_ok());
        let steps: Vec<_> = kept.map(|name| step(name, None)).collect();
        let route = if known { Route::TravelExpenses } else { Route::AsCalled };
        check(route, &steps);
    }

    #[test]
    fn whatever_is_said_only_words_can_be_refused(
        verbs in prop::collection::vec(("SUBMITTED|SAVED|APPROVED|FINAL_APPROVED|REJECTED", "E|A|S|SUPERVISOR"), 0..20),
        known in proptest::bool::ANY,
    ) {
        let names: Vec<_> = verbs.iter().map(|(verb, role)| format!("Declaration {verb} by {role}")).collect();
        let steps: Vec<_> = names.iter().map(|name| step(name, None)).collect();
        let route = if known { Route::TravelExpenses } else { Route::AsCalled };
        let refused = check(route, &steps);
        let asked = names.iter().any(|name| name.contains("SUBMITTED"));
        let spoken = names.iter().any(|name| name.contains("APPROVED") || name.contains("REJECTED"));
        prop_assert!(spoken || refused.is_empty());
        prop_assert!(asked || refused.iter().all(|reason| *reason == NotRequested));
    }
}
