//! A lane: decides the commands of its organizations, in order, and commits what it decided in batches.
//!
//! There is no timer: what arrives during a commit is the next batch. It is decided meanwhile, on what the batch that is
//! being committed leaves behind; should an organization's part of that one come to nothing, what was decided on it is
//! decided again. Everything that waits for the database besides the commit (a cold stream, a missing key, another node's
//! events) happens in a task of its own and holds back only the organization that needs it.
//!
//! An answer goes out only after the commit, because it may rest on a command of the same batch or the one before.

use crate::batch::{DecidedCommand, Look, OrgAnswer, OrgBatch, Seen, append};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::connection::{LaneConnection, within_limit};
use crate::deciding::{AtHand, Ground, STREAMS_AHEAD, Stop, cold_streams, decide_one, streams_of};
use crate::error::{ExecuteError, StoreError};
use crate::flight::{Answers, Batch, Flight, Landed};
use crate::lane_load::{Errand, Loaded, load};
use crate::ledger::{Committed, LedgerOptions};
use crate::measure;
use crate::outcome::{Answer, Verdict};
use crate::pulse::Pulse;
use crate::submission::Submission;
use crate::vault::{OrgKey, Vault};
use countersign_domain::envelope::Provenance;
use countersign_domain::ids::{OrgId, PersonId};
use countersign_domain::portal::StreamId;
use countersign_domain::values::Timestamp;
use countersign_postgres::fault;
use countersign_telemetry::TraceContext;
use sqlx::{PgPool, Postgres, Transaction};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, oneshot};
use tokio::task::JoinSet;

/// After so many moves in a row an organization is taken under a waiting lock.
const MOVES_BEFORE_WAITING: u32 = 3;
/// After finding the lock held so often in a row, likewise.
const BUSY_BEFORE_WAITING: u32 = 2;
/// A command whose commit broke off is tried so often before its sender is told to ask again.
const BROKEN_COMMITS: u32 = 3;
/// How many organizations a lane takes under their locks at a time: each holds a connection.
const LOCKS_AT_A_TIME: usize = 2;
/// A lane with nothing to do for so long gives its connection back.
const RESTS_AFTER: Duration = Duration::from_secs(1);
/// Organizations that a lane remembers before it forgets the idle ones.
const ORGS_REMEMBERED: usize = 20_000;

/// A command that waits for its answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) submission: Submission,
    reply: oneshot::Sender<Result<Answer, ExecuteError>>,
    broken_commits: u32,
    since: Instant,
    /// The place in a trace from which it came.
    pub(crate) trace: Option<TraceContext>,
    pulse: Arc<Pulse>,
    /// Free again once it is answered.
    _place: OwnedSemaphorePermit,
}

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

/// What a lane knows of one organization.
#[derive(Default)]
struct Org {
    waiting: VecDeque<Job>,
    known: Option<Known>,
    /// It stands in line for the next batch.
    in_line: bool,
    /// An errand is under way: nothing of this organization is decided meanwhile.
    away: bool,
    moves: u32,
    busy: u32,
    /// Commands to decide one at a time, because the database refused them together.
    one_by_one: usize,
}

#[derive(Clone)]
struct Known {
    head: u64,
    last_at: Option<Timestamp>,
    simulated: bool,
    key: OrgKey,
}

/// Why an organization's turn ends before its queue does.
enum Pause {
    /// Nothing more, or enough for one batch.
    None,
    /// Streams or keys must be fetched first.
    Needs(Vec<StreamId>, Vec<PersonId>),
}

impl Job {
    pub(crate) fn new(
        submission: Submission,
        reply: oneshot::Sender<Result<Answer, ExecuteError>>,
        place: OwnedSemaphorePermit,
        pulse: Arc<Pulse>,
    ) -> Self {
        let (since, trace) = (Instant::now(), TraceContext::current());
        Self { submission, reply, broken_commits: 0, since, trace, pulse, _place: place }
    }

