//! What is known of a question after what was said.

use super::*;
use crate::approval::history::ApprovalHistory;
use crate::testing::*;
use countersign_domain::access::Right;
use countersign_domain::approval::{Approvers, Rule};
use countersign_domain::billing::invoice::Event;
use countersign_domain::ids::InvoiceId;
use countersign_domain::portal::PortalEvent;

const INVOICE: InvoiceId = InvoiceId(uuid::Uuid::from_u128(0x8e));

fn two_stages() -> Policy {
    let stage =
        |name: &str, right| Stage { name: name.to_owned(), rule: Rule::Any, approvers: Approvers::Holders(right) };
    let stages = vec![stage("first", Right::ApproveTime), stage("second", Right::ApproveInvoices)];
    Policy::new("two stages", 3, stages).unwrap()
}

fn in_review() -> History {
    let approval = asked(1, two_stages());
    let asked = Event::PutInReview { project: PORTAL, client: ACME, approval };
    History::default().then(INVOICE, PortalEvent::Invoice(asked))
}

fn agreed(stage: u32, leaves: Progress) -> PortalEvent {
    let approval = given(1, stage, leaves);
    PortalEvent::Invoice(Event::ApprovalGiven { project: PORTAL, client: ACME, approval })
}

#[test] // F17.2
fn an_open_question_asks_the_stage_whose_turn_it_is() {
    let history = in_review();
    let row = history.row::<ApprovalRequest>();
    assert_eq!((row.standing, row.question.open_stage().unwrap().name.as_str()), (Standing::Open, "first"));

    let row = history.then(INVOICE, agreed(0, Progress::StageComplete)).row::<ApprovalRequest>();
    assert_eq!((row.standing, row.question.open_stage().unwrap().name.as_str()), (Standing::Open, "second"));
    assert_eq!(row.question.given, [Principal::PortalUser(GINA)]);
}

#[test]
fn a_question_closes_when_all_is_approved_refused_or_taken_back() {
    let approval = given(1, 1, Progress::Complete);
    let approved = Event::Approved { project: PORTAL, client: ACME, approval, auto_send: true };
    let refused = Event::ChangesRequested { project: PORTAL, client: ACME, approval: refusal(1, "No") };
    let recalled = Event::Recalled { project: PORTAL, client: ACME, approval: recalled(1) };
    for (last, standing) in
        [(approved, Standing::Approved), (refused, Standing::Refused), (recalled, Standing::Recalled)]
    {
        let row = in_review().then(INVOICE, PortalEvent::Invoice(last)).row::<ApprovalRequest>();
        assert_eq!((row.standing, row.closed_at), (standing, Some(hour(2))));
    }
}

#[test]
fn asked_again_it_is_a_new_question() {
    let again = Event::PutInReview { project: PORTAL, client: ACME, approval: asked(2, two_stages()) };
    let row = in_review()
        .then(INVOICE, agreed(0, Progress::StageComplete))
        .then(INVOICE, PortalEvent::Invoice(again))
        .row::<ApprovalRequest>();
    assert_eq!((row.revision, row.question.stage, row.question.given.len()), (2, 0, 0));
    assert_eq!(row.asked_at, hour(3));
}

#[test] // F18.1
fn every_word_is_a_row_of_its_own_in_the_history() {
    let history =
        in_review().then(INVOICE, agreed(0, Progress::StageOpen)).then(INVOICE, agreed(0, Progress::StageOpen));
    let rows = history.rows::<ApprovalHistory>();
    assert_eq!(rows.into_keys().collect::<Vec<_>>(), [1, 2, 3]);
}
