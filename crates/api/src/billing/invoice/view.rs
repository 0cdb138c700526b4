//! How invoices are shown.

use crate::approval::decision::Decision;
use crate::schema;
use chrono::NaiveDate;
use countersign_canon::Digest;
use countersign_domain::billing::line::{Quantity, TaxTotal as DomainTaxTotal, Totals as DomainTotals};
use countersign_domain::billing::number::InvoiceNumber;
use countersign_domain::envelope::Actor;
use countersign_domain::ids::{ClientId, ContractLineId, InvoiceId, ProjectId, TimeEntryId};
use countersign_domain::values::{Currency, Label, Money, Note, Percent, Timestamp};
use countersign_projections::billing::invoice::{
    InvoiceInternals as InternalsView, InvoiceLineView, InvoiceSummary as SummaryView, InvoiceView, Status,
};
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// An invoice in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvoiceSummary {
    /// Which invoice.
    #[schema(value_type = Uuid)]
    invoice: InvoiceId,
    /// The project that it charges.
    #[schema(value_type = Uuid)]
    project: ProjectId,
    /// What the project is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Label>)]
    project_name: Option<Label>,
    /// The client that it is for.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// Where it stands.
    #[schema(value_type = schema::InvoiceStatus)]
    status: Status,
    /// Which revision, from 1.
    revision: u32,
    /// Its number, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::InvoiceNumber>)]
    number: Option<InvoiceNumber>,
    /// Its date, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Day>)]
    issued_on: Option<NaiveDate>,
    /// Without tax.
    #[schema(value_type = schema::Money)]
    net: Money,
    /// What is to be paid.
    #[schema(value_type = schema::Money)]
    gross: Money,
    /// When it came to where it stands.
    #[schema(value_type = schema::Timestamp)]
    since: Timestamp,
}

/// An invoice as the caller may see it. What they may not see is absent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invoice {
    /// Which invoice.
    #[schema(value_type = Uuid)]
    invoice: InvoiceId,
    /// The project that it charges.
    #[schema(value_type = Uuid)]
    project: ProjectId,
    /// What the project is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Label>)]
    project_name: Option<Label>,
    /// The client that it is for.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// Where it stands.
    #[schema(value_type = schema::InvoiceStatus)]
    status: Status,
    /// Which revision, from 1.
    revision: u32,
    /// In what currency it is.
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// What it charges.
    lines: Vec<InvoiceLine>,
    /// What that comes to.
    totals: Totals,
    /// Its number, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::InvoiceNumber>)]
    number: Option<InvoiceNumber>,
    /// Its date, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Day>)]
    issued_on: Option<NaiveDate>,
    /// The digest of exactly this revision, as shown to the caller: what an approval names.
    #[schema(value_type = schema::Digest)]
    shown: Digest,
    /// What was decided on this revision, in order.
    decisions: Vec<Decision>,
    /// When it was put in review.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    in_review_since: Option<Timestamp>,
    /// When it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    sent_at: Option<Timestamp>,
    /// When it came to where it stands.
    #[schema(value_type = schema::Timestamp)]
    since: Timestamp,
    /// What is the firm's own business; absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    internal: Option<InvoiceInternals>,
}

/// A line of an invoice.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvoiceLine {
    /// What for.
    #[schema(value_type = schema::Note)]
    description: Note,
    /// How much of it.
    #[schema(value_type = schema::Quantity)]
    quantity: Quantity,
    /// What one costs.
    #[schema(value_type = schema::Money)]
    unit_price: Money,
    /// The tax on it.
    #[schema(value_type = schema::Percent)]
    tax: Percent,
    /// What the line comes to, without tax.
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// The contract line that it charges: with financial visibility only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    contract_line: Option<ContractLineId>,
    /// The time that it charges: with financial visibility only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Uuid>>)]
    time_entries: Option<BTreeSet<TimeEntryId>>,
}

/// What the lines come to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Totals {
    /// All lines without tax.
    #[schema(value_type = schema::Money)]
    net: Money,
    /// The tax, rate by rate, lowest first.
    taxes: Vec<TaxTotal>,
    /// What is to be paid.
    #[schema(value_type = schema::Money)]
    gross: Money,
}

/// The tax of one rate.
#[derive(Serialize, ToSchema)]
pub(crate) struct TaxTotal {
    /// The rate.
    #[schema(value_type = schema::Percent)]
    rate: Percent,
    /// What it is taken on.
    #[schema(value_type = schema::Money)]
    on: Money,
    /// What it comes to.
    #[schema(value_type = schema::Money)]
    tax: Money,
}

/// What staff sees of an invoice besides.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvoiceInternals {
    /// Who drafted it.
    #[schema(value_type = schema::Actor)]
    drafted_by: Actor,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    drafted_at: Timestamp,
    /// Who put it in review.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Actor>)]
    put_in_review_by: Option<Actor>,
    /// Who sent it: staff, or the process that acts on an approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Actor>)]
    sent_by: Option<Actor>,
}

impl From<SummaryView> for InvoiceSummary {
    fn from(view: SummaryView) -> Self {
        Self {
            invoice: view.invoice,
            project: view.project,
            project_name: view.project_name,
            client: view.client,
            status: view.status,
            revision: view.revision,
            number: view.number,
            issued_on: view.issued_on,
            net: view.net,
            gross: view.gross,
            since: view.since,
        }
    }
}

impl From<InvoiceView> for Invoice {
    fn from(view: InvoiceView) -> Self {
        Self {
            invoice: view.invoice,
            project: view.project,
            project_name: view.project_name,
            client: view.client,
            status: view.status,
            revision: view.revision,
            currency: view.currency,
            lines: view.lines.into_iter().map(InvoiceLine::from).collect(),
            totals: view.totals.into(),
            number: view.number,
            issued_on: view.issued_on,
            shown: view.shown,
            decisions: view.decisions.into_iter().map(Decision::from).collect(),
            in_review_since: view.in_review_since,
            sent_at: view.sent_at,
            since: view.since,
            internal: view.internal.map(InvoiceInternals::from),
        }
    }
}

impl From<InvoiceLineView> for InvoiceLine {
    fn from(view: InvoiceLineView) -> Self {
        let InvoiceLineView { description, quantity, unit_price, tax, amount, contract_line, time_entries } = view;
        Self { description, quantity, unit_price, tax, amount, contract_line, time_entries }
    }
}

impl From<DomainTotals> for Totals {
    fn from(totals: DomainTotals) -> Self {
        let DomainTotals { lines: _, net, taxes, gross } = totals;
        Self { net, taxes: taxes.into_iter().map(TaxTotal::from).collect(), gross }
    }
}

impl From<DomainTaxTotal> for TaxTotal {
    fn from(total: DomainTaxTotal) -> Self {
        let DomainTaxTotal { rate, on, tax } = total;
        Self { rate, on, tax }
    }
}

impl From<InternalsView> for InvoiceInternals {
    fn from(view: InternalsView) -> Self {
        let InternalsView { drafted_by, drafted_at, put_in_review_by, sent_by } = view;
        Self { drafted_by, drafted_at, put_in_review_by, sent_by }
    }
}
