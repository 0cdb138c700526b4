//! A series of invoice numbers: one prefix in one year.
//!
//! `1, 2, 3, ...`
//!
//! 1. Numbers are allotted in order, without gaps, each once, and never taken back (F10.9).
//! 2. A number is allotted in the same commit in which its invoice is sent: `SendInvoice` is both steps or none.

use crate::billing::invoice::Invoice;
use crate::billing::number::InvoiceNumber;
use crate::decider::{Decider, Folded, Needs, Rejected};
use crate::envelope::{ObjectKind, ObjectRef, Role};
use crate::ids::{InvoiceId, NumberSeriesId};
use crate::portal::StreamKind;
use serde::{Deserialize, Serialize};

/// The aggregate.
#[derive(Debug)]
pub struct NumberSeries;

/// What may be asked of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Allot the number under which an invoice was sent just now.
    Allot {
        /// The invoice.
        invoice: InvoiceId,
    },
}

/// What can have happened to a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A number was allotted.
    #[serde(rename = "number_series.allotted")]
    Allotted {
        /// To which invoice.
        invoice: InvoiceId,
        /// Which number.
        number: InvoiceNumber,
    },
}

/// What the rules remember of a series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    last: u32,
}

/// What the rules about a series must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// The number under which the invoice was sent, if it was.
    pub sent_as: Option<InvoiceNumber>,
    /// Whether that number is of this series.
    pub of_this_series: bool,
}

/// Why a number may not be allotted.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// A number is given on sending, not before.
    #[error("the invoice has not been sent")]
    NotSent,
    /// The invoice was sent under another series' number.
    #[error("the invoice was sent under a number of another series")]
    AnotherSeries,
    /// The number is beyond the next one.
    #[error("number {number} would leave a gap")]
    Gap {
        /// The invoice's number.
        number: InvoiceNumber,
    },
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NotSent => "number_series.not_sent",
            Self::AnotherSeries => "number_series.another_series",
            Self::Gap { .. } => "number_series.gap",
        }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Gap { number } => vec![("number", number.to_string())],
            Self::NotSent | Self::AnotherSeries => vec![],
        }
    }
}

impl Decider for NumberSeries {
    const KIND: StreamKind = StreamKind::NumberSeries;
    type Id = NumberSeriesId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(id: NumberSeriesId, _: &State, command: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let Command::Allot { invoice } = command;
        let sent_as = ledger.state::<Invoice>(*invoice)?.number().cloned();
        let of_this_series = sent_as.as_ref().is_some_and(|number| number.series().id(ledger.moment().org) == id);
        Ok(Facts { sent_as, of_this_series })
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Allot { invoice } => allot(state, facts, invoice),
        }
    }

    fn evolve(_: State, event: &Event) -> State {
        match event {
            Event::Allotted { number, .. } => State { last: number.sequence() },
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        match event {
            Event::Allotted { invoice, .. } => vec![ObjectRef::new(ObjectKind::Invoice, *invoice, Role::Invoice)],
        }
    }
}

/// The invoice took the next number when it was sent; an invoice sent before has had its number allotted then.
fn allot(state: &State, facts: &Facts, invoice: InvoiceId) -> Result<Vec<Event>, Rejection> {
    let number = facts.sent_as.clone().ok_or(Rejection::NotSent)?;
    if !facts.of_this_series {
        return Err(Rejection::AnotherSeries);
    }
    match number.sequence().checked_sub(state.last) {
        None | Some(0) => Ok(vec![]),
        Some(1) => Ok(vec![Event::Allotted { invoice, number }]),
        Some(_) => Err(Rejection::Gap { number }),
    }
}

impl State {
    /// The last number that was allotted; 0 before the first.
    pub fn last(&self) -> u32 {
        self.last
    }
}
