//! Deciding one command on what is at hand, and what it leaves behind.

use crate::batch::{AccessKey, OrgBatch};
use crate::cache::Cache;
use crate::error::ExecuteError;
use crate::folded::Folded;
use crate::lane::{Job, Shared};
use crate::outcome::{Refusal, Verdict};
use crate::record::{Place, Record};
use crate::seal;
use crate::submission::Submission;
use countersign_domain::access_rows::changed_row;
use countersign_domain::decider::Moment;
use countersign_domain::envelope::Provenance;
use countersign_domain::ids::PersonId;
use countersign_domain::portal::{StreamId, StreamState, Undecided};
use countersign_domain::use_case::{Outcome, States};
use countersign_domain::values::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many streams are fetched at once for commands that wait.
pub(crate) const STREAMS_AHEAD: usize = 64;

/// What an organization's commands are decided on, before any of its part is: the streams at hand, and over them what
/// the part changes that is being appended.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) flying: Option<&'a OrgBatch>,
}

/// The same, and over it what the part changes to which the command will belong.
pub(crate) struct AtHand<'a> {
    ground: Ground<'a>,
    part: &'a OrgBatch,
}

impl<'a> AtHand<'a> {
    pub(crate) fn new(ground: Ground<'a>, part: &'a OrgBatch) -> Self {
        Self { ground, part }
    }

    fn folded(&self, stream: StreamId) -> Option<&Folded> {
        let flying = || self.ground.flying.and_then(|part| part.changed.get(&stream));
        let changed = self.part.changed.get(&stream).or_else(flying);
        changed.or_else(|| self.ground.cache.peek(self.part.org, stream))
    }
}

impl States for AtHand<'_> {
    fn get(&self, stream: StreamId) -> Option<&StreamState> {
        self.folded(stream).map(|folded| &folded.state)
    }
}

/// Why a command is not decided.
pub(crate) enum Stop {
    /// Streams or keys must be fetched first.
    Needs(Vec<StreamId>, Vec<PersonId>),
    /// It never will be.
    Failed(ExecuteError),
}

/// The streams that waiting commands will change, in their order.
pub(crate) fn streams_of(waiting: &VecDeque<Job>) -> impl Iterator<Item = StreamId> + '_ {
    waiting.iter().flat_map(|job| job.submission.use_case.steps.iter().map(|step| step.stream()))
}

/// Those of them that are not at hand.
pub(crate) fn cold_streams<'a>(
    waiting: &'a VecDeque<Job>,
    at_hand: &'a AtHand<'_>,
) -> impl Iterator<Item = StreamId> + 'a {
    streams_of(waiting).filter(|stream| at_hand.folded(*stream).is_none()).take(STREAMS_AHEAD)
}

/// Decides one command on what is at hand, and adds what it leads to to its organization's part.
pub(crate) fn decide_one(
    shared: &Shared,
    ground: Ground<'_>,
    part: &mut OrgBatch,
    submission: &Submission,
) -> Result<Verdict, Stop> {
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
    let states = AtHand::new(ground, part);
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
    take_over(part, ground, records, outcome, moment.at);
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
fn take_over(part: &mut OrgBatch, ground: Ground<'_>, records: Vec<Record>, outcome: Outcome, at: Timestamp) {
    for decided in &outcome.events {
        if let Some(row) =
            outcome.states.get(&decided.stream).and_then(|state| changed_row(decided.stream, &decided.event, state))
        {
            part.access.insert(AccessKey::of(&row), row);
        }
    }
    for (stream, state) in outcome.states {
        let mine = records.iter().filter(|record| record.place.stream == stream);
        let (events, text_bytes) = mine.fold((0, 0), |(n, bytes), record| (n + 1, bytes + record.envelope.len()));
        let after = Folded::after(AtHand::new(ground, part).folded(stream), state, events, text_bytes);
        part.changed.insert(stream, after);
    }
    part.records.extend(records);
    part.last_at = Some(at);
}
