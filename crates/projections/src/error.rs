//! What can go wrong between the ledger and a read model, and between a read model and its reader.

use crate::page::NotACursor;
use countersign_domain::access::Denied;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{KeyError, StoreError};
use std::any::Any;
use std::error::Error;

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
    /// An organization has no rows to be read in a group: a defect of a migration, or there is no such organization.
    #[error("organization {org} is on no generation of the group {group}")]
    NoGeneration {
        /// Whose rows.
        org: OrgId,
        /// In which group.
        group: &'static str,
    },
}

/// What stands in the way of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The moment: trying again later helps by itself.
    Passing,
    /// This build: another one knows the event. Nothing is wrong with the rows.
    Outdated,
    /// The event, as far as this build's folds go: trying again changes nothing.
    Poison,
}

impl ProjectionError {
    /// What is to blame.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Poison { .. } => Fault::Poison,
            Self::Database(error)
            | Self::Store(StoreError::Database(error) | StoreError::Key(KeyError::Database(error))) => fault_of(error),
            Self::Store(StoreError::Outdated(_)) => Fault::Outdated,
            Self::Store(error) if error.is_passing() => Fault::Passing,
            Self::Store(_) => Fault::Poison,
            Self::UnknownGroup(..) | Self::NoGeneration { .. } => Fault::Passing,
        }
    }

    /// Whether trying again later helps by itself.
    pub fn is_passing(&self) -> bool {
        self.fault() == Fault::Passing
    }

    /// What is kept of it beside an organization that is parked: with all causes, or, where those could repeat a personal
    /// value, without.
    pub(crate) fn reason(&self, may_name_values: bool) -> String {
        if !may_name_values {
            return match self {
                Self::Database(sqlx::Error::Database(error)) => {
                    format!("{self}: {}", error.code().unwrap_or_default())
                }
                Self::Poison { read_model, .. } => format!("{read_model} cannot project it"),
                Self::Database(_) | Self::Store(_) | Self::UnknownGroup(..) | Self::NoGeneration { .. } => {
                    self.to_string()
                }
            };
        }
        let mut reason = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Some errors repeat their cause.
            if !reason.ends_with(&error.to_string()) {
                reason = format!("{reason}: {error}");
            }
            cause = error.source();
        }
        reason
    }
}

/// A database error is poison unless it is about the connection, the server's state, or who else was there.
fn fault_of(error: &sqlx::Error) -> Fault {
    // Connection exceptions, rollbacks for others' sake, out of resources, lock not available, operator intervention,
    // trouble of the machine, read-only after a failover, too long without a word within a transaction.
    const PASSING: [&str; 8] = ["08", "40", "53", "55P03", "57", "58", "25006", "25P03"];
    let passes = if let sqlx::Error::Database(error) = error {
        error.code().is_some_and(|code| PASSING.iter().any(|class| code.starts_with(class)))
    } else {
        matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed
        )
    };
    if passes { Fault::Passing } else { Fault::Poison }
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

/// What a fold said when it failed.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> String {
    let owned = panic.downcast_ref::<String>().cloned();
    let words = owned.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    words.unwrap_or_else(|| "the fold failed".to_owned())
}
