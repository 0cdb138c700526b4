//! A lane: decides the commands of its organizations, in order, and commits what it decided in batches.
//!
//! There is no timer: what arrives during a commit is the next batch. Everything that waits for the database besides
//! the commit (a cold stream, a missing key, another node's events) happens in a task of its own and holds back only the
//! organization that needs it.
//!
//! An answer goes out only after the commit, because it may rest on a command of the same batch.

use crate::batch::{AccessKey, DecidedCommand, OrgAnswer, OrgBatch, Seen, append};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::error::{ExecuteError, StoreError};
use crate::lane_load::{Errand, Loaded, bring, fetch, load};
use crate::ledger::{Committed, LedgerOptions};
use crate::load::Folded;
use crate::outcome::{Answer, Refusal, Verdict};
use crate::record::{Place, Record};
use crate::seal;
use crate::submission::Submission;
use crate::vault::{OrgKey, Vault};
use countersign_domain::access_rows::changed_row;
use countersign_domain::decider::Moment;
use countersign_domain::envelope::Provenance;
use countersign_domain::ids::{OrgId, PersonId};
use countersign_domain::portal::{StreamId, StreamState, Undecided};
use countersign_domain::use_case::{Outcome, States};
use countersign_domain::values::Timestamp;
use sqlx::{PgPool, Postgres, Transaction};
use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;

/// After so many moves in a row an organization is taken under a waiting lock.
const MOVES_BEFORE_WAITING: u32 = 3;
/// After finding the lock held so often in a row, likewise.
const BUSY_BEFORE_WAITING: u32 = 2;
/// A command whose commit broke off is tried so often before its sender is told to ask again.
const BROKEN_COMMITS: u32 = 3;
/// How many streams are fetched at once for commands that wait.
const STREAMS_AHEAD: usize = 64;
/// Organizations that a lane remembers before it forgets the idle ones.
const ORGS_REMEMBERED: usize = 20_000;

