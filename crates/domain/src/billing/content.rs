//! One revision of an invoice, as it is put before people, and the digest of what each of them is shown of it.

use crate::approval::{Mask, Salt, shown_digest};
use crate::billing::line::{Line, Lines, Totals};
use crate::ids::{ClientId, ContractLineId, InvoiceId, ProjectId, TimeEntryId};
use crate::values::{Currency, Money, Percent};
use countersign_canon::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One revision of an invoice. Neither its number nor its date of issue: those come with sending (F10.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// The project that it charges.
    pub project: ProjectId,
    /// The client that it is for.
    pub client: ClientId,
    /// Which revision, from 1.
    pub revision: u32,
    /// In what currency it is.
    pub currency: Currency,
    /// What it charges.
    pub lines: Lines,
    /// What that comes to.
    pub totals: Totals,
    /// What makes its digests impossible to guess.
    pub salt: Salt,
}

/// The digest of what somebody is shown of a revision under their mask.
///
/// An invoice shows its amounts to whoever may see it at all (D1). What a line charges, the line of the contract and
/// the entries of time, is a financial field: it would let one divide back to the rate of each entry (F6.8).
pub fn shown(content: &Content, mask: Mask) -> Digest {
    let Content { invoice, project, client, revision, currency, lines, totals, salt } = content;
    let lines = lines.as_slice().iter().map(|line| ShownLine::of(line, salt, mask)).collect();
    let shown = Shown {
        kind: "invoice",
        invoice: *invoice,
        project: *project,
        client: *client,
        revision: *revision,
        currency: *currency,
        lines,
        totals,
    };
    shown_digest(salt, &shown)
}

#[derive(Serialize)]
struct Shown<'a> {
    kind: &'static str,
    invoice: InvoiceId,
    project: ProjectId,
    client: ClientId,
    revision: u32,
    currency: Currency,
    lines: Vec<ShownLine<'a>>,
    totals: &'a Totals,
}

#[derive(Serialize)]
struct ShownLine<'a> {
    description: Digest,
    quantity: crate::billing::line::Quantity,
    unit_price: Money,
    tax: Percent,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_line: Option<ContractLineId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_entries: Option<&'a BTreeSet<TimeEntryId>>,
}

impl<'a> ShownLine<'a> {
    fn of(line: &'a Line, salt: &Salt, mask: Mask) -> Self {
        let Line { description, quantity, unit_price, tax, contract_line, time_entries } = line;
        Self {
            description: salt.commitment(description.as_str()),
            quantity: *quantity,
            unit_price: *unit_price,
            tax: *tax,
            contract_line: mask.financial(*contract_line).flatten(),
            time_entries: mask.financial(time_entries).filter(|entries| !entries.is_empty()),
        }
    }
}
