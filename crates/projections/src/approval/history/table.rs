//! The statements beside the fold.

use super::{ApprovalHistory, ApprovalHistoryRow, Word};
use crate::approval::approvable::Approvable;
use crate::columns::{column, json, principal, read, read_position, read_principal, read_word, signed_position, word};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::OrgId;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    position: i64,
    object_kind: String,
    object_id: Uuid,
    project_id: Uuid,
    client_id: Uuid,
    decided: String,
    by_kind: String,
    by_id: Uuid,
    recorded_at: DateTime<Utc>,
    entry: Json<Word>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<u64>, ApprovalHistoryRow), sqlx::Error> {
        let row = ApprovalHistoryRow {
            what: read("object_kind", Approvable::of(&self.object_kind, self.object_id))?,
            project: self.project_id.into(),
            client: self.client_id.into(),
            decided: read_word("decided", self.decided)?,
            by: read_principal("by_kind", &self.by_kind, self.by_id)?,
            at: self.recorded_at.into(),
            word: self.entry.0,
        };
        Ok(((OrgId(self.org_id), read_position("position", self.position)?), row))
    }
}

#[async_trait]
impl Table for ApprovalHistory {
    const NAME: &'static str = "approval_history";
    const COLUMNS: &'static [&'static str] = &[
        "position",
        "object_kind",
        "object_id",
        "project_id",
        "client_id",
        "decided",
        "by_kind",
        "by_id",
        "recorded_at",
        "entry",
    ];
    const ONLY_ADDED: bool = true;

    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<u64>],
    ) -> Result<Vec<(Place<u64>, ApprovalHistoryRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let position = column(keys, |(_, key)| signed_position(*key));
        let found = sqlx::query_as!(
            Stored,
            r#"SELECT stored.org_id, stored.position, stored.object_kind, stored.object_id, stored.project_id,
                 stored.client_id, stored.decided, stored.by_kind, stored.by_id, stored.recorded_at,
                 stored.entry AS "entry: Json<Word>"
             FROM unnest($2::uuid[], $3::bigint[]) asked (org_id, position)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.approval_history one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.position = asked.position
                 OFFSET 0
             ) stored"#,
            generation,
            &org_id,
            &position
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<u64>, ApprovalHistoryRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let position = column(rows, |((_, id), _)| signed_position(*id));
        let object_kind = column(rows, |(_, row)| row.what.kind().as_str().to_owned());
        let object_id = column(rows, |(_, row)| row.what.id());
        let project_id = column(rows, |(_, row)| row.project.0);
        let client_id = column(rows, |(_, row)| row.client.0);
        let decided = column(rows, |(_, row)| word(&row.decided));
        let by_kind = column(rows, |(_, row)| principal(row.by).0);
        let by_id = column(rows, |(_, row)| principal(row.by).1);
        let recorded_at = column(rows, |(_, row)| row.at.as_utc());
        let entry = column(rows, |(_, row)| json(&row.word));
        sqlx::query!(
            "INSERT INTO read.approval_history (generation, org_id, position, object_kind, object_id, project_id,
                 client_id, decided, by_kind, by_id, recorded_at, entry)
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[],
                 $9::text[],
                 $10::uuid[], $11::timestamptz[], $12::jsonb[]) written
             ON CONFLICT (generation, org_id, position) DO UPDATE
             SET object_kind = excluded.object_kind, object_id = excluded.object_id,
                 project_id = excluded.project_id, client_id = excluded.client_id, decided = excluded.decided,
                 by_kind = excluded.by_kind, by_id = excluded.by_id, recorded_at = excluded.recorded_at,
                 entry = excluded.entry",
            generation,
            &org_id,
            &position,
            &object_kind,
            &object_id,
            &project_id,
            &client_id,
            &decided,
            &by_kind,
            &by_id,
            &recorded_at,
            &entry
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(connection: &mut PgConnection, generation: i32, keys: &[Place<u64>]) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let position = column(keys, |(_, key)| signed_position(*key));
        sqlx::query!(
            "DELETE FROM read.approval_history stored
             USING unnest($2::uuid[], $3::bigint[]) gone (org_id, position)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.position = gone.position",
            generation,
            &org_id,
            &position
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((position, row): (&u64, &ApprovalHistoryRow), line: &mut Line) {
        let (by_kind, by_id) = principal(row.by);
        line.put(signed_position(*position))
            .put(row.what.kind().as_str())
            .put(row.what.id())
            .put(row.project.0)
            .put(row.client.0)
            .put(word(&row.decided).as_str())
            .put(by_kind.as_str())
            .put(by_id)
            .put(row.at.as_utc())
            .put(Json(&row.word));
    }
}
