//! The hand-made sample holds one case of everything that real histories do.

use crate::harness::*;
use crate::{Case, Value};

fn sample(id: &str) -> Case {
    cases(SAMPLE).into_iter().find(|case| case.id == format!("expense {id}")).expect("the sample has the case")
}

fn count(case: &Case, word: &str) -> usize {
    case.steps.iter().filter(|step| step.activity.contains(word)).count()
}

/// The ids of the cases of which this is true.
fn those(is_true: fn(&Case) -> bool) -> Vec<String> {
    let ids = cases(SAMPLE).into_iter().filter(is_true).map(|case| case.id);
    ids.map(|id| id.replace("expense ", "")).collect()
}

#[test]
fn the_sample_has_twelve_cases_and_sixty_two_steps() {
    let cases = cases(SAMPLE);
    assert_eq!((cases.len(), cases.iter().map(|case| case.steps.len()).sum::<usize>()), (12, 62));
}

#[test]
fn some_expenses_were_rejected() {
    assert_eq!(those(|case| count(case, "REJECTED") > 0), ["1003", "1004", "1006", "1012"]);
}

#[test]
fn some_expenses_were_approved_finally_twice() {
    assert_eq!(those(|case| count(case, "FINAL_APPROVED") >= 2), ["1005", "1012"]);
}

#[test]
fn some_expenses_were_rejected_after_their_final_approval() {
    let rejected_after = |case: &Case| {
        let after = case.steps.iter().skip_while(|step| !step.activity.contains("FINAL_APPROVED"));
        after.filter(|step| step.activity.contains("REJECTED")).count() > 0
    };
    assert_eq!(those(rejected_after), ["1006", "1012"]);
}

#[test]
fn one_expense_was_paid_without_a_final_approval() {
    assert_eq!(those(|case| count(case, "Payment Handled") > 0 && count(case, "FINAL_APPROVED") == 0), ["1007"]);
}

#[test]
fn approvals_of_the_same_second_keep_the_order_of_the_file() {
    let case = sample("1008");
    let approvals: Vec<_> = case.steps.iter().filter(|step| step.activity.contains("APPROVED")).collect();
    assert!(approvals.windows(2).all(|pair| pair[0].at == pair[1].at));
    let roles: Vec<_> = approvals.iter().map(|step| step.role.as_deref().unwrap()).collect();
    assert_eq!(roles, ["SUPERVISOR", "BUDGET OWNER", "DIRECTOR"]);
}

#[test]
fn steps_may_be_of_nobody_and_of_no_role() {
    let steps = sample("1010").steps;
    assert_eq!((steps[1].resource.as_deref(), steps[1].role.as_deref()), (Some("Tomas Brandt"), None));
    assert_eq!((steps[2].resource.as_deref(), steps[2].role.as_deref()), (None, None));
}

#[test]
fn an_amount_and_an_escaped_title_are_read_exactly() {
    let case = sample("1011");
    assert_eq!(case.attributes[0].value, Value::String("Dinner with \"Möller & Söhne\" <3 guests>".into()));
    assert_eq!(case.attributes[1].value, Value::Float("145.00".into()));
    assert_eq!(case.steps[0].attributes[0].value, Value::String("first line\nsecond line, it's 3 > 2".into()));
}
