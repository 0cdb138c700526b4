//! What a project's row says after what has happened.

use super::*;
use crate::testing::*;
use countersign_domain::billing::number::{InvoiceNumber, Prefix, Series};
use countersign_domain::ids::TimeEntryId;
use countersign_domain::values::Hours;
use countersign_domain::work::time_entry::content::Content;

const ENTRY: TimeEntryId = TimeEntryId(uuid::Uuid::from_u128(0x7e));

fn content(revision: u32, hours: &str, cents: i64) -> Content {
    Content {
        time_entry: ENTRY,
        project: PORTAL,
        client: ACME,
        contract_line: LINE,
        author: PAUL,
        revision,
        worked_on: "2026-03-02".parse().unwrap(),
        hours: Hours::try_from(hours.parse::<Decimal>().unwrap()).unwrap(),
        note: note("What was done"),
        rate: eur(10_000),
        value: eur(cents),
        salt: salt(),
    }
}

fn logged(content: &Content) -> PortalEvent {
    PortalEvent::TimeEntry(time_entry::Event::Logged(content.clone()))
}

fn sent(total: Money) -> PortalEvent {
    let series = Series::on(Prefix::default(), "2026-03-31".parse().unwrap()).unwrap();
    PortalEvent::Invoice(invoice::Event::Sent {
        project: PORTAL,
        client: ACME,
        revision: 1,
        series: id(0x5e),
        number: InvoiceNumber::parse(&series.number_after(0).to_string()).unwrap(),
        issued_on: "2026-03-31".parse().unwrap(),
        total,
    })
}

#[test] // F6.5
fn hours_and_value_used_follow_every_revision_of_an_entry() {
    let (first, second) = (content(1, "1.5", 15_000), content(2, "0.75", 7_500));
    let revised = time_entry::Event::Revised { content: second, before: first.amount() };
    let history = History::default().then(PORTAL, opened()).then(ENTRY, logged(&first));
    let row = history.row::<Project>();
    assert_eq!((row.hours_used, row.contract_lines[0].used), ("1.5".parse().unwrap(), eur(15_000)));

    let row = history.then(ENTRY, PortalEvent::TimeEntry(revised)).row::<Project>();
    assert_eq!((row.hours_used, row.contract_lines[0].used), ("0.75".parse().unwrap(), eur(7_500)));
    assert_eq!(row.contract_lines[0].hours_used, row.hours_used);
    assert_eq!(row.hours_approved, Decimal::ZERO);
}

#[test]
fn hours_have_one_spelling_however_they_add_up() {
    let (half, other) = (content(1, "0.5", 5_000), content(1, "1.5", 15_000));
    let row = History::default()
        .then(PORTAL, opened())
        .then(id::<TimeEntryId>(1), logged(&half))
        .then(id::<TimeEntryId>(2), logged(&other))
        .row::<Project>();
    assert_eq!(row.hours_used.to_string(), "2");
    assert_eq!(row.contract_lines[0].line.hours.to_string(), "40");
}

#[test] // F10.9
fn only_what_was_sent_is_invoiced() {
    let row = History::default()
        .then(PORTAL, opened())
        .then(id::<uuid::Uuid>(1), sent(eur(12_100)))
        .then(id::<uuid::Uuid>(2), sent(eur(5)))
        .row::<Project>();
    assert_eq!(row.invoiced, eur(12_105));
}

#[test]
fn what_only_the_firm_knows_is_no_change_that_the_client_sees() {
    let published = PortalEvent::Project(Event::Published { client: ACME });
    let assigned = PortalEvent::Project(Event::ManagerAssigned { client: ACME, from: Some(PAUL), to: id(0x5c) });
    let row = History::default()
        .then(PORTAL, opened())
        .then(PORTAL, published)
        .then(PORTAL, assigned)
        .then(id::<uuid::Uuid>(1), sent(eur(1)))
        .row::<Project>();
    assert_eq!((row.shown_changed_at, row.changed_at), (hour(2), hour(4)));
    assert_eq!((row.published, row.manager), (true, Some(id(0x5c))));
}

#[test]
fn a_total_that_no_amount_can_hold_stays_where_it_is() {
    let largest = eur(countersign_canon::LARGEST_INTEGER);
    assert_eq!(plus(largest, 1), largest);
    assert_eq!(plus(largest, -1).minor(), largest.minor() - 1);
}
