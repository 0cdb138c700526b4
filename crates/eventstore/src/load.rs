//! Reading a ledger: a stream's state at a head, and events in the order of their positions.

use crate::error::StoreError;
use crate::folded::Folded;
use crate::record::StoredEvent;
use crate::snapshot;
use countersign_canon::{Digest, leaf_hash};
use countersign_domain::envelope::Provenance;
use countersign_domain::ids::OrgId;
use countersign_domain::portal::StreamId;
use countersign_domain::values::Timestamp;
use countersign_postgres::{scoped, spanning};
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

/// How many events are read at a time.
pub(crate) const PAGE: i64 = 1_000;

/// Reads ledgers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: PgPool,
}

/// A stream folded up to a head, and the version from which that had to be done.
pub(crate) struct FoldedStream {
    pub(crate) stream: StreamId,
    pub(crate) folded: Folded,
    from_version: u64,
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

impl FoldedStream {
    /// Whether so much had to be folded that a snapshot is worth keeping.
    pub(crate) fn is_long(&self) -> bool {
        self.folded.version - self.from_version >= snapshot::EVENTS_BETWEEN
    }
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

    /// Whether the database answers; an error where it does not.
    pub async fn is_reachable(&self) -> Result<(), StoreError> {
        Ok(self.pool.acquire().await?.ping().await?)
    }

