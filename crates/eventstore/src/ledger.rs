//! The door of the store: commands go in here.

use crate::clock::Clock;
use crate::error::{ExecuteError, StoreError};
use crate::lane::{Job, Lane, Shared};
use crate::load::Reader;
use crate::measure;
use crate::outcome::Answer;
use crate::pulse::{LaneState, Pulse};
use crate::submission::Submission;
use crate::vault::Vault;
use countersign_domain::ids::OrgId;
use countersign_postgres::spanning;
use countersign_telemetry::TraceContext;
use sqlx::PgPool;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot};

/// Takes commands and answers them, once they are durable. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    lanes: Arc<Vec<Door>>,
    committed: broadcast::Sender<Committed>,
    reader: Reader,
    vault: Vault,
}

/// The way into a lane.
#[derive(Debug)]
struct Door {
    inbox: mpsc::Sender<Job>,
    /// A place for each command that is in the lane, until it is answered.
    places: Arc<Semaphore>,
    capacity: usize,
    pulse: Arc<Pulse>,
}

/// How a node's lanes are laid out.
#[derive(Clone, Copy, Debug)]
pub struct LedgerOptions {
    /// How many lanes: each has one commit under way at a time.
    pub lanes: usize,
    /// How many commands may wait in one lane before more are turned away.
    pub waiting: usize,
    /// How many commands one batch holds at most.
    pub batch_commands: usize,
    /// How many bytes of events one batch holds at most, its last command excepted.
    pub batch_bytes: usize,
    /// How many bytes of folded streams all lanes together keep at hand.
    pub cache_bytes: usize,
}

impl Default for LedgerOptions {
    /// A lane a core: more would make the batches smaller, and what a batch costs however small it is more often.
    fn default() -> Self {
        let lanes = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, MOST_LANES);
        Self { lanes, waiting: 4_096, batch_commands: 512, batch_bytes: 4 << 20, cache_bytes: 64 << 20 }
    }
}

/// Each lane keeps a connection while it has work, and each may wait for locks with two more.
const MOST_LANES: usize = 4;

/// Something was appended: a hint for whoever follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// To whose ledger.
    pub org: OrgId,
    /// Its head.
    pub position: u64,
    /// Whose trace whatever follows from it belongs to (`is_parent_of`, `is_linked_to`), where a command was traced.
    pub trace: Option<TraceContext>,
}

impl Ledger {
    /// Starts the lanes of a node. `pool` must have room for a connection per lane besides those that load.
    pub fn start(pool: PgPool, vault: Vault, clock: Arc<dyn Clock>, options: LedgerOptions) -> Self {
        let (committed, _) = broadcast::channel(4_096);
        let shared =
            Arc::new(Shared { pool: pool.clone(), vault: vault.clone(), clock, committed: committed.clone(), options });
        let lanes = (0..options.lanes.max(1))
            .map(|_| {
                let (sender, inbox) = mpsc::channel(options.waiting);
                tokio::spawn(Lane::new(shared.clone(), inbox).run());
                Door {
                    inbox: sender,
                    places: Arc::new(Semaphore::new(options.waiting)),
                    capacity: options.waiting,
                    pulse: Arc::default(),
                }
            })
            .collect();
        Self { lanes: Arc::new(lanes), committed, reader: Reader::new(pool), vault }
    }

    /// Opens an organization's ledger; again is nothing new.
    pub async fn open(&self, org: OrgId) -> Result<(), StoreError> {
        let mut transaction = spanning(self.reader.pool()).await?;
        sqlx::query!("SELECT ledger.open($1)", org.0).fetch_one(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Decides a command and appends what it leads to. An answer is durable; an error says nothing of whether the
    /// command took effect, which sending it again under the same id does.
    pub async fn execute(&self, submission: Submission) -> Result<Answer, ExecuteError> {
        let (reply, answer) = oneshot::channel();
        let lane = &self.lanes[lane_of(submission.org, self.lanes.len())];
        let Some(place) = lane.place() else {
            measure::turned_away();
            return Err(ExecuteError::Overloaded);
        };
        let job = Job::new(submission, reply, place, lane.pulse.clone());
        lane.inbox.try_send(job).map_err(|_| ExecuteError::Overloaded)?;
        answer.await.map_err(|_| ExecuteError::Defect)?
    }

    /// Hints of what is appended here; what other nodes append comes through the feed.
    pub fn committed(&self) -> broadcast::Receiver<Committed> {
        self.committed.subscribe()
    }

    /// How each lane fares.
    pub fn lanes(&self) -> Vec<LaneState> {
        self.lanes.iter().map(Door::state).collect()
    }

    /// Reads what the ledgers hold.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The keys.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }
}

impl Door {
    /// A place for one more command, if there is one.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        if self.waiting() == 0 {
            self.pulse.beat();
        }
        self.places.clone().try_acquire_owned().ok()
    }

    fn waiting(&self) -> usize {
        self.capacity.saturating_sub(self.places.available_permits())
    }

    fn state(&self) -> LaneState {
        let waiting = self.waiting();
        let silent_for = if waiting == 0 { Duration::ZERO } else { self.pulse.silent_for() };
        LaneState { waiting, silent_for }
    }
}

fn lane_of(org: OrgId, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    org.hash(&mut hasher);
    (hasher.finish() % lanes as u64) as usize
}
