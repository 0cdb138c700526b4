//! The statements beside the fold.

use super::{ImportedCase, ImportedCaseRow};
use crate::columns::{column, json, moment, read};
use crate::group::Table;
use crate::line::Line;
use crate::scope::Generation;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::CaseId;
use countersign_domain::imported::case::KnownStep;
use countersign_domain::imported::verbatim::Verbatim;
use countersign_domain::values::Label;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

struct Stored {
    case_id: Uuid,
    log: String,
    name: String,
    steps: Json<Vec<KnownStep>>,
}

impl Stored {
    fn into_row(self) -> Result<(CaseId, ImportedCaseRow), sqlx::Error> {
        let row = ImportedCaseRow {
            log: read("log", Label::parse(&self.log))?,
            name: read("name", Verbatim::parse(&self.name))?,
            steps: self.steps.0,
        };
        Ok((self.case_id.into(), row))
    }
}

#[async_trait]
impl Table for ImportedCase {
    const NAME: &'static str = "imported_case";
    const COLUMNS: &'static [&'static str] = &[
        "case_id",
        "log",
        "name",
        "step_count",
        "first_at",
        "last_at",
        "exceptions",
        "refusals",
        "unknown_activities",
        "steps",
    ];

    async fn load(
        connection: &mut PgConnection,
        of: Generation,
        keys: &[CaseId],
    ) -> Result<Vec<(CaseId, ImportedCaseRow)>, sqlx::Error> {
        let case_id = column(keys, |key| key.0);
        let found = sqlx::query_as!(
            Stored,
            r#"SELECT case_id, log, name, steps AS "steps: Json<Vec<KnownStep>>"
             FROM read.imported_case
             WHERE generation = $1 AND org_id = $2 AND case_id = ANY ($3)"#,
            of.number,
            of.org.0,
            &case_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        of: Generation,
        rows: &[(CaseId, ImportedCaseRow)],
    ) -> Result<(), sqlx::Error> {
        let case_id = column(rows, |(id, _)| id.0);
        let log = column(rows, |(_, row)| row.log.as_str().to_owned());
        let name = column(rows, |(_, row)| row.name.as_str().to_owned());
        let step_count = column(rows, |(_, row)| i32::try_from(row.steps.len()).unwrap_or(i32::MAX));
        let first_at = column(rows, |(_, row)| moment(row.first_at()));
        let last_at = column(rows, |(_, row)| moment(row.last_at()));
        let exceptions = column(rows, |(_, row)| json(&row.exceptions()));
        let refusals = column(rows, |(_, row)| json(&row.refusals()));
        let unknown_activities = column(rows, |(_, row)| json(&row.unknown_activities()));
        let steps = column(rows, |(_, row)| json(&row.steps));
        sqlx::query!(
            "INSERT INTO read.imported_case (generation, org_id, case_id, log, name, step_count, first_at, last_at,
                 exceptions, refusals, unknown_activities, steps)
             SELECT $1, $2, written.case_id, written.log, written.name, written.step_count, written.first_at,
                 written.last_at, ARRAY(SELECT jsonb_array_elements_text(written.exceptions)),
                 ARRAY(SELECT jsonb_array_elements_text(written.refusals)),
                 ARRAY(SELECT jsonb_array_elements_text(written.unknown_activities)), written.steps
             FROM unnest($3::uuid[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[], $8::timestamptz[],
                 $9::jsonb[], $10::jsonb[], $11::jsonb[], $12::jsonb[])
                 written (case_id, log, name, step_count, first_at, last_at, exceptions, refusals, unknown_activities,
                 steps)
             ON CONFLICT (generation, org_id, case_id) DO UPDATE
             SET log = excluded.log, name = excluded.name, step_count = excluded.step_count,
                 first_at = excluded.first_at, last_at = excluded.last_at, exceptions = excluded.exceptions,
                 refusals = excluded.refusals, unknown_activities = excluded.unknown_activities,
                 steps = excluded.steps",
            of.number,
            of.org.0,
            &case_id,
            &log,
            &name,
            &step_count,
            &first_at as &[Option<DateTime<Utc>>],
            &last_at as &[Option<DateTime<Utc>>],
            &exceptions,
            &refusals,
            &unknown_activities,
            &steps
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(connection: &mut PgConnection, of: Generation, keys: &[CaseId]) -> Result<(), sqlx::Error> {
        let case_id = column(keys, |key| key.0);
        sqlx::query!(
            "DELETE FROM read.imported_case
             WHERE generation = $1 AND org_id = $2 AND case_id = ANY ($3)",
            of.number,
            of.org.0,
            &case_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((id, row): (&CaseId, &ImportedCaseRow), line: &mut Line) {
        let step_count = i32::try_from(row.steps.len()).unwrap_or(i32::MAX);
        line.put(id.0)
            .put(row.log.as_str())
            .put(row.name.as_str())
            .put(step_count)
            .put(moment(row.first_at()))
            .put(moment(row.last_at()))
            .put(row.exceptions())
            .put(row.refusals())
            .put(row.unknown_activities())
            .put(Json(&row.steps));
    }
}
