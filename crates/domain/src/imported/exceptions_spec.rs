//! The exceptions of a case, as an auditor defines them.

use crate::imported::exceptions::Exception::{
    self, ApprovedFinalTwice, PaidWithoutFinalApproval, Rejected, RejectedAfterFinalApproval,
};
use crate::imported::exceptions::exceptions;
use proptest::prelude::*;
use std::collections::BTreeSet;

const SUBMITTED: &str = "Declaration SUBMITTED by EMPLOYEE";
const APPROVED: &str = "Declaration APPROVED by ADMINISTRATION";
const FINAL: &str = "Declaration FINAL_APPROVED by SUPERVISOR";
const REJECTED: &str = "Declaration REJECTED by MISSING";
const PAID: &str = "Payment Handled";

#[track_caller]
fn assert_found(activities: &[&str], expected: &[Exception]) {
    assert_eq!(exceptions(activities.iter().copied()), expected.iter().copied().collect(), "{activities:?}");
}

#[test]
fn a_case_that_was_approved_and_paid_is_no_exception() {
    assert_found(&[], &[]);
    assert_found(&[SUBMITTED, APPROVED, FINAL, "Request Payment", PAID], &[]);
}

#[test]
fn a_refusal_is_an_exception() {
    assert_found(&[SUBMITTED, REJECTED, SUBMITTED, FINAL, PAID], &[Rejected]);
}

#[test]
fn a_second_final_approval_is_an_exception() {
    assert_found(&[SUBMITTED, FINAL, FINAL], &[ApprovedFinalTwice]);
}

#[test]
fn a_refusal_after_the_first_final_approval_is_an_exception_of_its_own() {
    assert_found(&[SUBMITTED, FINAL, REJECTED], &[Rejected, RejectedAfterFinalApproval]);
    assert_found(&[REJECTED, FINAL], &[Rejected]);
    assert_found(&[FINAL, REJECTED, FINAL], &[Rejected, ApprovedFinalTwice, RejectedAfterFinalApproval]);
}

#[test]
fn a_payment_without_any_final_approval_is_an_exception() {
    assert_found(&[SUBMITTED, APPROVED, PAID], &[PaidWithoutFinalApproval]);
    // Whenever the approval came: the predicate asks whether there is one.
    assert_found(&[SUBMITTED, PAID, FINAL], &[]);
}

#[test]
fn what_is_unknown_is_no_exception() {
    assert_found(&["Start trip", "", "ü", "final_approved", "Send Reminder"], &[]);
}

#[test]
fn every_exception_has_a_code_of_its_own() {
    let codes: Vec<_> = Exception::ALL.iter().map(|exception| exception.code()).collect();
    let expected = ["rejected", "approved_final_twice", "rejected_after_final_approval", "paid_without_final_approval"];
    assert_eq!(codes, expected);
    for exception in Exception::ALL {
        assert_eq!(serde_json::to_value(exception).unwrap(), exception.code());
    }
}

proptest! {
    #[test]
    fn the_predicates_say_what_they_say_in_words(
        case in prop::collection::vec(
            proptest::sample::select(vec![SUBMITTED, APPROVED, FINAL, REJECTED, PAID]),
            0..12,
        ),
    ) {
        let has = |what: &str| case.iter().any(|one| one.contains(what));
        let first_final = case.iter().position(|one| one.contains("FINAL_APPROVED")).unwrap_or(case.len());
        let mut expected = BTreeSet::new();
        expected.extend(has("REJECTED").then_some(Rejected));
        let finals = case.iter().filter(|one| one.contains("FINAL_APPROVED")).count();
        expected.extend((finals > 1).then_some(ApprovedFinalTwice));
        let later = case[first_final..].iter().any(|one| one.contains("REJECTED"));
        expected.extend(later.then_some(RejectedAfterFinalApproval));
        expected.extend((has("Payment Handled") && !has("FINAL_APPROVED")).then_some(PaidWithoutFinalApproval));
        prop_assert_eq!(exceptions(case.iter().copied()), expected);
    }
}
