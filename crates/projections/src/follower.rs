//! Keeps every ledger's rows up to its head: a fixed number of workers, whatever the number of organizations.
//!
//! Work is some organizations with all groups of each that stand together (`abreast`), or one group of one that does not.
//! A node does the work of which it holds the leases (`lease`). Hints come from its own commits; what other nodes append
//! comes through the commit feed; and at start, after trouble with the database, when leases come to it, and every minute,
//! all heads are compared with all checkpoints, so that nothing can be forgotten. What is to be done next is `queue`'s
//! matter.

mod step;

use crate::abreast::Stride;
use crate::footing::{Follows, Footing};
use crate::group::Group;
use crate::lease::{LeaseTimes, Leases};
use crate::measure;
use crate::position::Positions;
use crate::queue::{Became, Next, Queue, Unit, Urgency};
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Committed, Feed, Ledger};
use countersign_postgres::spanning;
use countersign_telemetry::TraceContext;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

/// How often the feed is swept while other nodes append what this one follows.
const SWEEP_WHILE_BUSY: Duration = Duration::from_millis(20);
/// For so long after the last of it.
const BUSY_FOR: Duration = Duration::from_secs(2);
/// How long the steps that are under way may take when a node stops.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// A step is part of so many commands' traces at most.
const MOST_TRACES: usize = 16;

/// How a node follows.
#[derive(Clone, Debug)]
pub struct FollowerOptions {
    /// How many steps are made at once, each of one organization or several.
    pub workers: usize,
    /// How often the feed is swept for what other nodes appended.
    pub sweep_every: Duration,
    /// How often all heads are compared with all checkpoints.
    pub compare_every: Duration,
    /// How long this node's leases last.
    pub leases: LeaseTimes,
    /// What a node is called that is started again in the same place: it takes over from itself at once.
    pub name: Option<String>,
}

impl Default for FollowerOptions {
    fn default() -> Self {
        Self {
            workers: 4,
            sweep_every: Duration::from_millis(200),
            compare_every: Duration::from_secs(60),
            leases: LeaseTimes::default(),
            name: None,
        }
    }
}

/// The tasks that follow. Dropping it stops them between two statements, and others take over when its leases expire.
#[derive(Debug)]
pub struct Follower {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    workers: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    ledger: Ledger,
    groups: Arc<Vec<Group>>,
    positions: Positions,
    leases: Leases,
    queue: Mutex<Queue>,
    /// How far the rows of each organization are known to be: what says no more than that is no news.
    reached: Mutex<HashMap<OrgId, u64>>,
    /// Where the last step left each organization whose groups stand together. Forgotten where there is reason to doubt it:
    /// checkpoints may have gone back with what the database lost.
    footings: Mutex<HashMap<OrgId, Footing>>,
    /// The traces of commands whose events are to be followed.
    traces: Mutex<HashMap<OrgId, Vec<TraceContext>>>,
    work: Notify,
    /// Heads are to be compared with checkpoints now.
    compare: Notify,
    /// The database failed somebody: it may have lost what was not yet on its disk.
    trouble: AtomicBool,
    stopping: AtomicBool,
}

impl Follower {
    /// Starts following with these groups.
    pub fn start(ledger: Ledger, groups: Arc<Vec<Group>>, positions: Positions, options: FollowerOptions) -> Self {
        let works = groups.iter().map(|group| group.name.to_owned()).collect();
        let leases = Leases::new(ledger.reader().pool().clone(), options.name.clone(), works, options.leases);
        let shared = Arc::new(Shared {
            ledger,
            groups,
            positions,
            leases,
            queue: Mutex::default(),
            reached: Mutex::default(),
            footings: Mutex::default(),
            traces: Mutex::default(),
            work: Notify::new(),
            compare: Notify::new(),
            trouble: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_leases(shared.clone()));
        tasks.spawn(follow_own_commits(shared.clone()));
        tasks.spawn(sweep(shared.clone(), options.clone()));
        let mut workers = JoinSet::new();
        for _ in 0..options.workers.max(1) {
            workers.spawn(work(shared.clone()));
        }
        Self { shared, tasks, workers }
    }

    /// What this node holds: whoever works off the agenda does it under the same leases.
    pub fn leases(&self) -> Leases {
        self.shared.leases.clone()
    }

    /// Stops following: what is under way is finished, and the leases are given back, so that others go on at once.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.work.notify_waiters();
        let at_work = async { while self.workers.join_next().await.is_some() {} };
        // Whoever waits for a database that does not answer is not waited for.
        drop(timeout(FINISH_WITHIN, at_work).await);
        self.workers.shutdown().await;
        if let Err(error) = self.shared.leases.leave().await {
            tracing::warn!(error = ?error, "the leases could not be given back; they expire");
        }
    }
}

