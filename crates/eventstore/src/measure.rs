//! What is measured and traced on the way of a command. No organization, id or name stands in a label or a span.

use crate::batch::{OrgAnswer, OrgBatch};
use crate::deciding::Stop;
use crate::error::{ExecuteError, StoreError};
use crate::outcome::{Answer, Verdict};
use countersign_domain::decider::RejectionKind;
use countersign_domain::ids::OrgId;
use countersign_telemetry::{TRACES, TraceContext};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};
use tracing::field::Empty;
use tracing::{Span, debug_span};

const COMMANDS: &str = "countersign_commands_total";
const COMMAND_SECONDS: &str = "countersign_command_seconds";
const BATCH_COMMANDS: &str = "countersign_append_batch_commands";
const BATCH_EVENTS: &str = "countersign_append_batch_events";
const APPEND_SECONDS: &str = "countersign_append_seconds";
const APPEND_ANSWERS: &str = "countersign_append_answers_total";

/// Says what each metric of the store is, and begins those that count.
pub fn describe_metrics() {
    describe_counter!(COMMANDS, "Commands that were answered, by what they came to");
    describe_histogram!(COMMAND_SECONDS, Unit::Seconds, "From a command's coming into its lane to its answer");
    describe_histogram!(BATCH_COMMANDS, "Commands in one call that appends");
    describe_histogram!(BATCH_EVENTS, "Events in one call that appends");
    describe_histogram!(APPEND_SECONDS, Unit::Seconds, "How long one call that appends takes");
    describe_counter!(APPEND_ANSWERS, "Parts of organizations that were to be appended, by what became of them");
    for outcome in OUTCOMES {
        counter!(COMMANDS, "outcome" => outcome).increment(0);
    }
    for answer in ["done", "moved", "seen", "busy", "failed"] {
        counter!(APPEND_ANSWERS, "answer" => answer).increment(0);
    }
}

/// Everything that a command can come to.
const OUTCOMES: [&str; 12] = [
    "accepted",
    "already_so",
    "replayed",
    "refused_unseen",
    "refused_not_allowed",
    "refused_by_rule",
    "key_reused",
    "unknown_organization",
    "not_simulated",
    "overloaded",
    "defect",
    "store",
];

fn outcome(answer: &Result<Answer, ExecuteError>) -> &'static str {
    match answer {
        Ok(answer) if answer.replayed => "replayed",
        Ok(answer) => outcome_of(&answer.verdict),
        Err(error) => failure(error),
    }
}

fn outcome_of(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted { .. } => "accepted",
        Verdict::AlreadySo => "already_so",
        Verdict::Rejected(refusal) => match refusal.kind {
            RejectionKind::Unseen => "refused_unseen",
            RejectionKind::NotAllowed => "refused_not_allowed",
            RejectionKind::Rule => "refused_by_rule",
        },
    }
}

fn failure(error: &ExecuteError) -> &'static str {
    match error {
        ExecuteError::KeyReused => "key_reused",
        ExecuteError::UnknownOrganization => "unknown_organization",
        ExecuteError::NotSimulated => "not_simulated",
        ExecuteError::Overloaded => "overloaded",
        ExecuteError::Defect => "defect",
        ExecuteError::Store(_) => "store",
    }
}

/// A command was answered, so long after it came in.
pub(crate) fn answered(answer: &Result<Answer, ExecuteError>, after: Duration) {
    counter!(COMMANDS, "outcome" => outcome(answer)).increment(1);
    histogram!(COMMAND_SECONDS).record(after);
}

/// A command was turned away before it came into a lane.
pub(crate) fn turned_away() {
    counter!(COMMANDS, "outcome" => failure(&ExecuteError::Overloaded)).increment(1);
}

/// Decides a command in a span of its own trace.
pub(crate) fn deciding(
    trace: Option<TraceContext>,
    use_case: &'static str,
    decide: impl FnOnce() -> Result<Verdict, Stop>,
) -> Result<Verdict, Stop> {
    let Some(trace) = trace else { return decide() };
    let span = debug_span!(target: TRACES, parent: None, "decide", use_case, outcome = Empty, refusal = Empty);
    trace.is_parent_of(&span);
    let decided = span.in_scope(decide);
    span.record(
        "outcome",
        match &decided {
            Ok(verdict) => outcome_of(verdict),
            Err(Stop::Needs(..)) => "needs_more",
            Err(Stop::Failed(error)) => failure(error),
        },
    );
    if let Ok(Verdict::Rejected(refusal)) = &decided {
        span.record("refusal", refusal.code.as_str());
    }
    decided
}

/// Appends a batch: measured once, and shown in the trace of each of its commands.
pub(crate) async fn appending(
    batch: &[OrgBatch],
    append: impl Future<Output = Result<HashMap<OrgId, OrgAnswer>, StoreError>>,
) -> Result<HashMap<OrgId, OrgAnswer>, StoreError> {
    let commands = batch.iter().map(|part| part.commands.len()).sum::<usize>();
    let events = batch.iter().map(|part| part.records.len()).sum::<usize>();
    histogram!(BATCH_COMMANDS).record(commands as f64);
    histogram!(BATCH_EVENTS).record(events as f64);
    let spans: Vec<(OrgId, Span)> = batch.iter().flat_map(|part| spans(part, commands, events)).collect();
    let since = Instant::now();
    let answers = append.await;
    histogram!(APPEND_SECONDS).record(since.elapsed());
    for part in batch {
        counter!(APPEND_ANSWERS, "answer" => became(&answers, part.org)).increment(1);
    }
    for (org, span) in spans {
        span.record("answer", became(&answers, org));
    }
    answers
}

fn spans(part: &OrgBatch, commands: usize, events: usize) -> impl Iterator<Item = (OrgId, Span)> + '_ {
    part.commands.iter().filter_map(|command| command.job.trace).map(move |trace| {
        let span = debug_span!(target: TRACES, parent: None, "append", commands, events, answer = Empty);
        trace.is_parent_of(&span);
        // A span begins when it is entered first.
        span.in_scope(|| ());
        (part.org, span)
    })
}

fn became(answers: &Result<HashMap<OrgId, OrgAnswer>, StoreError>, org: OrgId) -> &'static str {
    let Ok(answers) = answers else { return "failed" };
    match answers.get(&org) {
        Some(OrgAnswer::Done) => "done",
        Some(OrgAnswer::Moved { seen, .. }) if seen.is_empty() => "moved",
        Some(OrgAnswer::Moved { .. }) => "seen",
        Some(OrgAnswer::Busy) | None => "busy",
    }
}
