//! Reading what one has written: waiting, briefly, until rows are up to a position.

use crate::error::ReadError;
use countersign_domain::ids::OrgId;
use countersign_postgres::alone;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// How long a reader waits for its position.
const PATIENCE: Duration = Duration::from_secs(2);
/// How soon the checkpoint is looked at again while another node may be moving it; then after twice as long each time.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The longest between two looks: where rows are late, those who wait for them must not make them later.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(160);
/// Those who wait are woken by place, one for each last byte of an organization's id: hardly anybody looks because the
/// rows of somebody else have moved.
const PLACES: usize = 256;

/// Knows when rows move. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Positions {
    pool: PgPool,
    moved: Arc<[Notify; PLACES]>,
}

impl Positions {
    /// Over the checkpoints in a database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, moved: Arc::new(std::array::from_fn(|_| Notify::new())) }
    }

    /// A checkpoint of an organization moved on this node.
    pub(crate) fn has_moved(&self, org: OrgId) {
        self.place(org).notify_waiters();
    }

    /// That byte is random in every kind of id that we make.
    fn place(&self, org: OrgId) -> &Notify {
        let [.., last] = org.0.into_bytes();
        &self.moved[usize::from(last)]
    }

    /// Waits until every one of these groups has the rows of a position, at most two seconds; not at all where a group
    /// is parked before it.
    pub async fn reach(&self, org: OrgId, groups: &[&str], position: u64) -> Result<(), ReadError> {
        let deadline = Instant::now() + PATIENCE;
        let mut look_again = LOOK_AGAIN;
        loop {
            let moved = self.place(org).notified();
            match self.standing(org, groups, position).await? {
                Standing::There => return Ok(()),
                Standing::Parked => return Err(ReadError::Behind),
                Standing::Behind if Instant::now() >= deadline => return Err(ReadError::Behind),
                // A hint, or another look: another node's progress is seen only in the table.
                Standing::Behind => drop(timeout(look_again, moved).await),
            }
            look_again = LOOK_AT_LEAST_EVERY.min(look_again * 2);
        }
    }

    async fn standing(&self, org: OrgId, groups: &[&str], position: u64) -> Result<Standing, ReadError> {
        let names: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        let row = sqlx::query!(
            r#"SELECT there AS "there!", parked AS "parked!" FROM read.standing($1, $2, $3)"#,
            org.0,
            &names,
            i64::try_from(position).unwrap_or(i64::MAX)
        )
        .fetch_one(&mut *alone(&self.pool).await?)
        .await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use uuid::Uuid;

    #[tokio::test]
    async fn nobody_is_woken_by_the_rows_of_another_organization() {
        let positions = Positions::new(PgPool::connect_lazy("postgres:///nowhere").unwrap());
        let [mine, anothers] = [1, 2].map(|last| OrgId(Uuid::from_u128(last)));
        let mut woken = std::pin::pin!(positions.place(mine).notified());
        positions.has_moved(anothers);
        assert_eq!(woken.as_mut().now_or_never(), None);
        positions.has_moved(mine);
        assert_eq!(woken.now_or_never(), Some(()));
    }
}
