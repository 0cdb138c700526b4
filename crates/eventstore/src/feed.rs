//! The commit feed: which ledgers have grown, learned without a sequence and so without its gaps.
//!
//! A row carries the id of the transaction that wrote it. A sweep reads every row whose transaction is not older than
//! the oldest one that was still running at the sweep before: a row may be seen twice, none can be missed.

use crate::error::StoreError;
use countersign_domain::ids::OrgId;
use countersign_postgres::spanning;
use sqlx::PgPool;

/// Follows the feed from sweep to sweep.
#[derive(Debug)]
pub struct Feed {
    pool: PgPool,
    /// The oldest transaction that was running at the last sweep; nothing older can still appear.
    since: Option<String>,
}

/// A ledger that has grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// Whose ledger.
    pub org: OrgId,
    /// Its head, or an earlier position.
    pub position: u64,
}

impl Feed {
    /// A follower that begins with the next sweep.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, since: None }
    }

    /// The ledgers that have grown since the last sweep. The first sweep only takes its bearings: compare all heads
    /// with all checkpoints after it.
    pub async fn sweep(&mut self) -> Result<Vec<FeedEntry>, StoreError> {
        let mut transaction = spanning(&self.pool).await?;
        let rows = sqlx::query!(
            r#"WITH horizon AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin)
               SELECT horizon.xmin::text AS "xmin!", grown.org_id AS "org_id?", grown.position AS "position?"
               FROM horizon
               LEFT JOIN (
                   SELECT org_id, max(position) AS position FROM ledger.commit_feed
                   WHERE xid >= $1::text::xid8 GROUP BY org_id
               ) grown ON true"#,
            self.since.as_deref()
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.since = rows.first().map(|row| row.xmin.clone());
        Ok(rows
            .into_iter()
            .filter_map(|row| Some(FeedEntry { org: OrgId(row.org_id?), position: u64::try_from(row.position?).ok()? }))
            .collect())
    }

    /// Forgets rows that every reader has long passed: those older than an hour.
    pub async fn prune(&self) -> Result<u64, StoreError> {
        let mut transaction = spanning(&self.pool).await?;
        let done = sqlx::query!("DELETE FROM ledger.commit_feed WHERE at < now() - interval '1 hour'")
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}
