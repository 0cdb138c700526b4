//! The statements beside the fold.

use super::{ObjectHistory, ObjectHistoryRow};
use crate::columns::{column, json, read_position, read_word, signed_position};
use crate::group::Table;
use crate::scope::Generation;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::envelope::{Actor, ObjectKind};
use countersign_domain::portal::StreamId;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

struct Stored {
    object_kind: String,
    object_id: Uuid,
    position: i64,
    roles: Vec<String>,
    event_type: String,
    stream_kind: String,
    stream_id: Uuid,
    recorded_at: DateTime<Utc>,
    actor: Json<Actor>,
}

impl Stored {
    fn into_row(self) -> Result<((ObjectKind, Uuid, u64), ObjectHistoryRow), sqlx::Error> {
        let roles = self.roles.into_iter().map(|role| read_word("roles", role)).collect::<Result<_, _>>()?;
        let row = ObjectHistoryRow {
            roles,
            event_type: self.event_type,
            stream: StreamId { kind: read_word("stream_kind", self.stream_kind)?, id: self.stream_id },
            recorded_at: self.recorded_at.into(),
            actor: self.actor.0,
        };
        let kind = read_word("object_kind", self.object_kind)?;
        Ok(((kind, self.object_id, read_position("position", self.position)?), row))
    }
}

#[async_trait]
impl Table for ObjectHistory {
    const NAME: &'static str = "object_history";

    /// Rows are keyed by the event's position, and an event is folded once: there is never one to load. (Looked for, they
    /// cost a scan of the table until Postgres has counted what an import just wrote: quadratic.)
    async fn load(
        _: &mut PgConnection,
        _: Generation,
        _: &[(ObjectKind, Uuid, u64)],
    ) -> Result<Vec<((ObjectKind, Uuid, u64), ObjectHistoryRow)>, sqlx::Error> {
        Ok(Vec::new())
    }

    async fn save(
        connection: &mut PgConnection,
        of: Generation,
        rows: &[((ObjectKind, Uuid, u64), ObjectHistoryRow)],
    ) -> Result<(), sqlx::Error> {
        let object_kind = column(rows, |(id, _)| id.0.as_str().to_owned());
        let object_id = column(rows, |(id, _)| id.1);
        let position = column(rows, |(id, _)| signed_position(id.2));
        let roles = column(rows, |(_, row)| json(&row.roles));
        let event_type = column(rows, |(_, row)| row.event_type.clone());
        let stream_kind = column(rows, |(_, row)| row.stream.kind.as_str().to_owned());
        let stream_id = column(rows, |(_, row)| row.stream.id);
        let recorded_at = column(rows, |(_, row)| row.recorded_at.as_utc());
        let actor = column(rows, |(_, row)| json(&row.actor));
        sqlx::query!(
            "INSERT INTO read.object_history (generation, org_id, object_kind, object_id, position, roles,
                 event_type, stream_kind, stream_id, recorded_at, actor)
             SELECT $1, $2, written.object_kind, written.object_id, written.position,
                 ARRAY(SELECT jsonb_array_elements_text(written.roles)), written.event_type, written.stream_kind,
                 written.stream_id, written.recorded_at, written.actor
             FROM unnest($3::text[], $4::uuid[], $5::bigint[], $6::jsonb[], $7::text[], $8::text[], $9::uuid[],
                 $10::timestamptz[], $11::jsonb[])
                 written (object_kind, object_id, position, roles, event_type, stream_kind, stream_id, recorded_at,
                 actor)
             ON CONFLICT (generation, org_id, object_kind, object_id, position) DO UPDATE
             SET roles = excluded.roles, event_type = excluded.event_type, stream_kind = excluded.stream_kind,
                 stream_id = excluded.stream_id, recorded_at = excluded.recorded_at, actor = excluded.actor",
            of.number,
            of.org.0,
            &object_kind,
            &object_id,
            &position,
            &roles,
            &event_type,
            &stream_kind,
            &stream_id,
            &recorded_at,
            &actor
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(
        connection: &mut PgConnection,
        of: Generation,
        keys: &[(ObjectKind, Uuid, u64)],
    ) -> Result<(), sqlx::Error> {
        let object_kind = column(keys, |key| key.0.as_str().to_owned());
        let object_id = column(keys, |key| key.1);
        let position = column(keys, |key| signed_position(key.2));
        sqlx::query!(
            "DELETE FROM read.object_history
             WHERE generation = $1 AND org_id = $2
               AND (object_kind, object_id, position) IN (SELECT * FROM unnest($3::text[], $4::uuid[], $5::bigint[]))",
            of.number,
            of.org.0,
            &object_kind,
            &object_id,
            &position
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn all(
        connection: &mut PgConnection,
        of: Generation,
    ) -> Result<Vec<((ObjectKind, Uuid, u64), ObjectHistoryRow)>, sqlx::Error> {
        let found = sqlx::query_as!(
            Stored,
            r#"SELECT object_kind, object_id, position, roles, event_type, stream_kind, stream_id, recorded_at,
                 actor AS "actor: Json<Actor>"
             FROM read.object_history
             WHERE generation = $1 AND org_id = $2"#,
            of.number,
            of.org.0
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }
}
