//! Questions about imported cases: what is in a log, and what is odd about it. For whoever may read the ledger.

use crate::access_facts::{AccessColumns, may_ask};
use crate::columns::read;
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use chrono::{DateTime, Utc};
use countersign_domain::access::{Action, Denied};
use countersign_domain::ids::CaseId;
use countersign_domain::values::{Label, Timestamp};
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One imported case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseView {
    /// Which case.
    pub case: CaseId,
    /// The log that it stands in.
    pub log: Label,
    /// Its id in that log.
    pub name: String,
    /// How many steps it has.
    pub steps: u64,
    /// When its earliest step happened, by that log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
    /// When its latest step happened, by that log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// Codes of what is odd about it.
    pub exceptions: Vec<String>,
    /// Codes of what our approval engine would have refused.
    pub refusals: Vec<String>,
    /// Names of activities that say nothing to us.
    pub unknown_activities: Vec<String>,
}

/// What a log, or all of them, comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogTotals {
    /// How many cases.
    pub cases: u64,
    /// How many steps.
    pub steps: u64,
    /// How many cases have which exception.
    pub exceptions: BTreeMap<String, u64>,
    /// In how many cases our engine would have refused, by code.
    pub refusals: BTreeMap<String, u64>,
    /// In how many cases an activity that says nothing to us stands, by its name.
    pub unknown_activities: BTreeMap<String, u64>,
}

/// Which cases are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Only those of this log.
    pub log: Option<Label>,
    /// Only those with this exception.
    pub exception: Option<String>,
    /// Only those in which our engine would have refused with this code.
    pub refusal: Option<String>,
}

/// The list that cursors of cases belong to.
const LIST: &str = "cases";

struct Columns {
    access: Json<AccessColumns>,
    case_id: Uuid,
    log: String,
    name: String,
    step_count: i32,
    first_at: Option<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
    exceptions: Vec<String>,
    refusals: Vec<String>,
    unknown_activities: Vec<String>,
}

impl Columns {
    fn into_view(self) -> Result<CaseView, sqlx::Error> {
        Ok(CaseView {
            case: self.case_id.into(),
            log: read("log", Label::parse(&self.log))?,
            name: self.name,
            steps: u64::from(self.step_count.unsigned_abs()),
            first_at: self.first_at.map(Into::into),
            last_at: self.last_at.map(Into::into),
            exceptions: self.exceptions,
            refusals: self.refusals,
            unknown_activities: self.unknown_activities,
        })
    }
}

/// Cases, by log and name. Beginnings of names are indexed, because an index row cannot hold every name.
pub async fn list(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    filter: &CaseFilter,
    page: &PageRequest,
) -> Result<Page<CaseView>, ReadError> {
    let last: Option<CaseId> = page.last(LIST)?;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query_as!(
        Columns,
        r#"WITH cases AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'cases')
           SELECT asker.access AS "access!: Json<AccessColumns>", imported.case_id, imported.log, imported.name,
                  imported.step_count, imported.first_at, imported.last_at, imported.exceptions, imported.refusals,
                  imported.unknown_activities
           FROM read.asker($1, $2, $3) asker
           JOIN read.imported_case imported ON imported.generation = (TABLE cases) AND imported.org_id = $1
           WHERE ($4::text IS NULL OR imported.log = $4)
             AND ($5::text IS NULL OR $5 = ANY (imported.exceptions))
             AND ($6::text IS NULL OR $6 = ANY (imported.refusals))
             AND ($7::uuid IS NULL OR (imported.log, left(imported.name, 64), imported.name, imported.case_id) > (
                 SELECT last.log, left(last.name, 64), last.name, last.case_id FROM read.imported_case last
                 WHERE last.generation = (TABLE cases) AND last.org_id = $1 AND last.case_id = $7))
           ORDER BY imported.log, left(imported.name, 64), imported.name, imported.case_id
           LIMIT $8"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        filter.log.as_ref().map(Label::as_str),
        filter.exception.as_deref(),
        filter.refusal.as_deref(),
        last.map(|case| case.0),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    let access = rows.first().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ReadLedger, at).await?;
    drop(transaction);
    let cases = rows.into_iter().map(Columns::into_view).collect::<Result<_, _>>()?;
    Ok(Page::of(LIST, cases, page.limit, |case: &CaseView| case.case))
}

