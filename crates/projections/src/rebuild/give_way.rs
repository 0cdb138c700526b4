//! Giving way to people at work: while ledgers grow, a rebuild rests after each step, longer than the step took. Where
//! nobody is at work, nobody waits for it.

use countersign_domain::ids::OrgId;
use countersign_eventstore::Feed;
use sqlx::PgPool;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// How often one looks whether ledgers grow.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// With fewer new events a second, hardly anybody meets a step of the rebuild.
const HARDLY_ANYBODY: f64 = 20.0;
/// So many times as long as a step took, one rests after it.
const RESTS: u32 = 3;

/// Knows whether people are at work.
#[derive(Debug)]
pub(crate) struct GivesWay(Mutex<Watch>);

#[derive(Debug)]
struct Watch {
    every: Duration,
    feed: Feed,
    /// Where each ledger stood that has grown.
    heads: HashMap<OrgId, u64>,
    looked: Instant,
    people_are_at_work: bool,
}

impl GivesWay {
    /// To whoever writes into this database.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self::looking_every(LOOKS_EVERY, pool)
    }

    fn looking_every(every: Duration, pool: PgPool) -> Self {
        let (feed, looked) = (Feed::new(pool), Instant::now());
        Self(Mutex::new(Watch { every, feed, heads: HashMap::new(), looked, people_are_at_work: false }))
    }

    /// Rests after a step that took so long, if anybody is at work.
    pub(crate) async fn after(&self, step: Duration) {
        if self.0.lock().await.people_are_at_work().await {
            sleep(step * RESTS).await;
        }
    }
}

impl Watch {
    async fn people_are_at_work(&mut self) -> bool {
        let since_then = self.looked.elapsed();
        if since_then < self.every {
            return self.people_are_at_work;
        }
        self.looked = Instant::now();
        match self.feed.sweep().await {
            Ok(grown) => {
                let events: u64 = grown.into_iter().map(|entry| self.new_events(entry.org, entry.position)).sum();
                self.people_are_at_work = events as f64 > HARDLY_ANYBODY * since_then.as_secs_f64();
            }
            Err(error) => tracing::warn!(error = ?error, "nobody knows whether people are at work"),
        }
        self.people_are_at_work
    }

    /// How many events came to a ledger; at least one to whoever is heard of for the first time.
    fn new_events(&mut self, org: OrgId, position: u64) -> u64 {
        self.heads.insert(org, position).map_or(1, |before| position.saturating_sub(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const EVERY: Duration = Duration::from_millis(100);

    /// Whether people seem to be at work, when a ledger has come so far.
    async fn at_work_when(gives_way: &GivesWay, pool: &PgPool, position: i64) -> bool {
        let told = sqlx::query("INSERT INTO ledger.commit_feed (org_id, position) VALUES ($1, $2)");
        told.bind(Uuid::nil()).bind(position).execute(pool).await.unwrap();
        sleep(EVERY).await;
        gives_way.0.lock().await.people_are_at_work().await
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn people_are_at_work_where_ledgers_grow_and_not_where_somebody_did_something_once(pool: PgPool) {
        let gives_way = GivesWay::looking_every(EVERY, pool.clone());
        assert!(!at_work_when(&gives_way, &pool, 1).await, "what there was before is not new");
        assert!(!at_work_when(&gives_way, &pool, 2).await);
        assert!(at_work_when(&gives_way, &pool, 100_000).await);
        assert!(at_work_when(&gives_way, &pool, 200_000).await);
        assert!(!at_work_when(&gives_way, &pool, 200_001).await);
    }

    #[tokio::test(start_paused = true)]
    async fn while_people_are_at_work_one_rests_three_times_as_long_as_a_step_took() {
        let never = Duration::from_secs(3_600);
        let gives_way = GivesWay::looking_every(never, PgPool::connect_lazy("postgres:///nowhere").unwrap());
        let rested = async || {
            let since = Instant::now();
            gives_way.after(Duration::from_millis(20)).await;
            since.elapsed()
        };
        assert_eq!(rested().await, Duration::ZERO);
        gives_way.0.lock().await.people_are_at_work = true;
        assert_eq!(rested().await.as_millis(), 60);
    }
}
