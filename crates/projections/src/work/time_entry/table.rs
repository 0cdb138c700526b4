//! The statements beside the fold.

use super::{TimeEntry, TimeEntryRow};
use crate::approval::Decision;
use crate::columns::{column, json, read_word, word};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::{OrgId, TimeEntryId};
use countersign_domain::work::time_entry::content::Content;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    time_entry_id: Uuid,
    status: String,
    since: DateTime<Utc>,
    content: Json<Content>,
    decisions: Json<Vec<Decision>>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<TimeEntryId>, TimeEntryRow), sqlx::Error> {
        let row = TimeEntryRow {
            content: self.content.0,
            status: read_word("status", self.status)?,
            since: self.since.into(),
            decisions: self.decisions.0,
        };
        Ok(((OrgId(self.org_id), self.time_entry_id.into()), row))
    }
}

#[async_trait]
impl Table for TimeEntry {
    const NAME: &'static str = "time_entry";
    const COLUMNS: &'static [&'static str] =
        &["time_entry_id", "project_id", "worked_on", "hours", "value", "status", "since", "content", "decisions"];

    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<TimeEntryId>],
    ) -> Result<Vec<(Place<TimeEntryId>, TimeEntryRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let time_entry_id = column(keys, |(_, key)| key.0);
        let found = sqlx::query_as!(
            Stored,
            r#"SELECT stored.org_id, stored.time_entry_id, stored.status, stored.since,
                 stored.content AS "content: Json<Content>", stored.decisions AS "decisions: Json<Vec<Decision>>"
             FROM unnest($2::uuid[], $3::uuid[]) asked (org_id, time_entry_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.time_entry one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.time_entry_id = asked.time_entry_id
                 OFFSET 0
             ) stored"#,
            generation,
            &org_id,
            &time_entry_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<TimeEntryId>, TimeEntryRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let time_entry_id = column(rows, |((_, id), _)| id.0);
        let project_id = column(rows, |(_, row)| row.content.project.0);
        let worked_on = column(rows, |(_, row)| row.content.worked_on);
        let hours = column(rows, |(_, row)| row.content.hours.as_decimal());
        let value = column(rows, |(_, row)| row.content.value.minor());
        let status = column(rows, |(_, row)| word(&row.status));
        let since = column(rows, |(_, row)| row.since.as_utc());
        let content = column(rows, |(_, row)| json(&row.content));
        let decisions = column(rows, |(_, row)| json(&row.decisions));
        sqlx::query!(
            "INSERT INTO read.time_entry (generation, org_id, time_entry_id, project_id, worked_on, hours, value,
                 status, since, content, decisions)
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::date[], $6::numeric[], $7::bigint[], $8::text[],
                 $9::timestamptz[], $10::jsonb[], $11::jsonb[]) written
             ON CONFLICT (generation, org_id, time_entry_id) DO UPDATE
             SET project_id = excluded.project_id, worked_on = excluded.worked_on, hours = excluded.hours,
                 value = excluded.value, status = excluded.status, since = excluded.since,
                 content = excluded.content, decisions = excluded.decisions",
            generation,
            &org_id,
            &time_entry_id,
            &project_id,
            &worked_on,
            &hours,
            &value,
            &status,
            &since,
            &content,
            &decisions
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<TimeEntryId>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let time_entry_id = column(keys, |(_, key)| key.0);
        sqlx::query!(
            "DELETE FROM read.time_entry stored
             USING unnest($2::uuid[], $3::uuid[]) gone (org_id, time_entry_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.time_entry_id = gone.time_entry_id",
            generation,
            &org_id,
            &time_entry_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((id, row): (&TimeEntryId, &TimeEntryRow), line: &mut Line) {
        let content = &row.content;
        line.put(id.0)
            .put(content.project.0)
            .put(content.worked_on)
            .put(content.hours.as_decimal())
            .put(content.value.minor())
            .put(word(&row.status).as_str())
            .put(row.since.as_utc())
            .put(Json(content))
            .put(Json(&row.decisions));
    }
}