/// A command that waits for its answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) submission: Submission,
    reply: oneshot::Sender<Result<Answer, ExecuteError>>,
    broken_commits: u32,
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
    /// Organizations with commands to decide and nothing to wait for, each once.
    ready: VecDeque<OrgId>,
    errands: JoinSet<(OrgId, Result<Loaded, ExecuteError>)>,
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
    pub(crate) fn new(submission: Submission, reply: oneshot::Sender<Result<Answer, ExecuteError>>) -> Self {
        Self { submission, reply, broken_commits: 0 }
    }

    /// Whoever asked may have gone; the answer is kept under the command's id.
    fn answer(self, answer: Result<Answer, ExecuteError>) {
        drop(self.reply.send(answer));
    }
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>, inbox: mpsc::Receiver<Job>) -> Self {
        let cache = Cache::new(shared.options.cache_bytes / shared.options.lanes.max(1));
        Self { shared, inbox, orgs: HashMap::new(), cache, ready: VecDeque::new(), errands: JoinSet::new() }
    }

    /// Runs until the ledger is dropped and every command is answered.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                job = self.inbox.recv() => match job {
                    Some(job) => self.accept(job),
                    None if self.errands.is_empty() => break,
                    None => if let Some(Ok((org, loaded))) = self.errands.join_next().await { self.absorb(org, loaded).await },
                },
                Some(Ok((org, loaded))) = self.errands.join_next(), if !self.errands.is_empty() => {
                    self.absorb(org, loaded).await;
                }
            }
            self.take_what_is_there().await;
            while !self.ready.is_empty() {
                self.run_batch().await;
                self.take_what_is_there().await;
            }
            self.forget_the_idle();
        }
    }

    async fn take_what_is_there(&mut self) {
        while let Ok(job) = self.inbox.try_recv() {
            self.accept(job);
        }
        while let Some(Ok((org, loaded))) = self.errands.try_join_next() {
            self.absorb(org, loaded).await;
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
            let streams: HashSet<_> = streams_of(&org.waiting).take(STREAMS_AHEAD).collect();
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
        let shared = self.shared.clone();
        self.errands.spawn(async move {
            let errand = tokio::spawn(async move { load(&shared.pool, &shared.vault, id, errand).await });
            (id, errand.await.unwrap_or(Err(ExecuteError::Defect)))
        });
    }

    /// Takes in what an errand brought.
    async fn absorb(&mut self, id: OrgId, loaded: Result<Loaded, ExecuteError>) {
        let Some(org) = self.orgs.get_mut(&id) else { return };
        org.away = false;
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return self.give_up(id, &error),
        };
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
                self.cache.follow(id, newer.recorded.stream, newer.bytes, |state| state.evolve(event));
            }
        }
        match loaded.under_lock {
            Some(transaction) => self.run_under_lock(id, transaction).await,
            None => self.schedule(id),
        }
    }

    /// Answers everything that waits on an organization with the same error, and trusts nothing at hand.
    fn give_up(&mut self, id: OrgId, error: &ExecuteError) {
        let Some(mut org) = self.orgs.remove(&id) else { return };
        self.cache.forget(id);
        for job in org.waiting.drain(..) {
            job.answer(Err(error.again()));
        }
    }

    /// One turn: decides for as many organizations as fit, commits, and answers.
    async fn run_batch(&mut self) {
        let mut batch = Vec::new();
        let mut paused = Vec::new();
        let mut room = Room::of(&self.shared.options);
        while room.is_left()
            && let Some(id) = self.ready.pop_front()
        {
            let (part, pause) = self.decide(id, &mut room);
            if let Pause::Needs(streams, people) = pause {
                paused.push((id, streams, people));
            }
            batch.extend(part);
        }
        let decided: Vec<OrgId> = batch.iter().map(|part| part.org).collect();
        self.commit(batch).await;
        for (id, streams, people) in paused {
            let org = self.orgs.get(&id);
            let Some(known) = org.filter(|org| !org.away).and_then(|org| org.known.as_ref()) else { continue };
            let head = known.head;
            self.send(id, Errand::Fetch { streams, people, head });
        }
        decided.into_iter().for_each(|id| self.schedule(id));
        let orgs = &self.orgs;
        self.cache.shrink(|org| orgs.get(&org).is_some_and(|org| org.away || !org.waiting.is_empty()));
    }

    /// Decides an organization's waiting commands, in order, until there is no more room or something is missing.
    fn decide(&mut self, id: OrgId, room: &mut Room) -> (Option<OrgBatch>, Pause) {
        let Some(org) = self.orgs.get_mut(&id) else { return (None, Pause::None) };
        org.in_line = false;
        let Some(known) = org.known.clone() else { return (None, Pause::None) };
        let mut part = OrgBatch::new(id, known.head, known.last_at, known.simulated);
        let mut pause = Pause::None;
        while room.is_left()
            && let Some(job) = org.waiting.pop_front()
        {
            if part.commands.iter().any(|before| before.job.submission.command_id == job.submission.command_id) {
                // The same command twice at once: the second learns what became of the first.
                org.waiting.push_front(job);
                break;
            }
            match decide_one(&self.shared, &self.cache, &mut part, &job.submission) {
                Ok(verdict) => {
                    let digest = known.key.request(&job.submission.request);
                    let position = part.head();
                    room.take(&part);
                    part.commands.push(DecidedCommand { job, digest, verdict, position });
                }
                Err(Stop::Needs(mut streams, people)) => {
                    org.waiting.push_front(job);
                    // One errand brings what those behind it will ask for, too, instead of one errand each.
                    let at_hand = AtHand { org: id, cache: &self.cache, changed: &part.changed };
                    streams.extend(cold_streams(&org.waiting, &at_hand));
                    streams.sort_unstable();
                    streams.dedup();
                    pause = Pause::Needs(streams, people);
                    break;
                }
                Err(Stop::Failed(error)) => job.answer(Err(error)),
            }
            if org.one_by_one > 0 {
                org.one_by_one -= 1;
                break;
            }
        }
        for command in &part.commands {
            command.job.submission.use_case.steps.iter().for_each(|step| self.cache.touch(id, step.stream()));
        }
        let part = if part.commands.is_empty() { None } else { Some(part) };
        (part, pause)
    }

    async fn commit(&mut self, batch: Vec<OrgBatch>) {
        if batch.is_empty() {
            return;
        }
        match append_on_any(&self.shared.pool, &batch).await {
            Ok(answers) => self.settle(batch, answers),
            Err(error) if error.is_passing() => batch.into_iter().for_each(|part| self.broken(part, &error)),
            // One organization's trouble must not be its neighbours': each alone.
            Err(_) if batch.len() > 1 => {
                for part in batch {
                    let alone = [part];
                    let answers = append_on_any(&self.shared.pool, &alone).await;
                    let [part] = alone;
                    match answers {
                        Ok(answers) => self.settle(vec![part], answers),
                        Err(error) => self.refused_by_database(part, error),
                    }
                }
            }
            Err(error) => batch.into_iter().for_each(|part| self.refused_alone(part, &error)),
        }
    }

    fn settle(&mut self, batch: Vec<OrgBatch>, mut answers: HashMap<OrgId, OrgAnswer>) {
        for part in batch {
            match answers.remove(&part.org) {
                Some(OrgAnswer::Done) => self.done(part),
                Some(OrgAnswer::Moved { seen }) => self.moved(part, &seen),
                Some(OrgAnswer::Busy) | None => self.busy(part),
            }
        }
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
            drop(self.shared.committed.send(Committed { org: part.org, position: head }));
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
        let id = part.org;
        let head = part.expected_head;
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
        let org = self.orgs.entry(id).or_default();
        again.into_iter().rev().for_each(|job| org.waiting.push_front(job));
        org.moves += u32::from(seen.is_empty());
        let wait = org.moves > MOVES_BEFORE_WAITING;
        self.send(id, if wait { Errand::Lock { head } } else { Errand::CatchUp { head } });
    }

    fn busy(&mut self, part: OrgBatch) {
        let id = part.org;
        let head = part.expected_head;
        let org = self.orgs.entry(id).or_default();
        part.commands.into_iter().rev().for_each(|command| org.waiting.push_front(command.job));
        org.busy += 1;
        if org.busy >= BUSY_BEFORE_WAITING {
            self.send(id, Errand::Lock { head });
        }
    }

    /// The connection broke off, perhaps after the commit: look again from the start. What took effect will be `seen`.
    fn broken(&mut self, part: OrgBatch, error: &StoreError) {
        tracing::warn!(org = %part.org, %error, "a commit broke off; its commands are looked up and decided again");
        self.cache.forget(part.org);
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
    fn refused_by_database(&mut self, part: OrgBatch, error: StoreError) {
        if error.is_passing() { self.broken(part, &error) } else { self.refused_alone(part, &error) }
    }

    fn refused_alone(&mut self, part: OrgBatch, error: &StoreError) {
        tracing::error!(org = %part.org, error = ?error, commands = part.commands.len(), "the database refused a batch");
        self.cache.forget(part.org);
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
    async fn run_under_lock(&mut self, id: OrgId, mut transaction: Transaction<'static, Postgres>) {
        let mut room = Room::of(&self.shared.options);
        loop {
            let (part, pause) = self.decide(id, &mut room);
            if let (None, Pause::Needs(streams, people)) = (&part, pause) {
                let head = self.orgs.get(&id).and_then(|org| org.known.as_ref()).map_or(0, |known| known.head);
                let brought = bring(&self.shared.vault, id, &people).await;
                match brought.and(fetch(&mut transaction, id, &streams, head).await) {
                    Ok(folded) => folded.into_iter().for_each(|(stream, folded)| self.cache.put(id, stream, folded)),
                    Err(error) => return self.give_up(id, &error),
                }
                continue;
            }
            let Some(part) = part else { break };
            let batch = [part];
            let appended = append(&mut transaction, &batch).await;
            let [part] = batch;
            match appended {
                Ok(answers) => match transaction.commit().await {
                    Ok(()) => self.settle(vec![part], answers),
                    Err(error) => self.broken(part, &error.into()),
                },
                Err(error) => self.refused_by_database(part, error),
            }
            break;
        }
        self.schedule(id);
    }

    fn forget_the_idle(&mut self) {
        if self.orgs.len() <= ORGS_REMEMBERED {
            return;
        }
        let idle = |org: &Org| !org.away && org.waiting.is_empty();
        let forgotten: Vec<_> = self.orgs.iter().filter(|(_, org)| idle(org)).map(|(id, _)| *id).collect();
        for id in &forgotten {
            self.orgs.remove(id);
        }
        self.cache.forget_all(&forgotten.into_iter().collect());
    }
}

/// How much more a batch takes.
struct Room {
    commands: usize,
    bytes: usize,
}

impl Room {
    fn of(options: &LedgerOptions) -> Self {
        Self { commands: options.batch_commands, bytes: options.batch_bytes }
    }

    fn is_left(&self) -> bool {
        self.commands > 0 && self.bytes > 0
    }

    /// Counts the command that was decided last.
    fn take(&mut self, part: &OrgBatch) {
        let events = part.commands.last().map_or(part.expected_head, |before| before.position);
        let new = part.records.iter().skip((events - part.expected_head) as usize);
        self.commands -= 1;
        self.bytes = self.bytes.saturating_sub(new.map(|record| record.envelope.len()).sum());
    }
}

/// The states on which a command is decided: those that its batch changed, over those at hand.
struct AtHand<'a> {
    org: OrgId,
    cache: &'a Cache,
    changed: &'a HashMap<StreamId, Folded>,
}