    /// The head of every ledger.
    pub async fn heads(&self) -> Result<Vec<(OrgId, u64)>, StoreError> {
        let mut transaction = spanning(&self.pool).await?;
        let rows = sqlx::query!(r#"SELECT org_id AS "org_id!", head AS "head!" FROM ledger.heads()"#)
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(rows.into_iter().map(|row| (OrgId(row.org_id), unsigned(row.head))).collect())
    }

    /// The head of one ledger; `None` where there is no such ledger, 0 where nothing has happened.
    pub async fn head(&self, org: OrgId) -> Result<Option<u64>, StoreError> {
        let mut transaction = scoped(&self.pool, org).await?;
        let head = find_head(&mut transaction, org).await?;
        transaction.commit().await?;
        Ok(head.map(|head| head.position))
    }

    /// The same within a transaction that has been entered for the organization; 0 where there is no such ledger.
    pub async fn head_in(
        &self,
        transaction: &mut Transaction<'static, Postgres>,
        org: OrgId,
    ) -> Result<u64, StoreError> {
        Ok(find_head(transaction, org).await?.map_or(0, |head| head.position))
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

    /// Events of several ledgers, of each after a position, in order, at most `limit` of each, within a transaction that
    /// may see all of these. What is wrong with one ledger is said of that one.
    pub async fn after_each_in(
        &self,
        connection: &mut PgConnection,
        after: &[(OrgId, u64)],
        limit: u32,
    ) -> Result<Vec<(OrgId, Result<Vec<StoredEvent>, StoreError>)>, StoreError> {
        events_after_each(connection, after, i64::from(limit)).await
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
    let first = StoredEvent { org, position: 1, leaf_hash: leaf_hash(&envelope), envelope }.read()?;
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
    in_order(org, position, rows.into_iter().map(|row| (row.position, row.envelope, row.leaf_hash)))
}

async fn events_after_each(
    connection: &mut PgConnection,
    after: &[(OrgId, u64)],
    limit: i64,
) -> Result<Vec<(OrgId, Result<Vec<StoredEvent>, StoreError>)>, StoreError> {
    let orgs: Vec<Uuid> = after.iter().map(|(org, _)| org.0).collect();
    let positions: Vec<i64> = after.iter().map(|(_, position)| signed(*position)).collect();
    let rows = sqlx::query!(
        r#"SELECT asked.number AS "number!", event.position, event.envelope, event.leaf_hash
           FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY asked (org_id, position, number)
           CROSS JOIN LATERAL (
               SELECT e.position, e.envelope, e.leaf_hash FROM ledger.event e
               WHERE e.org_id = asked.org_id AND e.position > asked.position ORDER BY e.position LIMIT $3
           ) event
           ORDER BY asked.number, event.position"#,
        &orgs,
        &positions,
        limit
    )
    .fetch_all(connection)
    .await?;
    let mut rows = rows.into_iter().peekable();
    let each = (1..).zip(after).map(|(number, &(org, position))| {
        // All of them, whatever is wrong with one: the next ledger's come behind them.
        let of_one: Vec<_> = std::iter::from_fn(|| rows.next_if(|row| row.number == number)).collect();
        let of_one = of_one.into_iter().map(|row| (row.position, row.envelope, row.leaf_hash));
        (org, in_order(org, position, of_one))
    });
    Ok(each.collect())
}

/// Events of one ledger, of which none may be missing.
fn in_order(
    org: OrgId,
    after: u64,
    rows: impl Iterator<Item = (i64, String, Vec<u8>)>,
) -> Result<Vec<StoredEvent>, StoreError> {
    let one = |(position, (found, envelope, leaf_hash)): (u64, (i64, String, Vec<u8>))| {
        if unsigned(found) != position {
            return Err(damaged(org, position, "a position is missing"));
        }
        let leaf_hash = digest(org, position, &leaf_hash)?;
        Ok(StoredEvent { org, position, envelope, leaf_hash })
    };
    (after + 1..).zip(rows).map(one).collect()
}

/// Streams folded up to a head, each from its snapshot if there is one that this build's rules made.
pub(crate) async fn fold_streams(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    streams: &[StreamId],
    head: u64,
) -> Result<Vec<FoldedStream>, StoreError> {
    let mut snapshots = snapshot::find(transaction, org, streams, head).await?;
    let mut folded: Vec<FoldedStream> = streams
        .iter()
        .map(|stream| {
            let folded = snapshots.remove(stream).unwrap_or_else(|| Folded::empty(stream.kind));
            FoldedStream { stream: *stream, from_version: folded.version, folded }
        })
        .collect();
    let ids: Vec<_> = streams.iter().map(|stream| stream.id).collect();
    let kinds: Vec<String> = streams.iter().map(|stream| stream.kind.as_str().to_owned()).collect();
    loop {
        let versions: Vec<i64> = folded.iter().map(|one| signed(one.folded.version)).collect();
        let rows = sqlx::query!(
            r#"SELECT asked.number AS "number!", e.position AS "position!", e.version AS "version!",
                      e.envelope AS "envelope!", e.leaf_hash AS "leaf_hash!"
               FROM unnest($2::uuid[], $3::text[], $4::bigint[]) WITH ORDINALITY asked (id, kind, version, number)
               CROSS JOIN LATERAL (
                   SELECT position, version, envelope, leaf_hash FROM ledger.event
                   WHERE org_id = $1 AND stream_id = asked.id AND version > asked.version AND position <= $5
                     AND stream_kind = asked.kind
                   ORDER BY version LIMIT $6
               ) e
               ORDER BY asked.number, e.version LIMIT $6"#,
            org.0,
            &ids,
            &kinds,
            &versions,
            signed(head),
            PAGE
        )
        .fetch_all(&mut **transaction)
        .await?;
        let full = rows.len() as i64 == PAGE;
        for row in rows {
            let position = unsigned(row.position);
            let index = usize::try_from(row.number - 1).expect("streams are numbered from 1");
            let FoldedStream { folded, .. } = &mut folded[index];
            if unsigned(row.version) != folded.version + 1 {
                return Err(damaged(org, position, "a version of its stream is missing"));
            }
            let leaf_hash = digest(org, position, &row.leaf_hash)?;
            let text_bytes = row.envelope.len();
            let event = StoredEvent { org, position, envelope: row.envelope, leaf_hash }.read()?.event;
            folded.evolve(&event, text_bytes);
        }
        if !full {
            return Ok(folded);
        }
    }
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
