//! How invoice numbers are allotted, and what lines come to.

use super::invoice_spec::*;
use crate::billing::invoice::{self, Invoice};
use crate::billing::line::{Line, Lines, NoTotal, NotLines, TaxTotal, Totals};
use crate::billing::number::{InvoiceNumber, Prefix, Series};
use crate::billing::number_series::{Command, Event, NumberSeries, Rejection};
use crate::decider::Rejected;
use crate::envelope::{Actor, ObjectKind, Role};
use crate::ids::{InvoiceId, NumberSeriesId};
use crate::testing::cast::*;
use crate::testing::{Ledger, ORG, concerned, day, given, id, survives_its_wire_form};
use crate::use_case::UseCase;
use crate::use_cases::billing::{
    DraftInvoice, approve_invoice, draft_invoice, put_invoice_in_review, recall_invoice, request_invoice_changes,
    revise_invoice, send_invoice,
};
use crate::values::{MoneyError, Percent};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

const OTHER: &str = "FAC";

fn series(prefix: &str) -> Series {
    Series::on(Prefix::parse(prefix).unwrap(), day(1).as_utc().date_naive()).unwrap()
}

fn series_id() -> NumberSeriesId {
    series("INV").id(ORG)
}

fn number(sequence: u32) -> InvoiceNumber {
    series("INV").number_after(sequence - 1)
}

fn allotted(invoice: InvoiceId, sequence: u32) -> Event {
    Event::Allotted { invoice, number: number(sequence) }
}

/// An invoice that was sent under a number.
fn sent_as(number: InvoiceNumber) -> impl FnOnce(Ledger) -> Ledger {
    let sent = invoice::Event::Sent {
        project: PORTAL,
        client: ACME,
        revision: 1,
        series: number.series().id(ORG),
        number,
        issued_on: day(1).as_utc().date_naive(),
        total: eur(12_100),
    };
    |ledger| ledger.with::<Invoice>(INVOICE, [drafted(), put_in_review(1), approved(GINA, 1), sent])
}

fn allot() -> Command {
    Command::Allot { invoice: INVOICE }
}

#[test] // F10.9
fn the_number_under_which_an_invoice_was_sent_is_allotted_once() {
    let given = |history: Vec<Event>| given::<NumberSeries>(history).named(series_id()).in_ledger(sent_as(number(2)));
    let before = || allotted(id(7), 1);
    given(vec![before()]).when(allot()).then([allotted(INVOICE, 2)]);
    given(vec![before(), allotted(INVOICE, 2)]).when(allot()).then_nothing();
    given(vec![before(), allotted(INVOICE, 2), allotted(id(8), 3)]).when(allot()).then_nothing();
}

#[test] // F10.9
fn no_number_is_allotted_before_sending_out_of_turn_or_from_another_series() {
    let series = || given::<NumberSeries>([]).named(series_id());
    series().when(allot()).then_rejected(Rejection::NotSent);
    series().in_ledger(sent_as(number(2))).when(allot()).then_rejected(Rejection::Gap { number: number(2) });
    let other = super::number::InvoiceNumber::parse("FAC-2026-00001").unwrap();
    series().in_ledger(sent_as(other)).when(allot()).then_rejected(Rejection::AnotherSeries);
    assert_eq!(Rejection::Gap { number: number(2) }.details(), [("number", "INV-2026-00002".to_owned())]);
    assert_eq!(Rejection::NotSent.code(), "number_series.not_sent");
    assert_eq!(Rejection::AnotherSeries.code(), "number_series.another_series");
}

#[test]
fn an_allotment_survives_its_wire_form_and_names_its_invoice() {
    let event = allotted(INVOICE, 1);
    survives_its_wire_form::<NumberSeries>(series_id(), &event);
    assert_eq!(concerned::<NumberSeries>(&event), [(ObjectKind::Invoice, Role::Invoice)]);
}

/// What somebody does in the story of one invoice.
fn drafting(invoice: InvoiceId) -> UseCase {
    let command = DraftInvoice { invoice, project: PORTAL, currency: euro(), lines: content(1).lines, salt: salt(1) };
    draft_invoice(command)
}

fn sending(invoice: InvoiceId, prefix: &str) -> UseCase {
    send_invoice(ORG, invoice, Prefix::parse(prefix).unwrap(), day(1).as_utc().date_naive()).unwrap()
}

