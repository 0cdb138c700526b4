//! Keeps every ledger's rows up to its head: a fixed number of workers, whatever the number of organizations.
//!
//! Work is (group, organization). Hints come from this node's own commits; what other nodes append comes through the
//! commit feed; and at start and every minute all heads are compared with all checkpoints, so that nothing can be
//! forgotten. What is to be done next is `queue`'s matter.

use crate::engine::{Advance, advance};
use crate::error::{Fault, ProjectionError};
use crate::group::Group;
use crate::position::Positions;
use crate::queue::{Became, Next, Pair, Queue, Urgency};
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Feed, Ledger};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// How a node follows.
#[derive(Clone, Copy, Debug)]
pub struct FollowerOptions {
    /// How many (group, organization) pairs are worked on at once.
    pub workers: usize,
    /// How often the feed is swept for what other nodes appended.
    pub sweep_every: Duration,
    /// How often all heads are compared with all checkpoints.
    pub compare_every: Duration,
}

impl Default for FollowerOptions {
    fn default() -> Self {
        Self { workers: 2, sweep_every: Duration::from_millis(200), compare_every: Duration::from_secs(60) }
    }
}

/// The tasks that follow. Dropping it stops them between two transactions.
#[derive(Debug)]
pub struct Follower {
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    ledger: Ledger,
    groups: Arc<Vec<Group>>,
    positions: Positions,
    queue: Mutex<Queue>,
    work: Notify,
}

impl Follower {
    /// Starts following with these groups.
    pub fn start(ledger: Ledger, groups: Arc<Vec<Group>>, positions: Positions, options: FollowerOptions) -> Self {
        let shared = Arc::new(Shared { ledger, groups, positions, queue: Mutex::default(), work: Notify::new() });
        let mut tasks = JoinSet::new();
        tasks.spawn(follow_own_commits(shared.clone()));
        tasks.spawn(sweep(shared.clone(), options));
        for _ in 0..options.workers.max(1) {
            tasks.spawn(work(shared.clone()));
        }
        Self { tasks }
    }

    /// Stops following.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn follow_own_commits(shared: Arc<Shared>) {
    let mut committed = shared.ledger.committed();
    loop {
        match committed.recv().await {
            Ok(committed) => shared.ask_for(committed.org),
            // The sweep finds what was missed.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn sweep(shared: Arc<Shared>, options: FollowerOptions) {
    let mut feed = Feed::new(shared.ledger.reader().pool().clone());
    let mut compare = tokio::time::interval(options.compare_every);
    let mut again = tokio::time::interval(options.sweep_every);
    loop {
        tokio::select! {
            _ = compare.tick() => {
                // The feed takes its bearings before the comparison, so that nothing falls between the two.
                sweep_once(&shared, &mut feed).await;
                match behind(&shared).await {
                    Ok(pairs) => shared.ask_for_those_behind(pairs),
                    Err(error) => tracing::warn!(error = ?error, "the heads could not be compared; trying again"),
                }
                if let Err(error) = feed.prune().await {
                    tracing::warn!(error = ?error, "the commit feed could not be pruned; trying again");
                }
            }
            _ = again.tick() => sweep_once(&shared, &mut feed).await,
        }
    }
}

async fn sweep_once(shared: &Shared, feed: &mut Feed) {
    match feed.sweep().await {
        Ok(grown) => grown.into_iter().for_each(|entry| shared.ask_for(entry.org)),
        Err(error) => tracing::warn!(error = ?error, "the commit feed could not be read; trying again"),
    }
}

/// Every pair whose rows are not up to the ledger's head, except where it is known that these folds cannot go on.
async fn behind(shared: &Shared) -> Result<Vec<Pair>, sqlx::Error> {
    let names: Vec<String> = shared.groups.iter().map(|group| group.name.to_owned()).collect();
    let folds: Vec<String> = shared.groups.iter().map(|group| group.code.clone()).collect();
    let rows =
        sqlx::query!(r#"SELECT org_id AS "org_id!", "group" AS "group!" FROM read.behind($1, $2)"#, &names, &folds)
            .fetch_all(shared.ledger.reader().pool())
            .await?;
    let pair = |org, group: &str| Some((names.iter().position(|name| name == group)?, OrgId(org)));
    Ok(rows.iter().filter_map(|row| pair(row.org_id, &row.group)).collect())
}

async fn work(shared: Arc<Shared>) {
    loop {
        let asked = shared.work.notified();
        match shared.next() {
            Next::Work(pair) => {
                let became = step(&shared, &shared.groups[pair.0], pair.1).await;
                shared.done(pair, became);
            }
            Next::NotBefore(moment) => drop(timeout_at(moment, asked).await),
            Next::Nothing => asked.await,
        }
    }
}

/// One batch.
async fn step(shared: &Shared, group: &Group, org: OrgId) -> Became {
    match advance(&shared.ledger, group, org).await {
        Ok(Advance::To(_)) => {
            shared.positions.has_moved();
            Became::PerhapsMore
        }
        Ok(Advance::Parked) => {
            shared.positions.has_moved();
            Became::Done
        }
        Ok(Advance::UpToDate | Advance::Elsewhere) => Became::Done,
        Err(error) => {
            complain(group, org, &error);
            if error.fault() == Fault::Outdated { Became::Outdated } else { Became::Failed }
        }
    }
}

fn complain(group: &Group, org: OrgId, error: &ProjectionError) {
    let group = group.name;
    if let ProjectionError::NoGeneration { .. } = error {
        tracing::error!(group, %org, error = ?error, "an organization cannot be followed; trying again");
    } else if error.fault() == Fault::Outdated {
        tracing::warn!(group, %org, error = ?error, "this node is outdated: others may follow this ledger");
    } else {
        tracing::warn!(group, %org, error = ?error, "a ledger could not be projected; trying again");
    }
}

impl Shared {
    /// A ledger has grown.
    fn ask_for(&self, org: OrgId) {
        let mut queue = self.locked();
        (0..self.groups.len()).for_each(|index| queue.ask_for((index, org), Urgency::Fresh));
        drop(queue);
        self.work.notify_waiters();
    }

    fn ask_for_those_behind(&self, pairs: Vec<Pair>) {
        let mut queue = self.locked();
        pairs.into_iter().for_each(|pair| queue.ask_for(pair, Urgency::Behind));
        drop(queue);
        self.work.notify_waiters();
    }

    fn next(&self) -> Next {
        self.locked().next(Instant::now())
    }

    fn done(&self, pair: Pair, became: Became) {
        self.locked().done(pair, became, Instant::now());
        // Whoever sleeps may have to get up earlier than they knew.
        self.work.notify_waiters();
    }

    fn locked(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
