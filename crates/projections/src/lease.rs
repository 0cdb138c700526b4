//! Who does which work: nodes share shards of organizations by leases, of each kind of work a fair part.
//!
//! A lease is good for a while, by the database's clock, and is renewed by a sign of life. Whoever falls silent is
//! replaced; should they come to again, what they had begun is refused, because a checkpoint is moved only under a lease
//! that is good, with an epoch that nobody has gone beyond (`engine`, `abreast`).

use countersign_domain::ids::OrgId;
use countersign_postgres::spanning;
use sqlx::PgPool;
use sqlx::postgres::types::PgInterval;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How many shards each kind of work has: as many as `node.shard_of` knows.
const SHARDS: usize = 32;
/// How soon a node looks again that waits for others to give back what has come to be its share.
const WHILE_SHORT: Duration = Duration::from_millis(100);

/// How long leases last.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// How often a node shows that it lives.
    pub renew_every: Duration,
    /// How long its leases are good after that.
    pub live: Duration,
}

impl Default for LeaseTimes {
    /// A node may miss a few signs of life on a busy machine before others take its work.
    fn default() -> Self {
        Self { renew_every: Duration::from_secs(1), live: Duration::from_secs(5) }
    }
}

/// What a node holds at the moment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Leases {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    node: Uuid,
    name: String,
    works: Vec<String>,
    times: LeaseTimes,
    outdated: AtomicBool,
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// The epoch of each lease, by kind of work and shard.
    epochs: HashMap<String, [Option<i64>; SHARDS]>,
    /// What is held is not to be worked on after this moment, if no word comes from the database.
    until: Option<Instant>,
    /// Whether other nodes live.
    shared_with_others: bool,
}

/// A lease as it is named to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) node: Uuid,
    pub(crate) shard: i16,
    pub(crate) epoch: i64,
}

/// What a sign of life came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Renewed {
    /// Whether something is held that was not held a moment ago, or under another epoch.
    pub(crate) gained: bool,
    /// When the next one is due.
    pub(crate) again_in: Duration,
}

impl Leases {
    /// Of a node for these kinds of work, which holds nothing yet. A node that is started again under the name that it
    /// had before does not wait until its predecessor's leases expire.
    pub(crate) fn new(pool: PgPool, name: Option<String>, works: Vec<String>, times: LeaseTimes) -> Self {
        let node = Uuid::now_v7();
        let name = name.unwrap_or_else(|| node.to_string());
        let (outdated, held) = (AtomicBool::new(false), RwLock::default());
        Self { shared: Arc::new(Shared { pool, node, name, works, times, outdated, held }) }
    }

    /// Which node this is.
    pub fn node(&self) -> Uuid {
        self.shared.node
    }

    /// The lease under which an organization's work of a kind may be done now.
    pub(crate) fn lease(&self, work: &str, org: OrgId) -> Option<Lease> {
        let held = self.shared.held.read().unwrap_or_else(PoisonError::into_inner);
        held.until.filter(|until| Instant::now() < *until)?;
        let shard = shard_of(org);
        let epoch = held.epochs.get(work)?[shard]?;
        Some(Lease { node: self.shared.node, shard: shard as i16, epoch })
    }

    /// Whether other nodes live that may append what this one has to follow.
    pub(crate) fn are_shared_with_others(&self) -> bool {
        self.shared.held.read().unwrap_or_else(PoisonError::into_inner).shared_with_others
    }

    /// This node has met what it does not know: others do its work from now on, if there are any that know more.
    pub(crate) fn is_outdated(&self) {
        self.shared.outdated.store(true, Ordering::Relaxed);
    }

    /// Comes to be among the nodes.
    pub(crate) async fn join(&self) -> Result<(), sqlx::Error> {
        let Shared { pool, node, name, works, .. } = &*self.shared;
        let mut transaction = spanning(pool).await?;
        sqlx::query!("SELECT node.join($1, $2, $3)", node, name, works).fetch_one(&mut *transaction).await?;
        transaction.commit().await
    }

    /// A sign of life.
    pub(crate) async fn renew(&self) -> Result<Renewed, sqlx::Error> {
        let Shared { pool, node, name, works, times, outdated, held } = &*self.shared;
        // The database counts from when it hears of it: later than now.
        let until = Instant::now() + times.live;
        let live = PgInterval { months: 0, days: 0, microseconds: times.live.as_micros() as i64 };
        let mut transaction = spanning(pool).await?;
        let row = sqlx::query!(
            r#"SELECT works AS "works: Vec<String>", shards AS "shards: Vec<i16>", epochs AS "epochs: Vec<i64>",
                      nodes AS "nodes!", is_short AS "is_short!"
               FROM node.keep($1, $2, $3, $4, $5)"#,
            node,
            name,
            works,
            outdated.load(Ordering::Relaxed),
            live
        )
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let mut now: HashMap<String, [Option<i64>; SHARDS]> = HashMap::new();
        let shards = row.works.unwrap_or_default().into_iter().zip(row.shards.unwrap_or_default());
        for ((work, shard), epoch) in shards.zip(row.epochs.unwrap_or_default()) {
            now.entry(work).or_default()[usize::from(shard.unsigned_abs()) % SHARDS] = Some(epoch);
        }
        let mut held = held.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = |(work, epochs): (&String, &[Option<i64>; SHARDS])| {
            let before = held.epochs.get(work).copied().unwrap_or_default();
            epochs.iter().zip(before).any(|(epoch, before)| epoch.is_some() && *epoch != before)
        };
        // What came while nothing was to be worked on was let go.
        let had_lapsed = held.until.is_none_or(|until| Instant::now() >= until);
        let gained = had_lapsed || now.iter().any(is_new);
        *held = Held { epochs: now, until: Some(until), shared_with_others: row.nodes > 1 };
        held.count(&self.shared.works);
        Ok(Renewed { gained, again_in: if row.is_short { WHILE_SHORT } else { times.renew_every } })
    }

    /// Gives everything back: others go on at once.
    pub(crate) async fn leave(&self) -> Result<(), sqlx::Error> {
        let mut transaction = spanning(&self.shared.pool).await?;
        sqlx::query!("SELECT node.leave($1)", self.shared.node).fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        let mut held = self.shared.held.write().unwrap_or_else(PoisonError::into_inner);
        *held = Held::default();
        held.count(&self.shared.works);
        Ok(())
    }
}

impl Held {
    fn count(&self, works: &[String]) {
        for work in works {
            let held = self.epochs.get(work).map_or(0, |epochs| epochs.iter().flatten().count());
            metrics::gauge!("countersign_leases_held", "work" => work.clone()).set(held as f64);
        }
    }
}

/// The shard of an organization, as the database computes it. Ids are random at their end.
fn shard_of(org: OrgId) -> usize {
    let [.., last] = org.0.into_bytes();
    usize::from(last) % SHARDS
}
