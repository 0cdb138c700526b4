//! The statements beside the fold.

use super::{ImportedCase, ImportedCaseRow};
use crate::columns::{column, json, moment, read};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::{CaseId, OrgId};
use countersign_domain::imported::case::KnownStep;
use countersign_domain::imported::verbatim::Verbatim;
use countersign_domain::values::Label;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    case_id: Uuid,
    log: String,
    name: String,
    steps: Json<Vec<KnownStep>>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<CaseId>, ImportedCaseRow), sqlx::Error> {
        let row = ImportedCaseRow {
            log: read("log", Label::parse(&self.log))?,
            name: read("name", Verbatim::parse(&self.name))?,
            steps: self.steps.0,
        };
        Ok(((OrgId(self.org_id), self.case_id.into()), row))
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
        generation: i32,
        keys: &[Place<CaseId>],
    ) -> Result<Vec<(Place<CaseId>, ImportedCaseRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let case_id = column(keys, |(_, key)| key.0);
        let found = sqlx::query_as!(
            Stored,
            r#"SELECT stored.org_id, stored.case_id, stored.log, stored.name,
                 stored.steps AS "steps: Json<Vec<KnownStep>>"
             FROM unnest($2::uuid[], $3::uuid[]) asked (org_id, case_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.imported_case one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.case_id = asked.case_id
                 OFFSET 0
             ) stored"#,
            generation,
            &org_id,
            &case_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<CaseId>, ImportedCaseRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let case_id = column(rows, |((_, id), _)| id.0);
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
             SELECT $1, written.org_id, written.case_id, written.log, written.name, written.step_count,
                 written.first_at,
                 written.last_at, ARRAY(SELECT jsonb_array_elements_text(written.exceptions)),
                 ARRAY(SELECT jsonb_array_elements_text(written.refusals)),
                 ARRAY(SELECT jsonb_array_elements_text(written.unknown_activities)), written.steps
             FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[],
                 $8::timestamptz[],
                 $9::jsonb[], $10::jsonb[], $11::jsonb[], $12::jsonb[])
                 written (org_id, case_id, log, name, step_count, first_at, last_at, exceptions, refusals,
                 unknown_activities,
                 steps)
             ON CONFLICT (generation, org_id, case_id) DO UPDATE
             SET log = excluded.log, name = excluded.name, step_count = excluded.step_count,
                 first_at = excluded.first_at, last_at = excluded.last_at, exceptions = excluded.exceptions,
                 refusals = excluded.refusals, unknown_activities = excluded.unknown_activities,
                 steps = excluded.steps",
            generation,
            &org_id,
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

    async fn delete(connection: &mut PgConnection, generation: i32, keys: &[Place<CaseId>]) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let case_id = column(keys, |(_, key)| key.0);
        sqlx::query!(
            "DELETE FROM read.imported_case stored
             USING unnest($2::uuid[], $3::uuid[]) gone (org_id, case_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.case_id = gone.case_id",
            generation,
            &org_id,
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