impl AtHand<'_> {
    fn folded(&self, stream: StreamId) -> Option<&Folded> {
        self.changed.get(&stream).or_else(|| self.cache.peek(self.org, stream))
    }
}

impl States for AtHand<'_> {
    fn get(&self, stream: StreamId) -> Option<&StreamState> {
        self.folded(stream).map(|folded| &folded.state)
    }
}

enum Stop {
    Needs(Vec<StreamId>, Vec<PersonId>),
    Failed(ExecuteError),
}

/// The streams that waiting commands will change, in their order.
fn streams_of(waiting: &VecDeque<Job>) -> impl Iterator<Item = StreamId> + '_ {
    waiting.iter().flat_map(|job| job.submission.use_case.steps.iter().map(|step| step.stream()))
}

/// Those of them that are not at hand.
fn cold_streams<'a>(waiting: &'a VecDeque<Job>, at_hand: &'a AtHand<'_>) -> impl Iterator<Item = StreamId> + 'a {
    streams_of(waiting).filter(|stream| at_hand.folded(*stream).is_none()).take(STREAMS_AHEAD)
}

/// Decides one command on what is at hand, and adds what it leads to to its organization's part.
fn decide_one(shared: &Shared, cache: &Cache, part: &mut OrgBatch, submission: &Submission) -> Result<Verdict, Stop> {
    let simulated = submission.provenance == Provenance::Simulated;
    let starts_a_simulation = simulated && part.head() == 0;
    if (simulated || submission.at.is_some()) && !part.simulated && !starts_a_simulation {
        return Err(Stop::Failed(ExecuteError::NotSimulated));
    }
    let asked_at = submission.at.unwrap_or_else(|| shared.clock.now());
    let moment = Moment {
        org: submission.org,
        at: part.last_at.map_or(asked_at, |last| last.max(asked_at)),
        actor: submission.actor.clone(),
        on_behalf_of: submission.on_behalf_of,
        acting_client: submission.acting_client,
    };
    let states = AtHand { org: submission.org, cache, changed: &part.changed };
    let decided = catch_unwind(AssertUnwindSafe(|| submission.use_case.decide(&moment, &states)));
    let outcome = match decided {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(Undecided::Needs(needs))) => return Err(Stop::Needs(needs.0, Vec::new())),
        Ok(Err(Undecided::Rejected(rejection))) => return Ok(Verdict::Rejected(Refusal::from(rejection))),
        Err(_) => {
            tracing::error!(use_case = submission.use_case.name, "deciding on a command panicked");
            return Err(Stop::Failed(ExecuteError::Defect));
        }
    };
    if outcome.events.is_empty() {
        return Ok(Verdict::AlreadySo);
    }
    let records = records(shared, &states, part.head(), &moment, submission, &outcome)?;
    let verdict = Verdict::Accepted { first: part.head() + 1, count: records.len() as u32 };
    take_over(part, cache, records, outcome, moment.at);
    part.simulated |= starts_a_simulation;
    Ok(verdict)
}

