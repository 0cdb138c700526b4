//! Folded states of long streams, kept so that they need not be folded from their first event. Disposable.

use crate::error::StoreError;
use crate::folded::Folded;
use crate::load::{signed, unsigned};
use countersign_domain::ids::OrgId;
use countersign_domain::portal::{StreamId, StreamKind, StreamState};
use countersign_postgres::scoped;
use sqlx::{PgPool, Postgres, Transaction};
use std::collections::HashMap;

/// A stream is snapshot when so many events were folded since the last one.
pub(crate) const EVENTS_BETWEEN: u64 = 500;

/// Names the rules that fold: another build's snapshots are not read.
const CODE: &str = countersign_domain::CODE_DIGEST;

/// The snapshots of streams at or before a head.
pub(crate) async fn find(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    streams: &[StreamId],
    head: u64,
) -> Result<HashMap<StreamId, Folded>, StoreError> {
    let ids: Vec<_> = streams.iter().map(|stream| stream.id).collect();
    let kinds: Vec<String> = streams.iter().map(|stream| stream.kind.as_str().to_owned()).collect();
    let rows = sqlx::query!(
        "SELECT stream_kind, stream_id, version, state FROM ledger.snapshot
         WHERE org_id = $1 AND position <= $2 AND code = $3
           AND (stream_kind, stream_id) IN (SELECT kind, id FROM unnest($4::text[], $5::uuid[]) asked (kind, id))",
        org.0,
        signed(head),
        CODE,
        &kinds,
        &ids
    )
    .fetch_all(&mut **transaction)
    .await?;
    // One that does not read is as good as none.
    let read = rows.into_iter().filter_map(|row| {
        let stream = StreamId { kind: StreamKind::parse(&row.stream_kind)?, id: row.stream_id };
        let state: StreamState = serde_json::from_str(&row.state).ok()?;
        Some((stream, Folded::kept(state, unsigned(row.version), row.state.len())))
    });
    Ok(read.collect())
}

/// Keeps a stream as it stands at a head. In a transaction of its own, after what it was loaded for: a snapshot that
/// cannot be kept costs time and nothing else.
pub(crate) async fn keep(
    pool: &PgPool,
    org: OrgId,
    stream: StreamId,
    head: u64,
    folded: &Folded,
) -> Result<(), StoreError> {
    let state = serde_json::to_string(&folded.state).expect("a state has string keys and serializes");
    let mut transaction = scoped(pool, org).await?;
    sqlx::query!(
        "INSERT INTO ledger.snapshot AS kept (org_id, stream_kind, stream_id, version, position, code, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (org_id, stream_kind, stream_id) DO UPDATE
         SET version = excluded.version, position = excluded.position, code = excluded.code, state = excluded.state
         WHERE kept.code <> excluded.code OR kept.version < excluded.version",
        org.0,
        stream.kind.as_str(),
        stream.id,
        signed(folded.version),
        signed(head),
        CODE,
        state
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}
