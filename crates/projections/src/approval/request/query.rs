//! What waits for somebody's decision at this moment.

use super::Question;
use crate::access_facts::AccessColumns;
use crate::approval::approvable::Approvable;
use crate::columns::{read, read_count, read_money};
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use chrono::NaiveDate;
use countersign_domain::access::{Right, decide};
use countersign_domain::approval::{Approvers, Stage, speaks_for};
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{ClientId, InvoiceId, ProjectId, TimeEntryId};
use countersign_domain::values::{Currency, Hours, Label, Money, Timestamp};
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;

/// Something that waits for the asker's decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AwaitingApproval {
    /// What it is.
    #[serde(flatten)]
    pub what: Awaiting,
    /// The project that it belongs to.
    pub project: ProjectId,
    /// What the project is called; absent for the moment in which its row is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_name: Option<Label>,
    /// The client that it is for.
    pub client: ClientId,
    /// Which revision.
    pub revision: u32,
    /// Who asked.
    pub asked_by: Principal,
    /// When.
    pub asked_at: Timestamp,
    /// By which policy.
    pub policy: String,
    /// The stage that is open, by name.
    pub stage: String,
    /// The right with which the asker would decide; absent where the policy names people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<Right>,
}

/// What waits, with as much of it as a list shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Awaiting {
    /// An invoice.
    Invoice {
        /// Which one.
        invoice: InvoiceId,
        /// What is to be paid; absent for the moment in which its row is behind.
        #[serde(skip_serializing_if = "Option::is_none")]
        gross: Option<Money>,
    },
    /// A time entry.
    TimeEntry {
        /// Which one.
        time_entry: TimeEntryId,
        /// The day; absent for the moment in which its row is behind.
        #[serde(skip_serializing_if = "Option::is_none")]
        worked_on: Option<NaiveDate>,
        /// How long.
        #[serde(skip_serializing_if = "Option::is_none")]
        hours: Option<Hours>,
    },
}

/// The list that cursors of what waits belong to.
const LIST: &str = "awaiting_my_approval";

impl Awaiting {
    fn of(what: Approvable, gross: Option<Money>, worked_on: Option<NaiveDate>, hours: Option<Hours>) -> Self {
        match what {
            Approvable::Invoice(invoice) => Self::Invoice { invoice, gross },
            Approvable::TimeEntry(time_entry) => Self::TimeEntry { time_entry, worked_on, hours },
        }
    }

    /// What it is, to be decided on.
    pub fn approvable(&self) -> Approvable {
        match self {
            Self::Invoice { invoice, .. } => Approvable::Invoice(*invoice),
            Self::TimeEntry { time_entry, .. } => Approvable::TimeEntry(*time_entry),
        }
    }
}

fn right_of(stage: &Stage) -> Option<Right> {
    match &stage.approvers {
        Approvers::Holders(right) => Some(*right),
        Approvers::Named(_) | Approvers::Roles(_) => None,
    }
}

/// What waits for the decision of the person who asks, what was asked first first.
pub async fn awaiting_my_approval(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    page: &PageRequest,
) -> Result<Page<AwaitingApproval>, ReadError> {
    let last: Option<Approvable> = page.last(LIST)?;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query!(
        r#"WITH approvals AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'approvals'),
                portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT reach.access AS "access!: Json<AccessColumns>", request.object_kind, request.object_id,
                  request.project_id, request.client_id, request.revision, request.asked_at,
                  request.request AS "question: Json<Question>", project.name AS "project_name?",
                  invoice.gross AS "gross?", invoice.currency AS "currency?",
                  entry.worked_on AS "worked_on?", entry.hours AS "hours?"
           FROM read.reach($1, $2, $3, $4) reach
           JOIN read.approval_request request
             ON request.generation = (TABLE approvals) AND request.org_id = $1
            AND request.project_id = reach.project_id AND request.standing = 'open'
           LEFT JOIN read.project project
             ON project.generation = (TABLE portal) AND project.org_id = $1
            AND project.project_id = request.project_id
           LEFT JOIN read.invoice invoice
             ON invoice.generation = (TABLE portal) AND invoice.org_id = $1
            AND request.object_kind = 'invoice' AND invoice.invoice_id = request.object_id
           LEFT JOIN read.time_entry entry
             ON entry.generation = (TABLE portal) AND entry.org_id = $1
            AND request.object_kind = 'time_entry' AND entry.time_entry_id = request.object_id
           WHERE request.asked_by <> $3 AND $3 <> ALL (request.given)
             AND (request.needed_right = ANY (reach.rights) OR $3 = ANY (request.named))
             AND (request.object_kind <> 'invoice' OR 'invoice_visibility' = ANY (reach.rights))
             AND ($6::uuid IS NULL OR (request.asked_at, request.object_id) > (
                 SELECT last.asked_at, last.object_id FROM read.approval_request last
                 WHERE last.generation = (TABLE approvals) AND last.org_id = $1 AND last.object_kind = $5
                   AND last.object_id = $6))
           ORDER BY request.asked_at, request.object_id
           LIMIT $7"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        last.map(|what| what.kind().as_str()),
        last.map(Approvable::id),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    drop(transaction);
    let mut waiting = Vec::with_capacity(rows.len());
    for row in rows {
        let facts = row.access.0.facts(scope);
        let what = read("object_kind", Approvable::of(&row.object_kind, row.object_id))?;
        let question = row.question.0;
        let Some(stage) = question.open_stage().filter(|stage| speaks_for(&facts, &stage.approvers)) else { continue };
        if !decide(&facts, what.action(), at).allowed {
            continue;
        }
        let gross = match (row.gross, row.currency) {
            (Some(gross), Some(currency)) => {
                Some(read_money("gross", gross, read("currency", Currency::parse(&currency))?)?)
            }
            (None, _) | (_, None) => None,
        };
        let hours = row.hours.map(|hours| read("hours", Hours::try_from(hours))).transpose()?;
        waiting.push(AwaitingApproval {
            what: Awaiting::of(what, gross, row.worked_on, hours),
            project: row.project_id.into(),
            project_name: row.project_name.map(|name| read("project_name", Label::parse(&name))).transpose()?,
            client: row.client_id.into(),
            revision: read_count("revision", row.revision)?,
            asked_by: question.asked_by,
            asked_at: row.asked_at.into(),
            policy: question.policy.name().to_owned(),
            stage: stage.name.clone(),
            right: right_of(stage),
        });
    }
    Ok(Page::of(LIST, waiting, page.limit, |waiting| waiting.what.approvable()))
}
