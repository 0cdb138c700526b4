//! Sends a log's cases to the ledger, a bounded number at a time, and counts what became of them.

use crate::audit::Inquiry;
use crate::failure::Failure;
use crate::import::command::{CaseCommand, Importer};
use crate::import::log::Log;
use crate::import::reading::{Read, read};
use crate::import::report::{Problem, Report};
use crate::import::tally::Tally;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Answer, ExecuteError, Ledger, StoreError, Submission, Verdict};
use countersign_projections::imported::case;
use futures::StreamExt;
use futures::stream::poll_fn;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How many cases are on their way at once.
const CASES_AT_ONCE: usize = 64;
/// How long a database that went away is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two attempts.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Why an import ends before its log does.
type Stopped = ExecuteError;

/// Imports a log into an organization's ledger. What cannot be imported is told in the report, together with what
/// stopped the import, if something did.
pub(crate) async fn import(inquiry: &Inquiry<'_>, log: Log) -> Result<Report, Failure> {
    let mut tally = Tally::default();
    let begun = Instant::now();
    let sent = send_all(inquiry.ledger(), inquiry.org, log, &mut tally).await;
    let mut report = sent.map_err(|error| Failure::because("the import could not begin", error))?;
    if report.stopped.is_none() {
        count_whole(inquiry, &mut tally).await?;
    }
    report.add_up(&tally);
    report.seconds = begun.elapsed().as_secs_f64();
    Ok(report)
}

/// Counts each case that came in several pieces by all that the ledger has of it.
async fn count_whole(inquiry: &Inquiry<'_>, tally: &mut Tally) -> Result<(), Failure> {
    let repeated = tally.repeated();
    if repeated.is_empty() {
        return Ok(());
    }
    inquiry.bring_up(&["cases"]).await?;
    for id in repeated {
        let whole = case::get(inquiry.pool, &inquiry.scope(), inquiry.now, id).await;
        tally.take_whole(whole.map_err(|error| Failure::because("an imported case could not be read", error))?);
    }
    Ok(())
}

async fn send_all(ledger: &Ledger, org: OrgId, log: Log, tally: &mut Tally) -> Result<Report, StoreError> {
    let Log { name, cases, bar } = log;
    let key = ledger.vault().org_key(org).await?;
    // What stands behind this position came with this import: a command may turn out to have been committed although
    // the answer was lost.
    let head = ledger.reader().head(org).await?.unwrap_or(0);
    let mut report = Report::new(name.clone());
    let mut read = read(Importer { org, key, log: name, errand: Uuid::now_v7() }, cases);
    let mut sent = poll_fn(move |context| read.poll_recv(context))
        .map(|read| send(ledger, head, read))
        .buffer_unordered(CASES_AT_ONCE);
    while let Some(outcome) = sent.next().await {
        match outcome {
            Ok(outcome) => report.take(outcome, tally),
            Err(stopped) => {
                report.stop(&stopped);
                break;
            }
        }
    }
    bar.finish_and_clear();
    Ok(report)
}

/// What became of one case.
pub(crate) enum Outcome {
    /// It stands in the ledger, with so many steps that were not there before.
    Stands(Box<CaseCommand>, u64),
    /// It was not imported.
    NotImported(Problem),
    /// The rest of the log cannot be read.
    Cut(Problem),
}

async fn send(ledger: &Ledger, head: u64, read: Read) -> Result<Outcome, Stopped> {
    let (command, room) = match read {
        Read::Case(command, room) => (command, room),
        Read::Unfit(number, case, unfit) => return Ok(Outcome::NotImported(Problem::unfit(number, case, &unfit))),
        Read::Unread(error) if error.is_fatal() => return Ok(Outcome::Cut(Problem::unread(&error))),
        Read::Unread(error) => return Ok(Outcome::NotImported(Problem::unread(&error))),
    };
    let answer = execute(ledger, &command.submission).await;
    drop(room);
    match answer {
        Ok(Answer { verdict: Verdict::Accepted { first, count }, .. }) if first > head => {
            let steps = command.new_steps(count);
            Ok(Outcome::Stands(command, steps))
        }
        Ok(Answer { verdict: Verdict::Accepted { .. } | Verdict::AlreadySo, .. }) => Ok(Outcome::Stands(command, 0)),
        Ok(Answer { verdict: Verdict::Rejected(refusal), .. }) => {
            Ok(Outcome::NotImported(Problem::refused(&command.name, &refusal)))
        }
        // One case that the ledger cannot take costs that case.
        Err(error @ (ExecuteError::Defect | ExecuteError::KeyReused)) => {
            Ok(Outcome::NotImported(Problem::failed(&command.name, &error)))
        }
        Err(
            error @ (ExecuteError::UnknownOrganization
            | ExecuteError::NotSimulated
            | ExecuteError::Overloaded
            | ExecuteError::Store(_)),
        ) => Err(error),
    }
}

/// Sends a command, again and again while that can help: the same command twice takes effect once.
async fn execute(ledger: &Ledger, submission: &Submission) -> Result<Answer, ExecuteError> {
    let since = Instant::now();
    loop {
        match ledger.execute(submission.clone()).await {
            Err(error) if error.is_passing() && since.elapsed() < PATIENCE => {
                tracing::warn!(%error, "a case could not be recorded; trying again");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            answer => return answer,
        }
    }
}

impl CaseCommand {
    /// How many of its steps are new, by the number of events that were appended: one more opens a new case.
    fn new_steps(&self, appended: u32) -> u64 {
        u64::from(appended).min(self.different)
    }
}
