//! What can go wrong between the ledger and a read model, and between a read model and its reader.

use crate::page::NotACursor;
use countersign_domain::access::Denied;
use countersign_eventstore::StoreError;

/// Why a ledger could not be projected.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The store could not read.
    #[error("the ledger could not be read")]
    Store(#[from] StoreError),
    /// The database could not write.
    #[error("the read model could not be written")]
    Database(#[from] sqlx::Error),
    /// A fold failed on an event: a defect of ours. The organization is parked in this group.
    #[error("{read_model} cannot project position {position}: {reason}")]
    Poison {
        /// Which fold.
        read_model: &'static str,
        /// On which event.
        position: u64,
        /// How.
        reason: String,
    },
    /// There is no such group.
    #[error("there is no group of read models named {0}; there are: {1}")]
    UnknownGroup(String, String),
}

impl ProjectionError {
    /// Whether the event is to blame rather than the moment.
    pub(crate) fn is_poison(&self) -> bool {
        match self {
            Self::Poison { .. } => true,
            Self::Store(error) => !error.is_passing(),
            Self::Database(_) | Self::UnknownGroup(..) => false,
        }
    }
}

/// Why a question to a read model has no answer now.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database did not answer.
    #[error("the read model could not be read")]
    Database(#[from] sqlx::Error),
    /// The rows are not up to the position that was asked for, and would not be soon.
    #[error("the read model is behind")]
    Behind,
    /// The asker may not know, or may not ask this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The cursor belongs to another list, or to none.
    #[error(transparent)]
    Cursor(#[from] NotACursor),
}
