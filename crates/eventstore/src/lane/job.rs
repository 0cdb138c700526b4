//! A command that waits for its answer.

use crate::error::ExecuteError;
use crate::measure;
use crate::outcome::Answer;
use crate::pulse::Pulse;
use crate::submission::Submission;
use countersign_telemetry::TraceContext;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A command that waits for its answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) submission: Submission,
    reply: oneshot::Sender<Result<Answer, ExecuteError>>,
    /// How often a commit broke off that it was in.
    pub(super) broken_commits: u32,
    since: Instant,
    /// The place in a trace from which it came.
    pub(crate) trace: Option<TraceContext>,
    pulse: Arc<Pulse>,
    /// Free again once it is answered.
    _place: OwnedSemaphorePermit,
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
    pub(super) fn answer(self, answer: Result<Answer, ExecuteError>) {
        self.pulse.beat();
        measure::answered(&answer, self.since.elapsed());
        drop(self.reply.send(answer));
    }
}
