//! A lane: decides the commands of its organizations, in order, and commits what it decided in batches.
//!
//! There is no timer: what arrives during a commit is the next batch. It is decided meanwhile, on what the batch that is
//! being committed leaves behind; should an organization's part of that one come to nothing, what was decided on it is
//! decided again. Everything that waits for the database besides the commit (a cold stream, a missing key, another node's
//! events) happens in a task of its own and holds back only the organization that needs it.
//!
//! An answer goes out only after the commit, because it may rest on a command of the same batch or the one before.

mod job;
mod locked;
mod org;
mod settling;
mod turn;

pub(crate) use job::Job;

use crate::cache::Cache;
use crate::clock::Clock;
use crate::connection::LaneConnection;
use crate::deciding::{STREAMS_AHEAD, streams_of};
use crate::error::ExecuteError;
use crate::flight::{Batch, Flight, Landed};
use crate::lane_load::{Errand, Loaded, load};
use crate::ledger::{Committed, LedgerOptions};
use crate::vault::Vault;
use countersign_domain::envelope::Provenance;
use countersign_domain::ids::OrgId;
use org::{Known, Org};
use sqlx::{PgPool, Postgres, Transaction};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;

/// A lane with nothing to do for so long gives its connection back.
const RESTS_AFTER: Duration = Duration::from_secs(1);
/// Organizations that a lane remembers before it forgets the idle ones.
const ORGS_REMEMBERED: usize = 20_000;

/// What all lanes of a node share.
pub(crate) struct Shared {
    pub(crate) pool: PgPool,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) committed: broadcast::Sender<Committed>,
    pub(crate) options: LedgerOptions,
}

pub(crate) struct Lane {
    shared: Arc<Shared>,
    inbox: mpsc::Receiver<Job>,
    orgs: HashMap<OrgId, Org>,
    cache: Cache,
    /// Here unless a batch is being appended through it.
    connection: Option<LaneConnection>,
    /// The batch that is being appended.
    flight: Option<Flight>,
    /// What is decided meanwhile.
    next: Batch,
    /// Organizations with commands to decide and nothing to wait for, each once.
    ready: VecDeque<OrgId>,
    /// Organizations that wait for their turn to be taken under their locks.
    for_lock: VecDeque<OrgId>,
    /// How many are taken under their locks now.
    locks: usize,
    errands: JoinSet<Returned>,
}

