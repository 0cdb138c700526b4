//! Reading a ledger: a stream's state at a head, and events in the order of their positions.

use crate::error::StoreError;
use crate::record::StoredEvent;
use crate::scope::scoped;
use crate::snapshot;
use countersign_canon::Digest;
use countersign_domain::envelope::Provenance;
use countersign_domain::ids::OrgId;
use countersign_domain::portal::{StreamId, StreamState};
use countersign_domain::values::Timestamp;
use sqlx::{PgPool, Postgres, Transaction};

/// How many events are read at a time.
pub(crate) const PAGE: i64 = 1_000;

/// Reads ledgers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: PgPool,
}

/// Where a ledger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: u64,
    /// When its last event was recorded.
    pub(crate) recorded_at: Option<Timestamp>,
    /// Whether its first event says that its history is made up.
    pub(crate) simulated: bool,
}

/// A stream folded up to a head.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    pub(crate) state: StreamState,
    pub(crate) version: u64,
    /// How much text was folded: an upper bound of what the state holds.
    pub(crate) bytes: usize,
}

impl Reader {
    /// A reader of the ledgers in a database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The pool that it reads through.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The head of every ledger.
    pub async fn heads(&self) -> Result<Vec<(OrgId, u64)>, StoreError> {
        let rows = sqlx::query!(r#"SELECT org_id AS "org_id!", head AS "head!" FROM ledger.heads()"#)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|row| (OrgId(row.org_id), unsigned(row.head))).collect())
    }

    /// The head of one ledger; `None` where there is no such ledger, 0 where nothing has happened.
    pub async fn head(&self, org: OrgId) -> Result<Option<u64>, StoreError> {
        let mut transaction = scoped(&self.pool, org).await?;
        let head = find_head(&mut transaction, org).await?;
        transaction.commit().await?;
        Ok(head.map(|head| head.position))
    }

    /// Events after a position, in order, at most `limit` of them. A gap is damage, never something to wait for.
    pub async fn after(&self, org: OrgId, position: u64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let mut transaction = scoped(&self.pool, org).await?;
        let events = events_after(&mut transaction, org, position, i64::from(limit)).await?;
        transaction.commit().await?;
        Ok(events)
    }

    /// The same within a transaction that has been entered for the organization.
    pub async fn after_in(
        &self,
        transaction: &mut Transaction<'static, Postgres>,
        org: OrgId,
        position: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        events_after(transaction, org, position, i64::from(limit)).await
    }
}

pub(crate) async fn find_head(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
) -> Result<Option<Head>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT tail.position AS "position?", tail.recorded_at AS "recorded_at?", first.envelope AS "first?"
           FROM ledger.ledger
           LEFT JOIN LATERAL (
               SELECT position, recorded_at FROM ledger.event WHERE org_id = $1 ORDER BY position DESC LIMIT 1
           ) tail ON true
           LEFT JOIN ledger.event first ON first.org_id = $1 AND first.position = 1
           WHERE ledger.org_id = $1"#,
        org.0
    )
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let simulated = match row.first {
        None => false,
        Some(envelope) => first_says_simulated(org, envelope)?,
    };
    Ok(Some(Head {
        position: row.position.map_or(0, unsigned),
        recorded_at: row.recorded_at.map(Timestamp::from),
        simulated,
    }))
}

fn first_says_simulated(org: OrgId, envelope: String) -> Result<bool, StoreError> {
    let first = StoredEvent { org, position: 1, envelope, leaf_hash: Digest([0; 32]) }.read()?;
    Ok(first.provenance == Provenance::Simulated)
}

pub(crate) async fn events_after(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    position: u64,
    limit: i64,
) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = sqlx::query!(
        "SELECT position, envelope, leaf_hash FROM ledger.event
         WHERE org_id = $1 AND position > $2 ORDER BY position LIMIT $3",
        org.0,
        signed(position),
        limit
    )
    .fetch_all(&mut **transaction)
    .await?;
    let mut expected = position;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        expected += 1;
        if unsigned(row.position) != expected {
            return Err(damaged(org, expected, "a position is missing"));
        }
        let leaf_hash = digest(org, expected, &row.leaf_hash)?;
        events.push(StoredEvent { org, position: expected, envelope: row.envelope, leaf_hash });
    }
    Ok(events)
}

/// Folds a stream up to a head, from its snapshot if there is one that this build's rules made.
pub(crate) async fn fold_stream(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    stream: StreamId,
    head: u64,
) -> Result<Folded, StoreError> {
    let snapshot = snapshot::find(transaction, org, stream, head).await?;
    let mut folded =
        snapshot.unwrap_or_else(|| Folded { state: StreamState::empty(stream.kind), version: 0, bytes: 200 });
    let from_snapshot = folded.version;
    loop {
        let rows = sqlx::query!(
            "SELECT position, version, envelope, leaf_hash FROM ledger.event
             WHERE org_id = $1 AND stream_id = $2 AND version > $3 AND position <= $4 AND stream_kind = $5
             ORDER BY version LIMIT $6",
            org.0,
            stream.id,
            signed(folded.version),
            signed(head),
            stream.kind.as_str(),
            PAGE
        )
        .fetch_all(&mut **transaction)
        .await?;
        let full = rows.len() as i64 == PAGE;
        for row in rows {
            let position = unsigned(row.position);
            if unsigned(row.version) != folded.version + 1 {
                return Err(damaged(org, position, "a version of its stream is missing"));
            }
            let leaf_hash = digest(org, position, &row.leaf_hash)?;
            folded.bytes += row.envelope.len();
            let event = StoredEvent { org, position, envelope: row.envelope, leaf_hash }.read()?.event;
            folded.state = folded.state.evolve(&event);
            folded.version += 1;
        }
        if !full {
            break;
        }
    }
    if folded.version - from_snapshot >= snapshot::EVENTS_BETWEEN {
        snapshot::keep(transaction, org, stream, head, &folded).await?;
    }
    Ok(folded)
}

fn digest(org: OrgId, position: u64, bytes: &[u8]) -> Result<Digest, StoreError> {
    Ok(Digest(bytes.try_into().map_err(|_| damaged(org, position, "its leaf hash is not 32 bytes"))?))
}

pub(crate) fn damaged(org: OrgId, position: u64, what: &str) -> StoreError {
    StoreError::Damaged { org, position, what: what.to_owned() }
}

/// A position or version as Postgres keeps it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("a ledger has fewer than 2^63 events")
}

/// A position or version from Postgres, where a CHECK keeps it positive.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).expect("positions and versions are positive")
}
