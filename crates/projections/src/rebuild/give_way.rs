//! Giving way to people at work: while ledgers grow, a rebuild rests after each step, longer than the step took. Where
//! nobody is at work, nobody waits for it.

use countersign_domain::ids::OrgId;
use countersign_eventstore::{Feed, FeedEntry};
use sqlx::PgPool;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// How often one looks whether ledgers grow.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// Whoever has not looked for so long begins anew: that was another rebuild.
const FORGETS_AFTER: Duration = Duration::from_secs(10);
/// With fewer new events a second, hardly anybody meets a step of the rebuild.
const HARDLY_ANYBODY: f64 = 20.0;
/// So many times as long as a step took, one rests after it.
const RESTS: u32 = 3;

/// Knows whether people are at work.
#[derive(Debug)]
pub(crate) struct GivesWay(Mutex<Watch>);

#[derive(Debug)]
struct Watch {
    pool: PgPool,
    every: Duration,
    looked: Option<Look>,
}

/// What was seen last.
#[derive(Debug)]
struct Look {
    feed: Feed,
    /// Where each ledger stood that has grown.
    heads: HashMap<OrgId, u64>,
    at: Instant,
    people_are_at_work: bool,
}

impl GivesWay {
    /// To whoever writes into this database.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self::looking_every(LOOKS_EVERY, pool)
    }

    fn looking_every(every: Duration, pool: PgPool) -> Self {
        Self(Mutex::new(Watch { pool, every, looked: None }))
    }

    /// Rests after a step that took so long, for as long as anybody is at work.
    pub(crate) async fn after(&self, step: Duration) {
        let mut left = step * RESTS;
        while !left.is_zero() && self.0.lock().await.people_are_at_work().await {
            let now = left.min(LOOKS_EVERY);
            sleep(now).await;
            left -= now;
        }
    }
}

impl Watch {
    /// At the first look nothing is known yet, and people come first.
    async fn people_are_at_work(&mut self) -> bool {
        let Some(look) = self.looked.as_mut().filter(|look| look.at.elapsed() < FORGETS_AFTER.max(self.every * 2))
        else {
            let mut feed = Feed::new(self.pool.clone());
            // Takes its bearings.
            let seen = feed.sweep().await.is_ok();
            let (heads, at) = (HashMap::new(), Instant::now());
            self.looked = seen.then_some(Look { feed, heads, at, people_are_at_work: true });
            return true;
        };
        let since_then = look.at.elapsed();
        if since_then < self.every {
            return look.people_are_at_work;
        }
        let Ok(grown) = look.feed.sweep().await else {
            self.looked = None;
            return true;
        };
        look.at = Instant::now();
        look.people_are_at_work = events(&mut look.heads, grown) as f64 > HARDLY_ANYBODY * since_then.as_secs_f64();
        look.people_are_at_work
    }
}

/// How many events came to ledgers; one to each that is heard of for the first time.
fn events(heads: &mut HashMap<OrgId, u64>, grown: Vec<FeedEntry>) -> u64 {
    let new = |FeedEntry { org, position }| {
        let head = heads.entry(org).or_insert(position.saturating_sub(1));
        let new = position.saturating_sub(*head);
        *head += new;
        new
    };
    grown.into_iter().map(new).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NEVER: Duration = Duration::from_secs(3_600);

    #[test]
    fn an_event_counts_once_however_often_one_is_told_of_it() {
        let [busy, quiet] = [1, 2].map(|number| OrgId(Uuid::from_u128(number)));
        let told = |org, position| FeedEntry { org, position };
        let mut heads = HashMap::new();
        assert_eq!(
            events(&mut heads, vec![told(busy, 800), told(quiet, 7)]),
            2,
            "how many there were before is not known"
        );
        assert_eq!(events(&mut heads, vec![told(busy, 850), told(quiet, 7)]), 50);
        assert_eq!(events(&mut heads, vec![told(busy, 840)]), 0);
        assert_eq!(events(&mut heads, vec![told(busy, 851)]), 1);
    }

    /// How long one rests after a step.
    async fn rested(gives_way: &GivesWay, step: Duration) -> Duration {
        let since = Instant::now();
        gives_way.after(step).await;
        since.elapsed()
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn while_people_are_at_work_one_rests_three_times_as_long_as_a_step_took(pool: PgPool) {
        let gives_way = GivesWay::looking_every(NEVER, pool);
        let step = Duration::from_millis(20);
        assert!(rested(&gives_way, step).await >= step * RESTS);
        gives_way.0.lock().await.looked.as_mut().unwrap().people_are_at_work = false;
        assert!(rested(&gives_way, Duration::from_secs(60)).await < Duration::from_secs(60));
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn a_long_rest_ends_when_everybody_has_gone(pool: PgPool) {
        let gives_way = GivesWay::new(pool);
        assert!(rested(&gives_way, Duration::from_secs(600)).await < Duration::from_secs(60));
    }
}