/// One case.
pub async fn get(pool: &PgPool, scope: &Scope, at: Timestamp, case: CaseId) -> Result<CaseView, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query_as!(
        Columns,
        r#"WITH cases AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'cases')
           SELECT asker.access AS "access!: Json<AccessColumns>", imported.case_id, imported.log, imported.name,
                  imported.step_count, imported.first_at, imported.last_at, imported.exceptions, imported.refusals,
                  imported.unknown_activities
           FROM read.asker($1, $2, $3) asker
           JOIN read.imported_case imported ON imported.generation = (TABLE cases) AND imported.org_id = $1
           WHERE imported.case_id = $4"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        case.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let access = row.as_ref().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ReadLedger, at).await?;
    drop(transaction);
    Ok(row.ok_or(Denied::NotThere)?.into_view()?)
}

/// The cases of this name, one in each log that has one.
pub async fn named(pool: &PgPool, scope: &Scope, at: Timestamp, name: &str) -> Result<Vec<CaseView>, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query_as!(
        Columns,
        r#"WITH cases AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'cases')
           SELECT asker.access AS "access!: Json<AccessColumns>", imported.case_id, imported.log, imported.name,
                  imported.step_count, imported.first_at, imported.last_at, imported.exceptions, imported.refusals,
                  imported.unknown_activities
           FROM read.asker($1, $2, $3) asker
           JOIN read.imported_case imported ON imported.generation = (TABLE cases) AND imported.org_id = $1
           WHERE left(imported.name, 64) = left($4, 64) AND imported.name = $4
           ORDER BY imported.log"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        name
    )
    .fetch_all(&mut *transaction)
    .await?;
    let access = rows.first().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ReadLedger, at).await?;
    drop(transaction);
    Ok(rows.into_iter().map(Columns::into_view).collect::<Result<_, _>>()?)
}

/// What a log comes to; all logs together where none is named.
pub async fn totals(pool: &PgPool, scope: &Scope, at: Timestamp, log: Option<&Label>) -> Result<LogTotals, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query!(
        r#"WITH cases AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'cases'),
                asked AS (
                    SELECT step_count, exceptions, refusals, unknown_activities
                    FROM read.imported_case
                    WHERE generation = (TABLE cases) AND org_id = $1 AND ($4::text IS NULL OR log = $4)
                )
           SELECT asker.access AS "access!: Json<AccessColumns>",
                  (SELECT count(*) FROM asked) AS "cases!",
                  (SELECT coalesce(sum(step_count), 0) FROM asked) AS "steps!",
                  (SELECT jsonb_object_agg(counted.name, counted.cases)
                   FROM (SELECT name, count(*) AS cases FROM asked, unnest(asked.exceptions) name
                         GROUP BY name) counted)
                      AS "exceptions: Json<BTreeMap<String, u64>>",
                  (SELECT jsonb_object_agg(counted.name, counted.cases)
                   FROM (SELECT name, count(*) AS cases FROM asked, unnest(asked.refusals) name
                         GROUP BY name) counted)
                      AS "refusals: Json<BTreeMap<String, u64>>",
                  (SELECT jsonb_object_agg(counted.name, counted.cases)
                   FROM (SELECT name, count(*) AS cases FROM asked, unnest(asked.unknown_activities) name
                         GROUP BY name) counted)
                      AS "unknown_activities: Json<BTreeMap<String, u64>>"
           FROM read.asker($1, $2, $3) asker"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        log.map(Label::as_str)
    )
    .fetch_one(&mut *transaction)
    .await?;
    may_ask(&mut transaction, scope, Some(row.access.0), Action::ReadLedger, at).await?;
    drop(transaction);
    let counted = |counted: Option<Json<BTreeMap<String, u64>>>| counted.map(|counted| counted.0).unwrap_or_default();
    Ok(LogTotals {
        cases: row.cases.unsigned_abs(),
        steps: row.steps.unsigned_abs(),
        exceptions: counted(row.exceptions),
        refusals: counted(row.refusals),
        unknown_activities: counted(row.unknown_activities),
    })
}