    /// Whoever asked may have gone; the answer is kept under the command's id.
    fn answer(self, answer: Result<Answer, ExecuteError>) {
        self.pulse.beat();
        measure::answered(&answer, self.since.elapsed());
        drop(self.reply.send(answer));
    }
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
                () = tokio::time::sleep(RESTS_AFTER), if may_rest => {
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

    /// Has an organization taken under its lock when it is its turn; nothing of it is decided until then.
    fn send_for_lock(&mut self, id: OrgId) {
        let Some(org) = self.orgs.get_mut(&id) else { return };
        if self.locks == LOCKS_AT_A_TIME {
            org.away = true;
            self.for_lock.push_back(id);
            return;
        }
        let head = org.known.as_ref().map_or(0, |known| known.head);
        self.locks += 1;
        self.send(id, Errand::Lock { head });
    }

    /// An organization is no longer taken under its lock: the next one's turn.
    fn lock_is_over(&mut self) {
        self.locks -= 1;
        while self.locks < LOCKS_AT_A_TIME
            && let Some(next) = self.for_lock.pop_front()
        {
            self.send_for_lock(next);
        }
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

    /// Decides for as many organizations as fit into the next batch.
    fn decide_what_is_ready(&mut self) {
        while self.next.room.is_left()
            && let Some(id) = self.ready.pop_front()
        {
            if let Pause::Needs(streams, people) = self.decide(id)
                && !self.is_under_way(id)
            {
                let head = self.known_head(id);
                self.send(id, Errand::Fetch { streams, people, head });
            }
        }
        let orgs = &self.orgs;
        self.cache.shrink(|org| orgs.get(&org).is_some_and(|org| org.away || !org.waiting.is_empty()));
    }

    /// Whether something of an organization was decided and is not known to be durable yet. Nothing is fetched for it
    /// until then: what is fetched must rest on a head that stands.
    fn is_under_way(&self, id: OrgId) -> bool {
        self.next.part(id).is_some() || self.flight.as_ref().is_some_and(|flight| flight.part(id).is_some())
    }

    fn known_head(&self, id: OrgId) -> u64 {
        self.orgs.get(&id).and_then(|org| org.known.as_ref()).map_or(0, |known| known.head)
    }

    /// Has the next batch appended, unless one is being appended. It is on its way to the database when this returns.
    async fn take_off(&mut self) -> bool {
        if self.next.is_empty() || self.flight.is_some() {
            return false;
        }
        let Some(connection) = self.connection.take() else { return false };
        let batch = std::mem::replace(&mut self.next, Batch::new(&self.shared.options));
        self.flight = Some(Flight::take_off(batch, connection).await);
        true
    }

    /// Decides an organization's waiting commands into the next batch, in order, until there is no more room or something
    /// is missing.
    fn decide(&mut self, id: OrgId) -> Pause {
        let Some(org) = self.orgs.get_mut(&id) else { return Pause::None };
        org.in_line = false;
        let flying = self.flight.as_ref().and_then(|flight| flight.part(id));
        let Some(known) = org.known.as_ref().filter(|_| !org.away) else { return Pause::None };
        let mut part = self.next.borrow(id).unwrap_or_else(|| match flying {
            Some(flying) => OrgBatch::new(id, flying.head(), flying.last_at, flying.simulated),
            None => OrgBatch::new(id, known.head, known.last_at, known.simulated),
        });
        let ground = Ground { cache: &self.cache, flying };
        let mut pause = Pause::None;
        while self.next.room.is_left()
            && let Some(job) = org.waiting.pop_front()
        {
            let alone = org.one_by_one > 0 && (flying.is_some() || !part.commands.is_empty());
            if alone || part.has(&job) || flying.is_some_and(|flying| flying.has(&job)) {
                // It must be known first what became of those before it; of the same command, too, sent twice at once.
                org.waiting.push_front(job);
                break;
            }
            let decided = measure::deciding(job.trace, job.submission.use_case.name, || {
                decide_one(&self.shared, ground, &mut part, &job.submission)
            });
            match decided {
                Ok(verdict) => {
                    let digest = known.key.request(&job.submission.request);
                    let position = part.head();
                    self.next.room.count_last(&part);
                    part.commands.push(DecidedCommand { job, digest, verdict, position });
                }
                Err(Stop::Needs(mut streams, people)) => {
                    org.waiting.push_front(job);
                    // One errand brings what those behind it will ask for, too, instead of one errand each.
                    let at_hand = AtHand::new(ground, &part);
                    streams.extend(cold_streams(&org.waiting, &at_hand));
                    streams.sort_unstable();
                    streams.dedup();
                    pause = Pause::Needs(streams, people);
                    break;
                }
                Err(Stop::Failed(error)) => {
                    job.answer(Err(error));
                }
            }
            org.one_by_one = org.one_by_one.saturating_sub(1);
        }
        for command in &part.commands {
            command.job.submission.use_case.steps.iter().for_each(|step| self.cache.touch(id, step.stream()));
        }
        self.next.put(part);
        pause
    }

    /// Takes in what became of the batch that was being appended.
    async fn land(&mut self, answers: Answers) {
        let Some(flight) = self.flight.take() else { return };
        let batch = flight.into_parts();
        let whose: Vec<OrgId> = batch.iter().map(|part| part.org).collect();
        match answers {
            Ok(answers) => {
                fault::reached("batch.committed").await;
                let all_done = answers.values().all(|answer| matches!(answer, OrgAnswer::Done));
                if all_done && answers.len() == batch.len() {
                    // What was decided on it stands. The database need not wait until everybody has been answered.
                    self.take_off().await;
                }
                self.settle(batch, answers);
                fault::reached("batch.answered").await;
            }
            Err(error) if error.is_away() => batch.into_iter().for_each(|part| self.broken(part, &error)),
            // One organization's trouble must not be its neighbours': each alone.
            Err(_) if batch.len() > 1 => self.append_each(batch).await,
            Err(error) => batch.into_iter().for_each(|part| self.refused_by_database(part, &error)),
        }
        whose.into_iter().for_each(|id| self.schedule(id));
    }

    async fn append_each(&mut self, batch: Vec<OrgBatch>) {
        let mut away = None;
        for part in batch {
            if let Some(error) = &away {
                self.broken(part, error);
                continue;
            }
            let alone = [part];
            let connection = self.connection.get_or_insert_with(|| LaneConnection::new(self.shared.pool.clone()));
            let answers = measure::appending(&alone, connection.append(&alone)).await;
            let [part] = alone;
            match answers {
                Ok(answers) => self.settle(vec![part], answers),
                Err(error) => {
                    self.refused_by_database(part, &error);
                    // Who asks a database that has gone for each organization waits for each.
                    away = Some(error).filter(StoreError::is_away);
                }
            }
        }
    }

    fn settle(&mut self, batch: Vec<OrgBatch>, mut answers: HashMap<OrgId, OrgAnswer>) {
        for part in batch {
            match answers.remove(&part.org) {
                Some(OrgAnswer::Done) => self.done(part),
                Some(OrgAnswer::Moved { tail: Some(tail), .. }) if tail < part.expected_head => {
                    self.gone_back(part, tail)
                }
                Some(OrgAnswer::Moved { seen, .. }) => self.moved(part, &seen),
                Some(OrgAnswer::Busy) | None => self.busy(part),
            }
        }
    }

    /// Takes back what was decided on a part that came to nothing: it is decided again, in its order.
    fn take_back_what_rested_on_it(&mut self, id: OrgId) {
        let Some(part) = self.next.take(id) else { return };
        self.wait_again(id, part.commands.into_iter().map(|command| command.job).collect());
    }

    /// Puts commands before all others that wait.
    fn wait_again(&mut self, id: OrgId, jobs: Vec<Job>) {
        let org = self.orgs.entry(id).or_default();
        jobs.into_iter().rev().for_each(|job| org.waiting.push_front(job));
    }

    /// Everything of this organization is durable: the cache takes it over and the answers go out.
    fn done(&mut self, part: OrgBatch) {
        let head = part.head();
        let org = self.orgs.entry(part.org).or_default();
        org.moves = 0;
        org.busy = 0;
        if let Some(known) = &mut org.known {
            known.head = head;
            known.last_at = part.last_at;
            known.simulated = part.simulated;
        }
        if head > part.expected_head {
            // Nobody need be listening.
            let trace = part.commands.iter().rev().find_map(|command| command.job.trace);
            drop(self.shared.committed.send(Committed { org: part.org, position: head, trace }));
        }
        for (stream, folded) in part.changed {
            self.cache.put(part.org, stream, folded);
        }
        for DecidedCommand { job, verdict, position, .. } in part.commands {
            job.answer(Ok(Answer { verdict, position, replayed: false }));
        }
    }

    /// Somebody else appended, or a command is known: answer what is known, catch up, decide the rest again.
    fn moved(&mut self, part: OrgBatch, seen: &[Seen]) {
        let (id, head) = (part.org, part.expected_head);
        self.take_back_what_rested_on_it(id);
        let mut again = Vec::new();
        for command in part.commands {
            match seen.iter().find(|seen| seen.command_id == command.job.submission.command_id) {
                Some(seen) => {
                    let answer = seen_answer(id, seen, &command.digest);
                    command.job.answer(answer);
                }
                None => again.push(command.job),
            }
        }
        self.wait_again(id, again);
        let org = self.orgs.entry(id).or_default();
        org.moves += u32::from(seen.is_empty());
        if org.moves > MOVES_BEFORE_WAITING {
            self.send_for_lock(id);
        } else {
            self.send(id, Errand::CatchUp { head });
        }
    }

    /// The ledger has lost events that were known here: a backup was restored, or a standby took over that lacked some.
    /// Nothing at hand is believed; whatever is decided is decided on what is there.
    fn gone_back(&mut self, part: OrgBatch, tail: u64) {
        let id = part.org;
        tracing::error!(org = %id, known = part.expected_head, tail, "a ledger ends before an event that was in it");
        self.cache.forget(id);
        self.take_back_what_rested_on_it(id);
        self.wait_again(id, part.commands.into_iter().map(|command| command.job).collect());
        self.orgs.entry(id).or_default().known = None;
    }

    fn busy(&mut self, part: OrgBatch) {
        let id = part.org;
        self.take_back_what_rested_on_it(id);
        self.wait_again(id, part.commands.into_iter().map(|command| command.job).collect());
        let org = self.orgs.entry(id).or_default();
        org.busy += 1;
        if org.busy >= BUSY_BEFORE_WAITING {
            self.send_for_lock(id);
        }
    }

    /// The connection broke off, perhaps after the commit: look again from the start. What took effect will be `seen`.
    fn broken(&mut self, part: OrgBatch, error: &StoreError) {
        tracing::warn!(org = %part.org, %error, "a commit broke off; its commands are looked up and decided again");
        self.cache.forget(part.org);
        self.take_back_what_rested_on_it(part.org);
        let org = self.orgs.entry(part.org).or_default();
        org.known = None;
        for mut command in part.commands.into_iter().rev() {
            command.job.broken_commits += 1;
            if command.job.broken_commits < BROKEN_COMMITS {
                org.waiting.push_front(command.job);
            } else {
                command.job.answer(Err(ExecuteError::unavailable()));
            }
        }
    }

    /// The database refused a part that stood alone: find the command that it refuses.
    fn refused_by_database(&mut self, part: OrgBatch, error: &StoreError) {
        if error.is_passing() { self.broken(part, error) } else { self.refused_alone(part, error) }
    }

    fn refused_alone(&mut self, part: OrgBatch, error: &StoreError) {
        tracing::error!(org = %part.org, error = ?error, commands = part.commands.len(), "the database refused a batch");
        self.cache.forget(part.org);
        self.take_back_what_rested_on_it(part.org);
        let org = self.orgs.entry(part.org).or_default();
        org.known = None;
        let only_one = part.commands.len() == 1;
        org.one_by_one = if only_one { org.one_by_one } else { part.commands.len() };
        for command in part.commands.into_iter().rev() {
            if only_one {
                command.job.answer(Err(ExecuteError::Defect));
            } else {
                org.waiting.push_front(command.job);
            }
        }
    }

    /// Decides and appends with the ledger's lock held: nobody can move it any more.
    async fn run_under_lock(&mut self, id: OrgId, transaction: Transaction<'static, Postgres>) {
        let pause = self.decide(id);
        match (self.next.take(id), pause) {
            (Some(part), _) => self.commit_under_lock(part, transaction).await,
            (None, Pause::Needs(streams, people)) => {
                let head = self.known_head(id);
                if people.is_empty() {
                    // The lock stays held: this organization's turn is not over.
                    return self.send(id, Errand::FetchUnderLock { transaction, streams, head });
                }
                // Keys must be stored before anything is sealed with them, in a transaction that is not this one. The
                // organization comes back to the lock with them if it still must.
                drop(transaction);
                self.send(id, Errand::Fetch { streams, people, head });
            }
            // There may have been no room for any of it.
            (None, Pause::None) => drop(transaction),
        }
        self.schedule(id);
        self.lock_is_over();
    }

    async fn commit_under_lock(&mut self, part: OrgBatch, mut transaction: Transaction<'static, Postgres>) {
        let batch = [part];
        let call = within_limit(append(&mut transaction, &batch, Look::Always));
        let appended = measure::appending(&batch, call).await;
        fault::reached("batch.written").await;
        let committed = match appended {
            Ok(answers) => within_limit(async { Ok(transaction.commit().await?) }).await.map(|()| answers),
            Err(error) => Err(error),
        };
        let [part] = batch;
        match committed {
            Ok(answers) => self.settle(vec![part], answers),
            Err(error) => self.refused_by_database(part, &error),
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

/// Waits for the batch that is being appended.
async fn landing(flight: &mut Option<Flight>) -> Landed {
    match flight {
        Some(flight) => flight.landing().await,
        None => std::future::pending().await,
    }
}

fn seen_answer(org: OrgId, seen: &Seen, digest: &[u8; 32]) -> Result<Answer, ExecuteError> {
    if seen.digest != digest {
        return Err(ExecuteError::KeyReused);
    }
    let verdict = Verdict::from_text(&seen.outcome, seen.first, seen.count).map_err(|error| StoreError::Damaged {
        org,
        position: seen.first,
        what: format!("a stored outcome does not read: {error}"),
    })?;
    let position = match verdict {
        Verdict::Accepted { first, count } => first + u64::from(count) - 1,
        Verdict::AlreadySo | Verdict::Rejected(_) => seen.first,
    };
    Ok(Answer { verdict, position, replayed: true })
}