async fn keep_leases(shared: Arc<Shared>) {
    let mut joined = false;
    loop {
        let renewed = async {
            if !joined {
                shared.leases.join().await?;
                joined = true;
            }
            shared.leases.renew().await
        };
        let again_in = match renewed.await {
            Ok(renewed) => {
                if renewed.gained {
                    // Others may have been at what this node was at before.
                    shared.locked_footings().clear();
                    shared.compare.notify_one();
                }
                renewed.again_in
            }
            Err(error) => {
                tracing::warn!(error = ?error, "the leases could not be renewed; trying again");
                shared.trouble.store(true, Ordering::Relaxed);
                SWEEP_WHILE_BUSY * 10
            }
        };
        sleep(again_in).await;
    }
}

async fn follow_own_commits(shared: Arc<Shared>) {
    let mut committed = shared.ledger.committed();
    loop {
        match committed.recv().await {
            Ok(committed) => shared.hears_of(committed),
            // The sweep finds what was missed.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn sweep(shared: Arc<Shared>, options: FollowerOptions) {
    let mut feed = Feed::new(shared.ledger.reader().pool().clone());
    // The feed takes its bearings before the first comparison, so that nothing falls between the two.
    sweep_once(&shared, &mut feed).await;
    let mut compare = tokio::time::interval_at(Instant::now() + options.compare_every, options.compare_every);
    let mut busy_until = Instant::now();
    loop {
        let busy = shared.leases.are_shared_with_others() && Instant::now() < busy_until;
        let again = Instant::now() + if busy { SWEEP_WHILE_BUSY.min(options.sweep_every) } else { options.sweep_every };
        tokio::select! {
            () = shared.compare.notified() => compare_once(&shared).await,
            _ = compare.tick() => {
                compare_once(&shared).await;
                if let Err(error) = feed.prune().await {
                    tracing::warn!(error = ?error, "the commit feed could not be pruned; trying again");
                }
            }
            () = sleep_until(again) => {
                if sweep_once(&shared, &mut feed).await {
                    busy_until = Instant::now() + BUSY_FOR;
                }
                if shared.trouble.swap(false, Ordering::Relaxed) {
                    shared.locked_reached().clear();
                    shared.locked_footings().clear();
                    compare_once(&shared).await;
                }
            }
        }
    }
}

/// Whether there was anything that this node had not heard of.
async fn sweep_once(shared: &Shared, feed: &mut Feed) -> bool {
    match feed.sweep().await {
        Ok(grown) => {
            let news = grown.into_iter().filter(|entry| shared.is_news(entry.org, entry.position));
            news.map(|entry| shared.ask_for(entry.org)).count() > 0
        }
        Err(error) => {
            tracing::warn!(error = ?error, "the commit feed could not be read; trying again");
            shared.trouble.store(true, Ordering::Relaxed);
            false
        }
    }
}

async fn compare_once(shared: &Shared) {
    match behind(shared).await {
        Ok(organizations) => shared.ask_for_those_behind(organizations),
        Err(error) => {
            tracing::warn!(error = ?error, "the heads could not be compared; trying again");
            shared.trouble.store(true, Ordering::Relaxed);
        }
    }
}

/// Every organization of which some group's rows are not up to the ledger's head, except where it is known that these
/// folds cannot go on.
async fn behind(shared: &Shared) -> Result<HashSet<OrgId>, sqlx::Error> {
    let names: Vec<String> = shared.groups.iter().map(|group| group.name.to_owned()).collect();
    let folds: Vec<String> = shared.groups.iter().map(|group| group.code.clone()).collect();
    let mut transaction = spanning(shared.ledger.reader().pool()).await?;
    let rows =
        sqlx::query!(r#"SELECT org_id AS "org_id!", "group" AS "group!" FROM read.behind($1, $2)"#, &names, &folds)
            .fetch_all(&mut *transaction)
            .await?;
    let groups: Vec<&'static str> = shared.groups.iter().map(|group| group.name).collect();
    measure::count_parked(&mut transaction, &groups).await?;
    transaction.commit().await?;
    Ok(rows.into_iter().map(|row| OrgId(row.org_id)).collect())
}

async fn work(shared: Arc<Shared>) {
    loop {
        let asked = shared.work.notified();
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        match shared.next() {
            Next::Work(Unit::Organization(org)) => step::abreast(&shared, &[org]).await,
            Next::Several(orgs) => step::abreast(&shared, &orgs).await,
            Next::Work(unit @ Unit::Group(index, org)) => {
                let became = step::alone(&shared, &shared.groups[index], org).await;
                shared.done([(unit, became)]);
            }
            Next::NotBefore(moment) => drop(timeout_at(moment, asked).await),
            Next::Nothing => asked.await,
        }
    }
}

impl Shared {
    /// A ledger has grown by a commit of this node.
    fn hears_of(&self, committed: Committed) {
        if !self.is_news(committed.org, committed.position) {
            return;
        }
        if let Some(trace) = committed.trace {
            let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
            let traces = traces.entry(committed.org).or_default();
            if traces.len() < MOST_TRACES {
                traces.push(trace);
            }
        }
        self.ask_for(committed.org);
    }

    fn take_traces(&self, orgs: impl Iterator<Item = OrgId>) -> HashMap<OrgId, Vec<TraceContext>> {
        let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        orgs.filter_map(|org| Some((org, traces.remove(&org)?))).collect()
    }

    /// Of a step that was not made: the next one is part of them.
    fn give_traces_back(&self, taken: HashMap<OrgId, Vec<TraceContext>>) {
        let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        for (org, taken) in taken {
            let traces = traces.entry(org).or_default();
            traces.extend(taken);
            traces.truncate(MOST_TRACES);
        }
    }

    /// Whether this node follows the organization, and does not know yet that its ledger is so long.
    fn is_news(&self, org: OrgId, position: u64) -> bool {
        let is_ours = self.groups.iter().any(|group| self.leases.lease(group.name, org).is_some());
        is_ours && self.locked_reached().get(&org).is_none_or(|reached| *reached < position)
    }

    fn ask_for(&self, org: OrgId) {
        self.locked().ask_for(Unit::Organization(org), Urgency::Fresh);
        self.work.notify_waiters();
    }

    fn ask_for_those_behind(&self, organizations: HashSet<OrgId>) {
        let mut queue = self.locked();
        for org in organizations {
            if self.groups.iter().any(|group| self.leases.lease(group.name, org).is_some()) {
                // Whatever is remembered of it has not kept it from being behind.
                self.locked_footings().remove(&org);
                queue.ask_for(Unit::Organization(org), Urgency::Behind);
            }
        }
        drop(queue);
        self.work.notify_waiters();
    }

    /// The groups of an organization that this node may follow together. Where they stand is remembered again when it is
    /// known what has become of them.
    fn follows(&self, org: OrgId) -> Follows<'_> {
        let mut queue = self.locked();
        let free =
            self.groups.iter().enumerate().filter(|(index, _)| !queue.leave_to_own_turn(Unit::Group(*index, org)));
        let groups: Vec<_> = free.filter_map(|(_, group)| Some((group, self.leases.lease(group.name, org)?))).collect();
        let footing = self.locked_footings().remove(&org).filter(|_| groups.len() == self.groups.len());
        Follows { org, groups, footing }
    }

    /// What follows from a stride of several groups.
    fn has_stridden(&self, Follows { org, groups, .. }: &Follows<'_>, stride: &Stride) {
        if let Some(footing) = stride.footing.clone().filter(|_| groups.len() == self.groups.len()) {
            self.locked_footings().insert(*org, footing);
        }
        if let Some(last) = stride.folded.last() {
            self.locked_reached().insert(*org, last.position);
            self.positions.has_moved(*org);
        }
        let mut queue = self.locked();
        for (index, group) in self.groups.iter().enumerate() {
            let unit = Unit::Group(index, *org);
            if stride.alone.contains(&group.name) {
                queue.ask_for(unit, Urgency::Behind);
            } else if !groups.iter().any(|(followed, _)| followed.name == group.name)
                && self.leases.lease(group.name, *org).is_some()
                && !queue.leave_to_own_turn(unit)
            {
                // Its lease came while the others were on their way: what they have now is no news to anybody.
                queue.ask_for(unit, Urgency::Behind);
            }
        }
        drop(queue);
        self.work.notify_waiters();
    }

    fn next(&self) -> Next {
        self.locked().next(Instant::now())
    }

    fn done(&self, all: impl IntoIterator<Item = (Unit, Became)>) {
        let (mut queue, now) = (self.locked(), Instant::now());
        all.into_iter().for_each(|(unit, became)| queue.done(unit, became, now));
        drop(queue);
        // Whoever sleeps may have to get up earlier than they knew.
        self.work.notify_waiters();
    }

    fn locked(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked_footings(&self) -> MutexGuard<'_, HashMap<OrgId, Footing>> {
        self.footings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked_reached(&self) -> MutexGuard<'_, HashMap<OrgId, u64>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
