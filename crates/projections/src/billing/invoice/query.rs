//! Questions about invoices. They are open to whoever holds invoice visibility, from the moment they are put in review;
//! drafts are the firm's own (D1, F10.1).

use super::{Act, Status, Story};
use crate::access_facts::AccessColumns;
use crate::approval::Decision;
use crate::columns::{read, read_count, read_money, read_word, word};
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use chrono::NaiveDate;
use countersign_canon::Digest;
use countersign_domain::access::{Denied, Facts, Subject, decide};
use countersign_domain::approval::Mask;
use countersign_domain::billing::content::{Content, shown};
use countersign_domain::billing::line::{Quantity, Totals};
use countersign_domain::billing::number::InvoiceNumber;
use countersign_domain::envelope::Actor;
use countersign_domain::ids::{ClientId, ContractLineId, InvoiceId, ProjectId, TimeEntryId};
use countersign_domain::values::{Currency, Label, Money, Note, Percent, Timestamp};
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;
use std::collections::BTreeSet;

/// An invoice in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InvoiceSummary {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// The project that it charges.
    pub project: ProjectId,
    /// What the project is called; absent for the moment in which its row is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_name: Option<Label>,
    /// The client that it is for.
    pub client: ClientId,
    /// Where it stands.
    pub status: Status,
    /// Which revision, from 1.
    pub revision: u32,
    /// Its number, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<InvoiceNumber>,
    /// Its date, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_on: Option<NaiveDate>,
    /// Without tax.
    pub net: Money,
    /// What is to be paid.
    pub gross: Money,
    /// When it came to where it stands.
    pub since: Timestamp,
}

/// An invoice as somebody may see it. What they may not see is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InvoiceView {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// The project that it charges.
    pub project: ProjectId,
    /// What the project is called; absent for the moment in which its row is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_name: Option<Label>,
    /// The client that it is for.
    pub client: ClientId,
    /// Where it stands.
    pub status: Status,
    /// Which revision, from 1.
    pub revision: u32,
    /// In what currency it is.
    pub currency: Currency,
    /// What it charges.
    pub lines: Vec<InvoiceLineView>,
    /// What that comes to.
    pub totals: Totals,
    /// Its number, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<InvoiceNumber>,
    /// Its date, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_on: Option<NaiveDate>,
    /// The digest of exactly this revision, as shown to the asker: what an approval names.
    pub shown: Digest,
    /// What was decided on this revision, in order.
    pub decisions: Vec<Decision>,
    /// When it was put in review, recalls and earlier revisions apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_review_since: Option<Timestamp>,
    /// When it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// When it came to where it stands.
    pub since: Timestamp,
    /// What is the firm's own business; absent for portal users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<InvoiceInternals>,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InvoiceLineView {
    /// What for.
    pub description: Note,
    /// How much of it.
    pub quantity: Quantity,
    /// What one costs.
    pub unit_price: Money,
    /// The tax on it.
    pub tax: Percent,
    /// What the line comes to, without tax.
    pub amount: Money,
    /// The contract line that it charges: with financial visibility only (F6.8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_line: Option<ContractLineId>,
    /// The time that it charges: with financial visibility only (F6.8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_entries: Option<BTreeSet<TimeEntryId>>,
}

/// What staff sees of an invoice besides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InvoiceInternals {
    /// Who drafted it.
    pub drafted_by: Actor,
    /// When.
    pub drafted_at: Timestamp,
    /// Who put it in review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_in_review_by: Option<Actor>,
    /// Who sent it: staff, or the process that acts on an approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_by: Option<Actor>,
}

/// Which invoices are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InvoiceFilter {
    /// Only those that charge this project.
    pub project: Option<ProjectId>,
    /// Only those that stand there.
    pub status: Option<Status>,
}

/// The list that cursors of invoices belong to.
const LIST: &str = "invoices";

impl InvoiceView {
    fn of(content: Content, story: Story, standing: (Status, Timestamp), facts: &Facts, at: Timestamp) -> Self {
        let mask = Mask::of(facts, at);
        let (status, since) = standing;
        Self {
            invoice: content.invoice,
            project: content.project,
            project_name: None,
            client: content.client,
            status,
            revision: content.revision,
            currency: content.currency,
            lines: InvoiceLineView::all(&content, mask),
            number: story.sent.as_ref().map(|sent| sent.number.clone()),
            issued_on: story.sent.as_ref().map(|sent| sent.issued_on),
            shown: shown(&content, mask),
            in_review_since: story.in_review.as_ref().map(|act| act.at),
            sent_at: story.sent.as_ref().map(|sent| sent.at),
            since,
            internal: InvoiceInternals::seen_by(&facts.subject, &story),
            decisions: story.decisions,
            totals: content.totals,
        }
    }
}

impl InvoiceLineView {
    /// What a line charges would let one divide back to a rate (F6.8); masked exactly as the digest is.
    fn all(content: &Content, mask: Mask) -> Vec<Self> {
        let lines = content.lines.as_slice().iter().zip(&content.totals.lines);
        lines
            .map(|(line, amount)| Self {
                description: line.description.clone(),
                quantity: line.quantity,
                unit_price: line.unit_price,
                tax: line.tax,
                amount: *amount,
                contract_line: mask.financial(line.contract_line).flatten(),
                time_entries: mask.financial(&line.time_entries).filter(|entries| !entries.is_empty()).cloned(),
            })
            .collect()
    }
}

