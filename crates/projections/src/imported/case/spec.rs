//! What an imported case's row says after its steps came in.

use super::*;
use crate::testing::*;
use countersign_domain::imported::case::Step;
use countersign_domain::imported::verbatim::OriginalTime;

const CASE: CaseId = CaseId(uuid::Uuid::from_u128(0xca5e));

fn opened() -> PortalEvent {
    let case = Verbatim::parse("declaration 1").unwrap();
    PortalEvent::ImportedCase(Event::Opened { log: label("DomesticDeclarations"), case })
}

fn step(index: u32, activity: &str, day: &str) -> PortalEvent {
    let step = Step {
        id: Verbatim::parse(&format!("{activity} {day}")).unwrap(),
        activity: Verbatim::parse(activity).unwrap(),
        at: Some(OriginalTime::parse(&format!("2018-02-{day}T10:00:00+01:00")).unwrap()),
        role: None,
        resource: None,
        amount: None,
    };
    PortalEvent::ImportedCase(Event::StepRecorded { index, step })
}

#[test]
fn a_late_step_takes_its_place_among_those_that_were_known() {
    let row = History::default()
        .then(CASE, opened())
        .then(CASE, step(0, "Declaration SUBMITTED by EMPLOYEE", "01"))
        .then(CASE, step(1, "Payment Handled", "09"))
        .then(CASE, step(1, "Declaration FINAL_APPROVED by SUPERVISOR", "05"))
        .row::<ImportedCase>();
    let activities: Vec<_> = row.steps.iter().map(|step| step.activity.as_str()).collect();
    assert_eq!(
        activities,
        ["Declaration SUBMITTED by EMPLOYEE", "Declaration FINAL_APPROVED by SUPERVISOR", "Payment Handled",]
    );
    assert_eq!(row.exceptions(), [""; 0]);
    assert_eq!(row.first_at().unwrap().to_string(), "2018-02-01T09:00:00.000000Z");
    assert_eq!(row.last_at().unwrap().to_string(), "2018-02-09T09:00:00.000000Z");
}

#[test]
fn what_is_odd_about_a_case_and_what_says_nothing_to_us_is_named() {
    let row = History::default()
        .then(CASE, opened())
        .then(CASE, step(0, "Declaration REJECTED by ADMINISTRATION", "01"))
        .then(CASE, step(1, "Payment Handled", "02"))
        .then(CASE, step(2, "Something else", "03"))
        .row::<ImportedCase>();
    assert_eq!(row.exceptions(), ["rejected", "paid_without_final_approval"]);
    assert_eq!(row.refusals(), ["approval.not_requested"]);
    assert_eq!(row.unknown_activities(), ["Something else"]);
}
