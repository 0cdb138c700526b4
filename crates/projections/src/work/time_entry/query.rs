//! Questions about time entries, masked: rate and value only with financial visibility (F6.5).

use super::Status;
use crate::access_facts::AccessColumns;
use crate::approval::Decision;
use crate::columns::{read_word, word};
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use chrono::NaiveDate;
use countersign_canon::Digest;
use countersign_domain::access::{Action, Denied, decide};
use countersign_domain::approval::Mask;
use countersign_domain::ids::{ContractLineId, ProjectId, StaffId, TimeEntryId};
use countersign_domain::values::{Hours, Money, Note, Timestamp};
use countersign_domain::work::time_entry::content::{Content, shown};
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;

/// A time entry as somebody may see it. What they may not see is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeEntryView {
    /// Which entry.
    pub time_entry: TimeEntryId,
    /// The project on which it was worked.
    pub project: ProjectId,
    /// The line of the contract that it is booked on.
    pub contract_line: ContractLineId,
    /// Who worked.
    pub author: StaffId,
    /// The day.
    pub worked_on: NaiveDate,
    /// How long.
    pub hours: Hours,
    /// What was done.
    pub note: Note,
    /// Which revision, from 1.
    pub revision: u32,
    /// Where it stands.
    pub status: Status,
    /// Rate and value: with financial visibility only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amounts: Option<TimeEntryAmounts>,
    /// The digest of exactly this, as shown to the asker: what an approval names.
    pub shown: Digest,
    /// What was decided on this revision, in order.
    pub decisions: Vec<Decision>,
    /// When it came to where it stands.
    pub since: Timestamp,
}

/// The financial side of a time entry.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TimeEntryAmounts {
    /// What an hour costs the client.
    pub rate: Money,
    /// What the entry costs the client.
    pub value: Money,
}

/// The list that cursors of time entries belong to.
const LIST: &str = "time_entries";

impl TimeEntryView {
    fn of(content: Content, status: Status, since: Timestamp, decisions: Vec<Decision>, mask: Mask) -> Self {
        Self {
            time_entry: content.time_entry,
            project: content.project,
            contract_line: content.contract_line,
            author: content.author,
            worked_on: content.worked_on,
            hours: content.hours,
            revision: content.revision,
            status,
            amounts: mask.financial(TimeEntryAmounts { rate: content.rate, value: content.value }),
            shown: shown(&content, mask),
            note: content.note,
            decisions,
            since,
        }
    }
}

/// A project's time entries, the latest day first.
pub async fn of_project(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    project: ProjectId,
    status: Option<Status>,
    page: &PageRequest,
) -> Result<Page<TimeEntryView>, ReadError> {
    let last: Option<TimeEntryId> = page.last(LIST)?;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query!(
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT reach.access AS "access!: Json<AccessColumns>", entry.content AS "content?: Json<Content>",
                  entry.status AS "status?", entry.since AS "since?",
                  entry.decisions AS "decisions?: Json<Vec<Decision>>"
           FROM read.reach($1, $2, $3, $4) reach
           LEFT JOIN LATERAL (
               SELECT content, status, since, decisions, worked_on, time_entry_id
               FROM read.time_entry entry
               WHERE entry.generation = (TABLE portal) AND entry.org_id = $1
                 AND entry.project_id = reach.project_id AND ($6::text IS NULL OR entry.status = $6)
                 AND ($7::uuid IS NULL OR (entry.worked_on, entry.time_entry_id) < (
                     SELECT last.worked_on, last.time_entry_id FROM read.time_entry last
                     WHERE last.generation = (TABLE portal) AND last.org_id = $1 AND last.time_entry_id = $7))
               ORDER BY entry.worked_on DESC, entry.time_entry_id DESC
               LIMIT $8
           ) entry ON true
           WHERE reach.project_id = $5
           ORDER BY entry.worked_on DESC, entry.time_entry_id DESC"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        project.0,
        status.map(|status| word(&status)),
        last.map(|entry| entry.0),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    drop(transaction);
    let access = rows.first().map(|row| row.access.0.clone()).ok_or(Denied::NotThere)?;
    let facts = access.facts(scope);
    if !decide(&facts, Action::ViewProject, at).allowed {
        return Err(Denied::NotThere.into());
    }
    let mask = Mask::of(&facts, at);
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        if let (Some(content), Some(status), Some(since), Some(decisions)) =
            (row.content, row.status, row.since, row.decisions)
        {
            let status = read_word("status", status)?;
            entries.push(TimeEntryView::of(content.0, status, since.into(), decisions.0, mask));
        }
    }
    Ok(Page::of(LIST, entries, page.limit, |entry| entry.time_entry))
}

/// One time entry.
pub async fn get(pool: &PgPool, scope: &Scope, at: Timestamp, entry: TimeEntryId) -> Result<TimeEntryView, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query!(
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT reach.access AS "access!: Json<AccessColumns>", entry.content AS "content: Json<Content>",
                  entry.status, entry.since, entry.decisions AS "decisions: Json<Vec<Decision>>"
           FROM read.time_entry entry
           JOIN read.reach($1, $2, $3, $4) reach ON reach.project_id = entry.project_id
           WHERE entry.generation = (TABLE portal) AND entry.org_id = $1 AND entry.time_entry_id = $5"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        entry.0
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or(Denied::NotThere)?;
    drop(transaction);
    let facts = row.access.0.facts(scope);
    if !decide(&facts, Action::ViewProject, at).allowed {
        return Err(Denied::NotThere.into());
    }
    let status = read_word("status", row.status)?;
    Ok(TimeEntryView::of(row.content.0, status, row.since.into(), row.decisions.0, Mask::of(&facts, at)))
}