fn shown_of(ledger: &mut Ledger, invoice: InvoiceId) -> countersign_canon::Digest {
    match ledger.folded::<Invoice>(invoice) {
        invoice::State::Known { content, .. } => {
            crate::billing::content::shown(&content, crate::approval::Mask::Financials)
        }
        invoice::State::Unknown => crate::billing::content::shown(&content(1), crate::approval::Mask::Financials),
    }
}

#[test] // F10.4, F10.6, F10.9, F17.6
fn the_whole_life_of_an_invoice_goes_through_its_errands() {
    let ledger = &mut ledger();
    let perform = |ledger: &mut Ledger, actor: Actor, errand: &UseCase| {
        *ledger = ledger.clone().by(actor);
        ledger.perform(errand).unwrap()
    };
    assert_eq!(perform(ledger, PAUL.into(), &drafting(INVOICE)), ["invoice.drafted"]);
    assert_eq!(perform(ledger, PAUL.into(), &put_invoice_in_review(INVOICE)), ["invoice.put_in_review"]);
    assert_eq!(perform(ledger, PAUL.into(), &recall_invoice(INVOICE)), ["invoice.recalled"]);
    assert_eq!(perform(ledger, PAUL.into(), &put_invoice_in_review(INVOICE)), ["invoice.put_in_review"]);
    let shown = shown_of(ledger, INVOICE);
    let refuse = request_invoice_changes(INVOICE, shown, reason());
    assert_eq!(perform(ledger, GINA.into(), &refuse), ["invoice.changes_requested"]);
    let revise = revise_invoice(INVOICE, content(2).lines, salt(2));
    assert_eq!(perform(ledger, PAUL.into(), &revise), ["invoice.revised"]);
    assert_eq!(perform(ledger, PAUL.into(), &put_invoice_in_review(INVOICE)), ["invoice.put_in_review"]);
    let approve = approve_invoice(INVOICE, shown_of(ledger, INVOICE), None);
    assert_eq!(perform(ledger, GINA.into(), &approve), ["invoice.approved"]);
    let send = sending(INVOICE, "INV");
    assert_eq!((send.name, approve.name, revise.name), ("SendInvoice", "ApproveInvoice", "ReviseInvoice"));
    assert_eq!(perform(ledger, AUTO_SEND, &send), ["invoice.sent", "number_series.allotted"]);
    assert!(perform(ledger, AUTO_SEND, &send).is_empty());
    assert!(perform(ledger, PAUL.into(), &sending(INVOICE, "INV")).is_empty());
    assert_eq!(ledger.folded::<Invoice>(INVOICE).number(), Some(&number(1)));
    assert_eq!(ledger.folded::<NumberSeries>(series_id()).last(), 1);
}

#[test]
fn an_invoice_that_was_sent_cannot_be_sent_again_under_another_series() {
    let mut ledger = sent_as(number(1))(ledger()).with::<NumberSeries>(series_id(), [allotted(INVOICE, 1)]).by(PAUL);
    let again = ledger.perform(&sending(INVOICE, OTHER)).unwrap_err();
    assert_eq!(again.code, "number_series.another_series");
}

/// An errand about one of five invoices.
fn errand() -> impl Strategy<Value = (u8, u8)> {
    (0..5_u8, 0..6_u8)
}

