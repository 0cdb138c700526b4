//! Keeps every ledger's rows up to its head: a fixed number of workers, whatever the number of organizations.
//!
//! Work is (group, organization). Hints come from this node's own commits; what other nodes append comes through the
//! commit feed; and at start and every minute all heads are compared with all checkpoints, so that nothing can be
//! forgotten.

use crate::engine::{Advance, advance, park};
use crate::error::ProjectionError;
use crate::group::Group;
use crate::position::Positions;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Feed, Ledger};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

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

/// What is to be done, each pair once; a pair that is worked on and asked for again is done again.
#[derive(Debug, Default)]
struct Agenda {
    queue: VecDeque<(usize, OrgId)>,
    queued: HashSet<(usize, OrgId)>,
    at_work: HashSet<(usize, OrgId)>,
    again: HashSet<(usize, OrgId)>,
}

#[derive(Debug)]
struct Shared {
    ledger: Ledger,
    groups: Arc<Vec<Group>>,
    positions: Positions,
    agenda: Mutex<Agenda>,
    work: Notify,
}

impl Follower {
    /// Starts following with these groups.
    pub fn start(ledger: Ledger, groups: Arc<Vec<Group>>, positions: Positions, options: FollowerOptions) -> Self {
        let shared = Arc::new(Shared { ledger, groups, positions, agenda: Mutex::default(), work: Notify::new() });
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
                match shared.ledger.reader().heads().await {
                    Ok(heads) => heads.into_iter().filter(|(_, head)| *head > 0).for_each(|(org, _)| shared.ask_for(org)),
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

async fn work(shared: Arc<Shared>) {
    loop {
        let asked = shared.work.notified();
        let Some((index, org)) = shared.take() else {
            asked.await;
            continue;
        };
        let more = step(&shared, &shared.groups[index], org).await;
        shared.done(index, org, more);
    }
}

/// One batch; whether there may be more.
async fn step(shared: &Shared, group: &Group, org: OrgId) -> bool {
    match advance(&shared.ledger, group, org).await {
        Ok(Advance::To(_)) => {
            shared.positions.has_moved();
            true
        }
        Ok(Advance::UpToDate | Advance::Elsewhere | Advance::Parked) => false,
        Err(error) if error.is_poison() => {
            tracing::error!(group = group.name, %org, error = ?error, "an organization is parked in a group");
            if let Err(error) = park(&shared.ledger, group, org, &error).await {
                tracing::warn!(group = group.name, %org, error = ?error, "parking failed; trying again");
            }
            shared.positions.has_moved();
            false
        }
        Err(error) => {
            // The sweep and the comparison bring it up again.
            tracing::warn!(group = group.name, %org, error = ?error, "a ledger could not be projected; trying again");
            tokio::time::sleep(Duration::from_millis(200)).await;
            matches!(error, ProjectionError::Database(_) | ProjectionError::Store(_))
        }
    }
}

impl Shared {
    fn ask_for(&self, org: OrgId) {
        let mut agenda = self.agenda.lock().unwrap_or_else(PoisonError::into_inner);
        (0..self.groups.len()).for_each(|index| agenda.ask_for((index, org)));
        drop(agenda);
        self.work.notify_waiters();
    }

    fn take(&self) -> Option<(usize, OrgId)> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn done(&self, index: usize, org: OrgId, more: bool) {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner).done((index, org), more);
    }
}

impl Agenda {
    fn ask_for(&mut self, pair: (usize, OrgId)) {
        if self.at_work.contains(&pair) {
            self.again.insert(pair);
        } else if self.queued.insert(pair) {
            self.queue.push_back(pair);
        }
    }

    fn take(&mut self) -> Option<(usize, OrgId)> {
        let pair = self.queue.pop_front()?;
        self.queued.remove(&pair);
        self.at_work.insert(pair);
        Some(pair)
    }

    fn done(&mut self, pair: (usize, OrgId), more: bool) {
        self.at_work.remove(&pair);
        if self.again.remove(&pair) || more {
            self.ask_for(pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: (usize, OrgId) = (0, OrgId(uuid::Uuid::nil()));

    #[test]
    fn a_pair_is_worked_on_by_one_worker_at_a_time() {
        let mut agenda = Agenda::default();
        agenda.ask_for(PAIR);
        agenda.ask_for(PAIR);
        assert_eq!(agenda.take(), Some(PAIR));
        agenda.ask_for(PAIR);
        assert_eq!(agenda.take(), None);
    }

    #[test]
    fn what_is_asked_for_during_the_work_is_done_again() {
        let mut agenda = Agenda::default();
        agenda.ask_for(PAIR);
        agenda.take();
        agenda.ask_for(PAIR);
        agenda.done(PAIR, false);
        assert_eq!(agenda.take(), Some(PAIR));
        agenda.done(PAIR, false);
        assert_eq!(agenda.take(), None);
    }
}
