//! Sends histories to the ledger: many firms at once, each firm's commands in their order.

use crate::history::plan::FirmPlan;
use crate::history::story::{Act, Story, Unbelievable};
use crate::history::tally::Tally;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{ExecuteError, KeyError, Ledger, StoreError, Verdict};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// How many firms' histories are told at once: each lane always has commands of several to put into one batch.
const FIRMS_AT_ONCE: usize = 40;
/// How many commands of one firm are on their way at once. Times the firms, that is less than one lane takes.
const COMMANDS_AT_ONCE: usize = 96;

/// Why histories did not get into the ledger. What is there stays, and is gone on from the next time.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// A story does not hold.
    #[error("the history of {org} does not hold")]
    Unbelievable {
        /// Whose.
        org: OrgId,
        /// Why.
        #[source]
        why: Unbelievable,
    },
    /// The ledger decided otherwise than the rehearsal.
    #[error("the ledger of {org} decided otherwise at position {position}: {what}")]
    DecidedOtherwise {
        /// Whose.
        org: OrgId,
        /// Where.
        position: u64,
        /// What it said.
        what: String,
    },
    /// The ledger holds another history.
    #[error(
        "the ledger of {org} holds another history up to position {position}: it was made by another version, or worked \
         in since; name another seed or another database"
    )]
    AnotherHistory {
        /// Whose.
        org: OrgId,
        /// Where it ends.
        position: u64,
    },
    /// The ledger could not be asked.
    #[error("the ledger could not be read")]
    Store(#[from] StoreError),
    /// A key could not be had.
    #[error("a key could not be had")]
    Key(#[from] KeyError),
    /// A command has no answer.
    #[error("a command could not be recorded")]
    Execute(#[from] ExecuteError),
}

/// Plays the plans, the largest first so that none is left alone at the end; what is there already is not sent again.
/// `progress` hears of each command's events.
pub async fn play(
    ledger: &Ledger,
    plans: &[FirmPlan],
    progress: impl Fn(u64) + Clone + Send + 'static,
) -> Result<Tally, PlayError> {
    let mut plans = plans.to_vec();
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.events));
    let playing = plans.into_iter().map(|plan| play_one(ledger.clone(), plan, progress.clone()));
    let add = |mut all: Tally, one: Tally| async move {
        all.add(&one);
        Ok(all)
    };
    stream::iter(playing).buffer_unordered(FIRMS_AT_ONCE).try_fold(Tally::default(), add).await
}

async fn play_one(ledger: Ledger, plan: FirmPlan, progress: impl Fn(u64)) -> Result<Tally, PlayError> {
    let org = plan.org;
    ledger.open(org).await?;
    let key = ledger.vault().org_key(org).await?;
    let there = there_already(&ledger, org).await?;
    let story = Story::new(plan, Box::new(move |email| key.mailbox(email)));
    let mut answers =
        told_aside(story).map(|act| answered(&ledger, org, act, there.as_ref())).buffered(COMMANDS_AT_ONCE);
    let mut tally = Tally::default();
    while let Some(act) = answers.next().await {
        let act = act?;
        act.events.iter().for_each(|name| tally.count(name));
        progress(act.events.len() as u64);
    }
    // A ledger in which more happened than its story tells is not this story's.
    match &there {
        Some(there) if there.head > tally.total() => Err(PlayError::AnotherHistory { org, position: there.head }),
        Some(_) | None => Ok(tally),
    }
}

/// Where a ledger ends that is there already, and with which command.
struct There {
    head: u64,
    last: countersign_domain::ids::CommandId,
}

async fn there_already(ledger: &Ledger, org: OrgId) -> Result<Option<There>, StoreError> {
    let head = ledger.reader().head(org).await?.unwrap_or(0);
    if head == 0 {
        return Ok(None);
    }
    let last = ledger.reader().after(org, head - 1, 1).await?;
    Ok(match last.first() {
        Some(last) => Some(There { head, last: last.read()?.command_id }),
        None => None,
    })
}

/// Tells a story on a thread of its own: deciding a week of a large firm takes longer than the store can spare.
fn told_aside(story: Story) -> ReceiverStream<Result<Act, Unbelievable>> {
    let (sender, receiver) = mpsc::channel(2 * COMMANDS_AT_ONCE);
    tokio::task::spawn_blocking(move || {
        for act in story {
            // Whoever listened has gone: something else failed.
            if sender.blocking_send(act).is_err() {
                return;
            }
        }
    });
    ReceiverStream::new(receiver)
}

/// Sends a command unless the ledger has it, and sees to it that it led to what was rehearsed.
async fn answered(
    ledger: &Ledger,
    org: OrgId,
    act: Result<Act, Unbelievable>,
    there: Option<&There>,
) -> Result<Act, PlayError> {
    let act = act.map_err(|why| PlayError::Unbelievable { org, why })?;
    let last = act.first + act.events.len() as u64 - 1;
    if let Some(there) = there.filter(|there| act.first <= there.head) {
        let cut = last > there.head || (last == there.head && act.submission.command_id != there.last);
        return if cut { Err(PlayError::AnotherHistory { org, position: there.head }) } else { Ok(act) };
    }
    let otherwise = |what: String| PlayError::DecidedOtherwise { org, position: act.first, what };
    match ledger.execute(act.submission.clone()).await?.verdict {
        Verdict::Accepted { first, count } if first == act.first && u64::from(count) == act.events.len() as u64 => {
            Ok(act)
        }
        Verdict::Accepted { first, count } => Err(otherwise(format!("{count} events at position {first}"))),
        Verdict::AlreadySo => Err(otherwise("it was so already".to_owned())),
        Verdict::Rejected(refusal) => Err(otherwise(refusal.message)),
    }
}
