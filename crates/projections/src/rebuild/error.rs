//! Why a rebuild does not go on.

use crate::error::ProjectionError;

/// Why a rebuild does not go on. What was done stands; started again, it goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// A ledger could not be read, or rows not written.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// There is no such group.
    #[error("there is no group of read models named {0}; there are {1}")]
    UnknownGroup(String, String),
    /// There is no such rebuild.
    #[error("there is no such rebuild")]
    Unknown,
    /// A group is rebuilt once at a time.
    #[error("another rebuild of {0} is under way: let it end, or go on with it by the same command")]
    UnderWay(String),
    /// There is no such organization.
    #[error("there is no such organization")]
    UnknownOrganization,
    /// Canaries are among those that it is for.
    #[error("a canary is among the organizations that are rebuilt, and only one is")]
    CanaryElsewhere,
    /// Another build began it, with other folds.
    #[error("the rebuild of {0} was begun by another build: go back with --rollback, and begin anew")]
    OfAnotherBuild(String),
    /// A ledger is too long to be compared here.
    #[error("its ledger has more than {at_most} events: check it at the command line")]
    TooLong {
        /// How many events would be compared.
        at_most: u64,
    },
    /// Nothing is kept to which one could go back.
    #[error("there is nothing to go back to in {0}: no rebuild of it is in its rollback window")]
    NothingKept(String),
    /// The append keeps these rows in one generation only.
    #[error("{0} cannot be rolled back: the append itself keeps its rows, in one generation; rebuild it again instead")]
    NotKeptTwice(String),
    /// Somebody else has taken the job over.
    #[error("somebody else is at this rebuild")]
    Lost,
    /// A part of the work ended of itself: a defect of ours.
    #[error("a part of the rebuild fell over: {0}")]
    Fell(String),
}

impl From<sqlx::Error> for RebuildError {
    fn from(error: sqlx::Error) -> Self {
        Self::Projection(error.into())
    }
}

impl From<countersign_eventstore::StoreError> for RebuildError {
    fn from(error: countersign_eventstore::StoreError) -> Self {
        Self::Projection(error.into())
    }
}