/// An errand that came back.
struct Returned {
    org: OrgId,
    locked: bool,
    loaded: Result<Loaded, ExecuteError>,
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>, inbox: mpsc::Receiver<Job>) -> Self {
        let cache = Cache::new(shared.options.cache_bytes / shared.options.lanes.max(1));
        let connection = Some(LaneConnection::new(shared.pool.clone()));
        let next = Batch::new(&shared.options);
        let (ready, for_lock) = (VecDeque::new(), VecDeque::new());
        Self {
            shared,
            inbox,
            orgs: HashMap::new(),
            cache,
            connection,
            flight: None,
            next,
            ready,
            for_lock,
            locks: 0,
            errands: JoinSet::new(),
        }
    }

    /// Runs until the ledger is dropped and every command is answered.
    pub(crate) async fn run(mut self) {
        let mut is_open = true;
        while is_open || self.flight.is_some() || !self.errands.is_empty() {
            let may_rest = self.connection.as_ref().is_some_and(LaneConnection::is_kept);
            tokio::select! {
                // What is under way goes on before anything new is looked at.
                biased;
                (connection, answers) = landing(&mut self.flight), if self.flight.is_some() => {
                    self.connection = Some(connection);
                    self.land(answers).await;
                }
                Some(Ok(returned)) = self.errands.join_next(), if !self.errands.is_empty() => {
                    self.absorb(returned).await;
                }
                job = self.inbox.recv(), if is_open => match job {
                    Some(job) => self.accept(job),
                    None => is_open = false,
                },
                () = time_to_rest(&self.shared.pool), if may_rest => {
                    self.connection.iter_mut().for_each(LaneConnection::rest);
                }
            }
            self.take_what_is_there().await;
            self.decide_what_is_ready();
            if self.take_off().await {
                // There may be more than the batch had room for.
                self.decide_what_is_ready();
            }
            self.forget_the_idle();
        }
    }

    async fn take_what_is_there(&mut self) {
        while let Ok(job) = self.inbox.try_recv() {
            self.accept(job);
        }
        while let Some(Ok(returned)) = self.errands.try_join_next() {
            self.absorb(returned).await;
        }
    }

    fn accept(&mut self, job: Job) {
        let id = job.submission.org;
        let org = self.orgs.entry(id).or_default();
        org.waiting.push_back(job);
        self.schedule(id);
    }

    /// Puts an organization in line, or on its way to what it must know first.
    fn schedule(&mut self, id: OrgId) {
        let Some(org) = self.orgs.get_mut(&id) else { return };
        if org.away || org.waiting.is_empty() {
            return;
        }
        if org.known.is_none() {
            let streams: BTreeSet<_> = streams_of(&org.waiting).take(STREAMS_AHEAD).collect();
            self.send(id, Errand::Arrive { streams: streams.into_iter().collect() });
        } else if !org.in_line {
            org.in_line = true;
            self.ready.push_back(id);
        }
    }

    fn send(&mut self, id: OrgId, errand: Errand) {
        if let Some(org) = self.orgs.get_mut(&id) {
            org.away = true;
        }
        let (shared, locked) = (self.shared.clone(), errand.locks());
        self.errands.spawn(async move {
            let errand = tokio::spawn(async move { load(&shared.pool, &shared.vault, id, errand).await });
            Returned { org: id, locked, loaded: errand.await.unwrap_or(Err(ExecuteError::Defect)) }
        });
    }

    /// Takes in what an errand brought.
    async fn absorb(&mut self, returned: Returned) {
        let Returned { org: id, locked, loaded } = returned;
        let under_lock = loaded.and_then(|loaded| self.take_in(id, loaded));
        match under_lock {
            Ok(Some(transaction)) => return self.run_under_lock(id, transaction).await,
            Ok(None) => self.schedule(id),
            Err(error) => self.give_up(id, &error),
        }
        if locked {
            self.lock_is_over();
        }
    }

    fn take_in(&mut self, id: OrgId, loaded: Loaded) -> Result<Option<Transaction<'static, Postgres>>, ExecuteError> {
        let org = self.orgs.get_mut(&id).ok_or(ExecuteError::Defect)?;
        org.away = false;
        if let Some((head, key)) = loaded.arrived {
            let (last_at, simulated) = (head.recorded_at, head.simulated);
            org.known = Some(Known { head: head.position, last_at, simulated, key });
        }
        for (stream, folded) in loaded.folded {
            self.cache.put(id, stream, folded);
        }
        if let Some(known) = &mut org.known {
            for newer in loaded.newer {
                known.head = newer.recorded.position;
                known.last_at = Some(newer.recorded.recorded_at);
                known.simulated |= newer.recorded.position == 1 && newer.recorded.provenance == Provenance::Simulated;
                let event = &newer.recorded.event;
                self.cache.follow(id, newer.recorded.stream, event, newer.text_bytes);
            }
        }
        Ok(loaded.under_lock)
    }

    /// Answers everything that waits on an organization with the same error, and trusts nothing at hand.
    fn give_up(&mut self, id: OrgId, error: &ExecuteError) {
        let Some(mut org) = self.orgs.remove(&id) else { return };
        self.cache.forget(id);
        for job in org.waiting.drain(..) {
            job.answer(Err(error.again()));
        }
    }

    fn forget_the_idle(&mut self) {
        if self.orgs.len() <= ORGS_REMEMBERED {
            return;
        }
        let idle = |id: OrgId, org: &Org| !org.away && org.waiting.is_empty() && !self.is_under_way(id);
        let forgotten: Vec<_> = self.orgs.iter().filter(|(id, org)| idle(**id, org)).map(|(id, _)| *id).collect();
        for id in &forgotten {
            self.orgs.remove(id);
        }
        self.cache.forget_all(&forgotten.into_iter().collect());
    }
}

/// Waits until there was nothing to do for a while, or until the pool is to be closed, which waits for every connection.
async fn time_to_rest(pool: &PgPool) {
    tokio::select! {
        () = tokio::time::sleep(RESTS_AFTER) => {}
        () = pool.close_event() => {}
    }
}

/// Waits for the batch that is being appended.
async fn landing(flight: &mut Option<Flight>) -> Landed {
    match flight {
        Some(flight) => flight.landing().await,
        None => std::future::pending().await,
    }
}
