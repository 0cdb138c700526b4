//! The statements beside the fold.

use super::{ObjectHistory, ObjectHistoryRow};
use crate::columns::{column, json, signed_position};
use crate::group::{Place, Table};
use crate::line::Line;
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
        _: i32,
        _: &[Place<(ObjectKind, Uuid, u64)>],
    ) -> Result<Vec<(Place<(ObjectKind, Uuid, u64)>, ObjectHistoryRow)>, sqlx::Error> {
        Ok(Vec::new())
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<(ObjectKind, Uuid, u64)>, ObjectHistoryRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let object_kind = column(rows, |((_, id), _)| id.0.as_str().to_owned());
        let object_id = column(rows, |((_, id), _)| id.1);
        let position = column(rows, |((_, id), _)| signed_position(id.2));
        let roles = column(rows, |(_, row)| row.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(","));
        let event_type = column(rows, |(_, row)| row.event_type.clone());
        let stream_kind = column(rows, |(_, row)| row.stream.kind.as_str().to_owned());
        let stream_id = column(rows, |(_, row)| row.stream.id);
        let recorded_at = column(rows, |(_, row)| row.recorded_at.as_utc());
        let actor = column(rows, |(_, row)| json(&row.actor));
        sqlx::query!(
            "INSERT INTO read.object_history (generation, org_id, object_kind, object_id, position, roles,
                 event_type, stream_kind, stream_id, recorded_at, actor)
             SELECT $1, written.org_id, written.object_kind, written.object_id, written.position,
                 string_to_array(written.roles, ','), written.event_type, written.stream_kind,
                 written.stream_id, written.recorded_at, written.actor
             FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[],
                 $9::uuid[], $10::timestamptz[], $11::jsonb[])
                 written (org_id, object_kind, object_id, position, roles, event_type, stream_kind, stream_id,
                 recorded_at, actor)
             ON CONFLICT (generation, org_id, object_kind, object_id, position) DO UPDATE
             SET roles = excluded.roles, event_type = excluded.event_type, stream_kind = excluded.stream_kind,
                 stream_id = excluded.stream_id, recorded_at = excluded.recorded_at, actor = excluded.actor",
            generation,
            &org_id,
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
        generation: i32,
        keys: &[Place<(ObjectKind, Uuid, u64)>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let object_kind = column(keys, |(_, key)| key.0.as_str().to_owned());
        let object_id = column(keys, |(_, key)| key.1);
        let position = column(keys, |(_, key)| signed_position(key.2));
        sqlx::query!(
            "DELETE FROM read.object_history stored
             USING unnest($2::uuid[], $3::text[], $4::uuid[], $5::bigint[]) gone (org_id, object_kind, object_id,
                 position)
             WHERE stored.generation = $1 AND (stored.org_id, stored.object_kind, stored.object_id, stored.position) =
                 (gone.org_id, gone.object_kind, gone.object_id, gone.position)",
            generation,
            &org_id,
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
