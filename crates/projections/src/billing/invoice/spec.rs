//! What an invoice's row says after what has happened.

use super::*;
use crate::approval::Verdict;
use crate::testing::*;
use countersign_domain::access::Right;
use countersign_domain::approval::{Policy, Progress};
use countersign_domain::billing::invoice::Phase;
use countersign_domain::billing::line::{Line, Lines, Quantity, Totals};
use countersign_domain::values::Percent;
use std::collections::BTreeSet;

const INVOICE: InvoiceId = InvoiceId(uuid::Uuid::from_u128(0x8e));

fn content(revision: u32) -> Content {
    let line = Line {
        description: note("Work in March"),
        quantity: Quantity::try_from("1".parse::<rust_decimal::Decimal>().unwrap()).unwrap(),
        unit_price: eur(10_000),
        tax: Percent::try_from("21".parse::<rust_decimal::Decimal>().unwrap()).unwrap(),
        contract_line: None,
        time_entries: BTreeSet::new(),
    };
    let lines = Lines::try_from(vec![line]).unwrap();
    let totals = Totals::of(eur(0).currency(), &lines).unwrap();
    let (project, client, currency) = (PORTAL, ACME, eur(0).currency());
    Content { invoice: INVOICE, project, client, revision, currency, lines, totals, salt: salt() }
}

fn happened(event: Event) -> PortalEvent {
    PortalEvent::Invoice(event)
}

fn in_review() -> History {
    let approval = asked(1, Policy::any_holder("invoice.client", Right::ApproveInvoices));
    History::default()
        .then(INVOICE, happened(Event::Drafted(content(1))))
        .then(INVOICE, happened(Event::PutInReview { project: PORTAL, client: ACME, approval }))
}

fn word_given() -> Event {
    Event::ApprovalGiven { project: PORTAL, client: ACME, approval: given(1, 0, Progress::StageOpen) }
}

#[test] // F10.8
fn an_invoice_says_where_it_stands_and_since_when() {
    let row = in_review().row::<Invoice>();
    assert_eq!((row.status, row.since), (Status::InReview, hour(2)));
    assert_eq!(row.story.drafted, Act { by: Actor::Staff(PAUL), at: hour(1) });
    assert_eq!(row.story.in_review.map(|act| act.at), Some(hour(2)));
}

#[test]
fn whoever_agreed_stands_with_the_invoice_until_the_question_is_taken_back() {
    let history = in_review().then(INVOICE, happened(word_given()));
    let row = history.row::<Invoice>();
    assert_eq!(row.story.decisions.len(), 1);
    assert_eq!(row.status, Status::InReview);

    let recalled = Event::Recalled { project: PORTAL, client: ACME, approval: recalled(1) };
    let row = history.then(INVOICE, happened(recalled)).row::<Invoice>();
    assert_eq!((row.status, row.story.decisions.len(), row.story.in_review), (Status::Draft, 0, None));
}

#[test] // D13
fn a_refusal_stands_with_its_reason_until_the_next_revision() {
    let refused = Event::ChangesRequested { project: PORTAL, client: ACME, approval: refusal(1, "Wrong month") };
    let history = in_review().then(INVOICE, happened(refused));
    let row = history.row::<Invoice>();
    assert_eq!(row.status, Status::ChangesRequested);
    assert_eq!(row.story.decisions[0].verdict, Verdict::Refused);
    assert_eq!(row.story.decisions[0].note, Some(note("Wrong month")));

    let row = history.then(INVOICE, happened(Event::Revised(content(2)))).row::<Invoice>();
    assert_eq!((row.status, row.content.revision, row.story.decisions.len()), (Status::Draft, 2, 0));
    assert_eq!(row.story.drafted.at, hour(1));
}

#[test] // F10.1
fn where_it_stands_lets_the_same_people_know_of_it_as_the_rules_do() {
    let request = countersign_domain::approval::Request::from(&asked(1, Policy::any_holder("p", Right::ApproveTime)));
    let by = countersign_domain::envelope::Principal::PortalUser(GINA);
    let number = InvoiceNumber::parse("INV-2026-00001").unwrap();
    for (status, phase) in [
        (Status::Draft, Phase::Draft),
        (Status::InReview, Phase::InReview(request)),
        (Status::ChangesRequested, Phase::ChangesRequested { by }),
        (Status::Approved, Phase::Approved { by: vec![by], auto_send: false }),
        (Status::Sent, Phase::Sent { by: vec![by], number }),
    ] {
        assert_eq!(status.seen_by(), phase.seen_by(), "{status:?}");
    }
}