/// The events as they are appended: sealed, placed, hashed.
fn records(
    shared: &Shared,
    states: &AtHand<'_>,
    head: u64,
    moment: &Moment,
    submission: &Submission,
    outcome: &Outcome,
) -> Result<Vec<Record>, Stop> {
    let mut versions: HashMap<StreamId, u64> = HashMap::new();
    let mut records = Vec::with_capacity(outcome.events.len());
    let mut keyless = Vec::new();
    for (index, decided) in outcome.events.iter().enumerate() {
        let mut wire = decided.event.to_wire();
        let sealed = seal::seal_all(&shared.vault, submission.org, &mut wire.data);
        keyless.extend(sealed.err().unwrap_or_default());
        if !keyless.is_empty() {
            // What else is missing is asked for together: a case of another system may name thousands of people.
            continue;
        }
        let version = versions
            .entry(decided.stream)
            .or_insert_with(|| states.folded(decided.stream).map_or(0, |folded| folded.version));
        *version += 1;
        let place = Place {
            position: head + index as u64 + 1,
            stream: decided.stream,
            version: *version,
            recorded_at: moment.at,
        };
        let record = Record::new(submission, place, wire, &decided.event, index)
            .map_err(|error| Stop::Failed(ExecuteError::from(error)))?;
        records.push(record);
    }
    keyless.sort_unstable();
    keyless.dedup();
    if keyless.is_empty() { Ok(records) } else { Err(Stop::Needs(Vec::new(), keyless)) }
}

/// The part goes on from where this command leaves it.
fn take_over(part: &mut OrgBatch, cache: &Cache, records: Vec<Record>, outcome: Outcome, at: Timestamp) {
    for decided in &outcome.events {
        if let Some(row) =
            outcome.states.get(&decided.stream).and_then(|state| changed_row(decided.stream, &decided.event, state))
        {
            part.access.insert(AccessKey::of(&row), row);
        }
    }
    for (stream, state) in outcome.states {
        let before = part.changed.get(&stream).or_else(|| cache.peek(part.org, stream));
        let (version, bytes) = before.map_or((0, 200), |before| (before.version, before.bytes));
        let mine = records.iter().filter(|record| record.place.stream == stream);
        let (events, text) = mine.fold((0, 0), |(n, bytes), record| (n + 1, bytes + record.envelope.len()));
        part.changed.insert(stream, Folded { state, version: version + events, bytes: bytes + text });
    }
    part.records.extend(records);
    part.last_at = Some(at);
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

async fn append_on_any(pool: &PgPool, batch: &[OrgBatch]) -> Result<HashMap<OrgId, OrgAnswer>, StoreError> {
    let mut connection = pool.acquire().await?;
    append(&mut connection, batch).await
}
