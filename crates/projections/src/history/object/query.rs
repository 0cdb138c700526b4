//! Everything that ever concerned one object, in order.

use crate::access_facts::{AccessColumns, may_ask};
use crate::columns::{moment, read_position, read_word, signed_position};
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use countersign_domain::access::{Action, Denied, decide};
use countersign_domain::envelope::{Actor, ObjectKind, Role};
use countersign_domain::portal::StreamId;
use countersign_domain::values::Timestamp;
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

/// One event that concerned an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HistoryEntry {
    /// Its place in the ledger.
    pub position: u64,
    /// The parts that the object played in it.
    pub roles: Vec<Role>,
    /// What happened: the event's name.
    pub event_type: String,
    /// To which aggregate.
    pub stream: StreamId,
    /// When.
    pub recorded_at: Timestamp,
    /// By whom.
    pub actor: Actor,
}

/// The list that cursors of histories belong to.
const LIST: &str = "object_history";

/// An object's history, from its first event. Staff who manage projects see what concerns their own; a guest learns
/// only that it is not there, as everybody does of an object that no event concerned.
pub async fn of_object(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    object: (ObjectKind, Uuid),
    as_of: Option<Timestamp>,
    page: &PageRequest,
) -> Result<Page<HistoryEntry>, ReadError> {
    let last: Option<u64> = page.last(LIST)?;
    let (kind, id) = object;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query!(
        r#"WITH objects AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'history')
           SELECT coalesce(concerned.access, asker.access) AS "access!: Json<AccessColumns>", history.position,
                  history.roles, history.event_type, history.stream_kind, history.stream_id, history.recorded_at,
                  history.actor AS "actor: Json<Actor>"
           FROM read.asker($1, $2, $3) asker
           JOIN read.object_history history
             ON history.generation = (TABLE objects) AND history.org_id = $1
            AND history.object_kind = $5 AND history.object_id = $6
           LEFT JOIN LATERAL (
               SELECT reach.access
               FROM read.object_history project
               JOIN read.reach($1, $2, $3, $4) reach ON reach.project_id = project.object_id
               WHERE project.generation = (TABLE objects) AND project.org_id = $1
                 AND project.object_kind = 'project' AND project.position = history.position
               LIMIT 1
           ) concerned ON true
           WHERE history.position > $7 AND ($8::timestamptz IS NULL OR history.recorded_at <= $8)
             AND CASE $2::text
                     WHEN 'operator' THEN true
                     WHEN 'staff' THEN concerned.access IS NOT NULL
                                    OR asker.access -> 'subject' ->> 'level' IN ('admin', 'auditor')
                     ELSE false
                 END
           ORDER BY history.position
           LIMIT $9"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        kind.as_str(),
        id,
        signed_position(last.unwrap_or(0)),
        moment(as_of),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    if rows.is_empty() {
        may_ask(&mut transaction, scope, None, Action::ViewDirectory, at).await?;
    }
    drop(transaction);
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        if !decide(&row.access.0.facts(scope), Action::ReadLedger, at).allowed {
            continue;
        }
        entries.push(HistoryEntry {
            position: read_position("position", row.position)?,
            roles: row.roles.into_iter().map(|role| read_word("roles", role)).collect::<Result<_, _>>()?,
            event_type: row.event_type,
            stream: StreamId { kind: read_word("stream_kind", row.stream_kind)?, id: row.stream_id },
            recorded_at: row.recorded_at.into(),
            actor: row.actor.0,
        });
    }
    if entries.is_empty() && last.is_none() {
        return Err(Denied::NotThere.into());
    }
    Ok(Page::of(LIST, entries, page.limit, |entry| entry.position))
}
