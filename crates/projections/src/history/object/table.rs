//! The statements beside the fold.

use super::{ObjectHistory, ObjectHistoryRow};
use crate::columns::{column, json, signed_position};
use crate::group::Table;
use crate::line::Line;
use crate::scope::Generation;
use async_trait::async_trait;
use countersign_domain::envelope::ObjectKind;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

#[async_trait]
impl Table for ObjectHistory {
    const NAME: &'static str = "object_history";
    const COLUMNS: &'static [&'static str] = &[
        "object_kind",
        "object_id",
        "position",
        "roles",
        "event_type",
        "stream_kind",
        "stream_id",
        "recorded_at",
        "actor",
    ];
    const ONLY_ADDED: bool = true;

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

    fn copy((id, row): (&(ObjectKind, Uuid, u64), &ObjectHistoryRow), line: &mut Line) {
        line.put(id.0.as_str())
            .put(id.1)
            .put(signed_position(id.2))
            .put(row.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>())
            .put(row.event_type.as_str())
            .put(row.stream.kind.as_str())
            .put(row.stream.id)
            .put(row.recorded_at.as_utc())
            .put(Json(&row.actor));
    }
}