proptest! {
    #[test] // F10.9
    fn in_any_history_each_series_counts_from_one_without_gaps_and_each_number_once(
        errands in prop::collection::vec(errand(), 0..120),
    ) {
        let mut ledger = ledger();
        let mut invoices = BTreeSet::new();
        for (which, what) in errands {
            let invoice: InvoiceId = id(100 + u128::from(which));
            invoices.insert(invoice);
            let (actor, errand): (Actor, _) = match what {
                0 => (PAUL.into(), drafting(invoice)),
                1 => (PAUL.into(), put_invoice_in_review(invoice)),
                2 => (GINA.into(), approve_invoice(invoice, shown_of(&mut ledger, invoice), None)),
                3 => (PAUL.into(), sending(invoice, "INV")),
                4 => (AUTO_SEND, sending(invoice, if which % 2 == 0 { "INV" } else { OTHER })),
                _ => (ANN.into(), recall_invoice(invoice)),
            };
            ledger = ledger.by(actor);
            let _ = ledger.perform(&errand);
        }
        let mut numbers: BTreeMap<Series, Vec<u32>> = BTreeMap::new();
        for invoice in invoices {
            if let Some(number) = ledger.folded::<Invoice>(invoice).number() {
                numbers.entry(number.series().clone()).or_default().push(number.sequence());
            }
        }
        for (series, mut sequence) in numbers {
            sequence.sort_unstable();
            prop_assert_eq!(ledger.folded::<NumberSeries>(series.id(ORG)).last() as usize, sequence.len());
            prop_assert_eq!(sequence.clone(), (1..=sequence.len() as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn net_and_tax_come_to_gross_whatever_is_charged(
        charged in prop::collection::vec((1..2_000_000_i64, -50_000..500_000_i64, 0..4_i64), 1..40),
    ) {
        let charged = charged.into_iter().map(|(quantity, price, rate)| Line {
            quantity: Decimal::new(quantity, 3).try_into().unwrap(),
            unit_price: eur(price),
            tax: percent(rate * 7),
            ..hours(1)
        });
        match Totals::of(euro(), &lines(charged)) {
            Err(error) => prop_assert_eq!(error, NoTotal::Negative),
            Ok(totals) => {
                let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.sum::<i64>();
                prop_assert_eq!(sum(&mut totals.lines.iter().map(|line| line.minor())), totals.net.minor());
                prop_assert_eq!(sum(&mut totals.taxes.iter().map(|tax| tax.on.minor())), totals.net.minor());
                let taxes = sum(&mut totals.taxes.iter().map(|tax| tax.tax.minor()));
                prop_assert_eq!(totals.net.minor() + taxes, totals.gross.minor());
                prop_assert!(totals.taxes.is_sorted_by_key(|tax| tax.rate));
            }
        }
    }
}

fn percent(rate: i64) -> Percent {
    Decimal::from(rate).try_into().unwrap()
}

#[test]
fn tax_is_taken_once_for_each_rate_on_what_its_lines_come_to() {
    let third = |tax| Line { unit_price: eur(33), tax: percent(tax), ..hours(1) };
    let totals = Totals::of(euro(), &lines([third(19), third(7), third(19), third(19)])).unwrap();
    let tax = |rate, on, tax| TaxTotal { rate: percent(rate), on: eur(on), tax: eur(tax) };
    // Line by line, 19 percent of 33 would be 6, three times: 18.
    assert_eq!(totals.taxes, [tax(7, 33, 2), tax(19, 99, 19)]);
    assert_eq!((totals.net, totals.gross), (eur(132), eur(153)));
}

#[test]
fn what_no_amount_can_hold_is_refused() {
    let much = Line { unit_price: eur(9_007_199_254_740_991), ..hours(1) };
    let too_large = Err(NoTotal::Money(MoneyError::TooLarge));
    assert_eq!(Totals::of(euro(), &lines([much.clone()])), too_large, "with its tax");
    assert_eq!(Totals::of(euro(), &lines([much.clone(), much])), too_large);
}

#[test]
fn an_invoice_has_some_lines_but_no_more_than_it_holds() {
    let count = |count| Lines::try_from(vec![hours(1); count]);
    assert_eq!(count(0), Err(NotLines::None));
    assert!(count(500).is_ok());
    assert_eq!(count(501), Err(NotLines::TooMany));
    let entries = |count: u128| (0..count).map(id).collect();
    let crowded = |count| Lines::try_from(vec![Line { time_entries: entries(count), ..hours(1) }; 2]);
    assert!(crowded(5_000).is_ok());
    assert_eq!(crowded(5_001), Err(NotLines::TooManyTimeEntries));
}

#[test]
fn a_quantity_is_more_than_nothing() {
    for bad in ["0", "-1", "1000000.0001", "0.00001"] {
        assert!(super::line::Quantity::try_from(bad.parse::<Decimal>().unwrap()).is_err(), "{bad}");
    }
    for good in ["0.0001", "1000000", "1.50000"] {
        assert!(super::line::Quantity::try_from(good.parse::<Decimal>().unwrap()).is_ok(), "{good}");
    }
}
