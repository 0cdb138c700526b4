//! What an invoice charges, line by line, and what it comes to.

use crate::envelope::{ObjectKind, ObjectRef, Role};
use crate::ids::{ContractLineId, TimeEntryId};
use crate::values::{Currency, Money, MoneyError, Note, Percent};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How much of something is charged: more than 0, at most 1,000,000, at most four decimal places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Quantity(Decimal);

/// Why a number is no quantity.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is more than 0 and at most 1,000,000, with at most four decimal places")]
pub struct NotAQuantity;

/// One line of an invoice. A discount is a line with a negative price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What for.
    pub description: Note,
    /// How much of it.
    pub quantity: Quantity,
    /// What one costs.
    pub unit_price: Money,
    /// The tax on it.
    pub tax: Percent,
    /// The line of the contract that it charges, if it charges one.
    pub contract_line: Option<ContractLineId>,
    /// The time that it charges.
    pub time_entries: BTreeSet<TimeEntryId>,
}

/// The lines of an invoice, in order: 1 to 500 of them, which charge at most 10,000 entries of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Line>", into = "Vec<Line>")]
pub struct Lines(Vec<Line>);

/// Why lines are no invoice's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLines {
    /// Nothing is charged.
    #[error("an invoice has at least one line")]
    None,
    /// More than one invoice holds.
    #[error("an invoice has at most 500 lines")]
    TooMany,
    /// More than one invoice holds.
    #[error("an invoice charges at most 10,000 entries of time")]
    TooManyTimeEntries,
}

/// What the lines come to. Computed once, when they are decided, and carried from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Each line without tax, in the order of the lines.
    pub lines: Vec<Money>,
    /// All lines without tax.
    pub net: Money,
    /// The tax, rate by rate, lowest first.
    pub taxes: Vec<TaxTotal>,
    /// What is to be paid.
    pub gross: Money,
}

/// The tax of one rate: taken once on the sum of the lines that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxTotal {
    /// The rate.
    pub rate: Percent,
    /// What it is taken on.
    pub on: Money,
    /// What it comes to.
    pub tax: Money,
}

/// Why lines come to nothing that could be charged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTotal {
    /// A price is in another currency, or an amount too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The client would be owed something.
    #[error("the total of an invoice may not be negative")]
    Negative,
}

impl Lines {
    /// The lines, in order.
    pub fn as_slice(&self) -> &[Line] {
        &self.0
    }

    /// Every contract line and every entry of time that they charge, each once.
    pub fn charged(&self) -> Vec<ObjectRef> {
        let contract_lines: BTreeSet<_> = self.0.iter().filter_map(|line| line.contract_line).collect();
        let time_entries: BTreeSet<_> = self.0.iter().flat_map(|line| &line.time_entries).collect();
        let contract_lines = contract_lines.into_iter();
        let time_entries = time_entries.into_iter();
        contract_lines
            .map(|line| ObjectRef::new(ObjectKind::ContractLine, line, Role::ContractLine))
            .chain(time_entries.map(|entry| ObjectRef::new(ObjectKind::TimeEntry, *entry, Role::Charged)))
            .collect()
    }

    /// An entry of time that more than one line charges, if there is one.
    pub fn charged_twice(&self) -> Option<TimeEntryId> {
        let mut charged = BTreeSet::new();
        self.0.iter().flat_map(|line| &line.time_entries).find(|entry| !charged.insert(**entry)).copied()
    }
}

impl Totals {
    /// What the lines come to in a currency. Each line is rounded, then each rate's tax on the sum of its lines.
    pub fn of(currency: Currency, lines: &Lines) -> Result<Self, NoTotal> {
        let mut amounts = Vec::with_capacity(lines.0.len());
        let mut net = Money::zero(currency);
        let mut by_rate = BTreeMap::new();
        for line in &lines.0 {
            let amount = line.unit_price.times(line.quantity.as_decimal())?;
            net = net.plus(amount)?;
            let taxed = by_rate.entry(line.tax).or_insert(Money::zero(currency));
            *taxed = taxed.plus(amount)?;
            amounts.push(amount);
        }
        let mut taxes = Vec::with_capacity(by_rate.len());
        let mut gross = net;
        for (rate, on) in by_rate {
            let tax = on.tax(rate)?;
            gross = gross.plus(tax)?;
            taxes.push(TaxTotal { rate, on, tax });
        }
        if gross.minor() < 0 {
            return Err(NoTotal::Negative);
        }
        Ok(Self { lines: amounts, net, taxes, gross })
    }
}

impl Quantity {
    /// The quantity as a decimal number.
    pub fn as_decimal(self) -> Decimal {
        self.0
    }
}

impl TryFrom<Decimal> for Quantity {
    type Error = NotAQuantity;
    fn try_from(quantity: Decimal) -> Result<Self, NotAQuantity> {
        let quantity = quantity.normalize();
        if quantity <= Decimal::ZERO || quantity > Decimal::from(1_000_000) || quantity.scale() > 4 {
            return Err(NotAQuantity);
        }
        Ok(Self(quantity))
    }
}

impl From<Quantity> for Decimal {
    fn from(quantity: Quantity) -> Decimal {
        quantity.0
    }
}

impl TryFrom<Vec<Line>> for Lines {
    type Error = NotLines;
    fn try_from(lines: Vec<Line>) -> Result<Self, NotLines> {
        match lines.len() {
            0 => Err(NotLines::None),
            501.. => Err(NotLines::TooMany),
            1..=500 if lines.iter().map(|line| line.time_entries.len()).sum::<usize>() > 10_000 => {
                Err(NotLines::TooManyTimeEntries)
            }
            1..=500 => Ok(Self(lines)),
        }
    }
}

impl From<Lines> for Vec<Line> {
    fn from(lines: Lines) -> Vec<Line> {
        lines.0
    }
}
