//! Folded states of long streams, kept so that they need not be folded from their first event. Disposable.

use crate::error::StoreError;
use crate::load::{Folded, signed, unsigned};
use countersign_domain::ids::OrgId;
use countersign_domain::portal::{StreamId, StreamState};
use sqlx::{Postgres, Transaction};

/// A stream is snapshot when so many events were folded since the last one.
pub(crate) const EVENTS_BETWEEN: u64 = 500;

/// Names the rules that fold: another build's snapshots are not read.
const CODE: &str = countersign_domain::CODE_DIGEST;

pub(crate) async fn find(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    stream: StreamId,
    head: u64,
) -> Result<Option<Folded>, StoreError> {
    let row = sqlx::query!(
        "SELECT version, state FROM ledger.snapshot
         WHERE org_id = $1 AND stream_kind = $2 AND stream_id = $3 AND position <= $4 AND code = $5",
        org.0,
        stream.kind.as_str(),
        stream.id,
        signed(head),
        CODE
    )
    .fetch_optional(&mut **transaction)
    .await?;
    // One that does not read is as good as none.
    Ok(row.and_then(|row| {
        let state: StreamState = serde_json::from_str(&row.state).ok()?;
        Some(Folded { state, version: unsigned(row.version), bytes: row.state.len() })
    }))
}

pub(crate) async fn keep(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    stream: StreamId,
    head: u64,
    folded: &Folded,
) -> Result<(), StoreError> {
    let state = serde_json::to_string(&folded.state).expect("a state has string keys and serializes");
    sqlx::query!(
        "INSERT INTO ledger.snapshot (org_id, stream_kind, stream_id, version, position, code, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (org_id, stream_kind, stream_id) DO UPDATE
         SET version = excluded.version, position = excluded.position, code = excluded.code, state = excluded.state",
        org.0,
        stream.kind.as_str(),
        stream.id,
        signed(folded.version),
        signed(head),
        CODE,
        state
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
