//! Reading what one has written: waiting, briefly, until rows are up to a position.

use crate::error::ReadError;
use countersign_domain::ids::OrgId;
use countersign_postgres::scoped;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// How long a reader waits for its position.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the checkpoint is looked at while another node may be moving it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Knows when rows move. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Positions {
    pool: PgPool,
    moved: Arc<Notify>,
}

impl Positions {
    /// Over the checkpoints in a database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, moved: Arc::new(Notify::new()) }
    }

    /// A checkpoint moved on this node.
    pub(crate) fn has_moved(&self) {
        self.moved.notify_waiters();
    }

    /// Waits until every one of these groups has the rows of a position, at most two seconds; not at all where a group
    /// is parked.
    pub async fn reach(&self, org: OrgId, groups: &[&str], position: u64) -> Result<(), ReadError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let moved = self.moved.notified();
            match self.standing(org, groups, position).await? {
                Standing::There => return Ok(()),
                Standing::Parked => return Err(ReadError::Behind),
                Standing::Behind if Instant::now() >= deadline => return Err(ReadError::Behind),
                // A hint, or another look: another node's progress is seen only in the table.
                Standing::Behind => drop(timeout(LOOK_AGAIN, moved).await),
            }
        }
    }

    async fn standing(&self, org: OrgId, groups: &[&str], position: u64) -> Result<Standing, ReadError> {
        let names: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        let mut transaction = scoped(&self.pool, org).await?;
        let row = sqlx::query!(
            r#"SELECT count(*) FILTER (WHERE checkpoint.position >= $3) AS "there!", count(parked.position) AS "parked!"
               FROM read.active_generation active
               LEFT JOIN read.checkpoint checkpoint
                 ON checkpoint.org_id = active.org_id AND checkpoint."group" = active."group"
                AND checkpoint.generation = active.generation
               LEFT JOIN read.parked parked
                 ON parked.org_id = active.org_id AND parked."group" = active."group"
                AND parked.generation = active.generation
               WHERE active.org_id = $1 AND active."group" = ANY ($2)"#,
            org.0,
            &names,
            i64::try_from(position).unwrap_or(i64::MAX)
        )
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(if row.there as usize == groups.len() {
            Standing::There
        } else if row.parked > 0 {
            Standing::Parked
        } else {
            Standing::Behind
        })
    }
}

enum Standing {
    There,
    Behind,
    Parked,
}