impl InvoiceInternals {
    fn seen_by(subject: &Subject, story: &Story) -> Option<Self> {
        match subject {
            Subject::PortalUser { .. } | Subject::Nobody => None,
            Subject::Staff { .. } | Subject::Installation => {
                let Act { by, at } = story.drafted.clone();
                Some(Self {
                    drafted_by: by,
                    drafted_at: at,
                    put_in_review_by: story.in_review.as_ref().map(|act| act.by.clone()),
                    sent_by: story.sent.as_ref().map(|sent| sent.by.clone()),
                })
            }
        }
    }
}

/// Invoices over all projects that the asker may see them of, the newest first. For a project whose invoices they may
/// not see, as if there were none.
pub async fn list(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    filter: InvoiceFilter,
    page: &PageRequest,
) -> Result<Page<InvoiceSummary>, ReadError> {
    let last: Option<InvoiceId> = page.last(LIST)?;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query!(
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT reach.access AS "access!: Json<AccessColumns>", invoice.invoice_id, invoice.project_id,
                  project.name AS "project_name?", invoice.client_id, invoice.status, invoice.revision,
                  invoice.number, invoice.issued_on, invoice.currency, invoice.net, invoice.gross, invoice.since
           FROM read.reach($1, $2, $3, $4) reach
           JOIN read.invoice invoice
             ON invoice.generation = (TABLE portal) AND invoice.org_id = $1
            AND invoice.project_id = reach.project_id
           LEFT JOIN read.project project
             ON project.generation = (TABLE portal) AND project.org_id = $1
            AND project.project_id = invoice.project_id
           WHERE (reach.rights IS NULL OR (invoice.status <> 'draft' AND 'invoice_visibility' = ANY (reach.rights)))
             AND ($5::uuid IS NULL OR reach.project_id = $5)
             AND ($6::text IS NULL OR invoice.status = $6)
             AND ($7::uuid IS NULL OR (invoice.drafted_at, invoice.invoice_id) < (
                 SELECT last.drafted_at, last.invoice_id FROM read.invoice last
                 WHERE last.generation = (TABLE portal) AND last.org_id = $1 AND last.invoice_id = $7))
           ORDER BY invoice.drafted_at DESC, invoice.invoice_id DESC
           LIMIT $8"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        filter.project.map(|project| project.0),
        filter.status.map(|status| word(&status)),
        last.map(|invoice| invoice.0),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    drop(transaction);
    let mut invoices = Vec::with_capacity(rows.len());
    for row in rows {
        let status: Status = read_word("status", row.status)?;
        if !decide(&row.access.0.facts(scope), status.seen_by(), at).allowed {
            continue;
        }
        let currency = read("currency", Currency::parse(&row.currency))?;
        invoices.push(InvoiceSummary {
            invoice: row.invoice_id.into(),
            project: row.project_id.into(),
            project_name: row.project_name.map(|name| read("project_name", Label::parse(&name))).transpose()?,
            client: row.client_id.into(),
            status,
            revision: read_count("revision", row.revision)?,
            number: row.number.map(|number| read("number", InvoiceNumber::parse(&number))).transpose()?,
            issued_on: row.issued_on,
            net: read_money("net", row.net, currency)?,
            gross: read_money("gross", row.gross, currency)?,
            since: row.since.into(),
        });
    }
    Ok(Page::of(LIST, invoices, page.limit, |invoice| invoice.invoice))
}

/// One invoice; `Denied::NotThere` for whoever may not know of it.
pub async fn get(pool: &PgPool, scope: &Scope, at: Timestamp, invoice: InvoiceId) -> Result<InvoiceView, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query!(
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT reach.access AS "access!: Json<AccessColumns>", project.name AS "project_name?", invoice.status,
                  invoice.since, invoice.content AS "content: Json<Content>", invoice.story AS "story: Json<Story>"
           FROM read.invoice invoice
           JOIN read.reach($1, $2, $3, $4) reach ON reach.project_id = invoice.project_id
           LEFT JOIN read.project project
             ON project.generation = (TABLE portal) AND project.org_id = $1
            AND project.project_id = invoice.project_id
           WHERE invoice.generation = (TABLE portal) AND invoice.org_id = $1 AND invoice.invoice_id = $5"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        invoice.0
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or(Denied::NotThere)?;
    drop(transaction);
    let facts = row.access.0.facts(scope);
    let status: Status = read_word("status", row.status)?;
    if !decide(&facts, status.seen_by(), at).allowed {
        return Err(Denied::NotThere.into());
    }
    let view = InvoiceView::of(row.content.0, row.story.0, (status, row.since.into()), &facts, at);
    let project_name = row.project_name.map(|name| read("project_name", Label::parse(&name))).transpose()?;
    Ok(InvoiceView { project_name, ..view })
}
