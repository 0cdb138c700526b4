//! What can go wrong between a command and the ledger.

use crate::vault::KeyError;
use countersign_canon::NotCanonical;
use countersign_domain::ids::OrgId;
use countersign_domain::portal::WireError;

/// Why the store could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer, or answered with an error.
    #[error("the database could not do it")]
    Database(#[from] sqlx::Error),
    /// The database took a statement and did not answer.
    #[error("the database did not answer in time")]
    Unanswered,
    /// A key could not be had, or did not fit.
    #[error("a key could not be had")]
    Key(#[from] KeyError),
    /// An event of a name or schema that this build does not know: the node is outdated.
    #[error("the ledger holds an event that this build does not know")]
    Outdated(#[source] WireError),
    /// What the ledger holds is not what was written: stop and look.
    #[error("ledger {org} is damaged at position {position}: {what}")]
    Damaged {
        /// Whose ledger.
        org: OrgId,
        /// Where.
        position: u64,
        /// What was found.
        what: String,
    },
    /// An event has no canonical text: a value slipped through its door.
    #[error("an event has no canonical text")]
    NotCanonical(#[from] NotCanonical),
}

impl StoreError {
    /// Whether the database cannot be asked now: it says nothing, or that it is on its way out or only to be read from.
    /// Other passing errors may be about what it was asked.
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::Unanswered => true,
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| ["57P", "25006", "25P03"].iter().any(|class| code.starts_with(class)))
            }
            Self::Database(error) => is_passing(error),
            Self::Key(_) | Self::Outdated(_) | Self::Damaged { .. } | Self::NotCanonical(_) => false,
        }
    }

    /// Whether trying again later can help: the database is away, not the request wrong.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Database(error) | Self::Key(KeyError::Database(error)) => is_passing(error),
            Self::Outdated(_) | Self::Unanswered => true,
            Self::Key(_) | Self::Damaged { .. } | Self::NotCanonical(_) => false,
        }
    }
}

/// Whether a database error is about the connection or the server's state rather than the statement.
pub(crate) fn is_passing(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(database) = error {
        // Connection exceptions, rolled back for others' sake (deadlock), out of resources, operator intervention
        // (shutdown, cancel), read-only after failover, a lock not had in time, a transaction in which nothing was done.
        let classes = ["08", "25006", "25P03", "40", "53", "55P03", "57"];
        return database.code().is_some_and(|code| classes.iter().any(|class| code.starts_with(class)));
    }
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    )
}

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The same key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// There is no such ledger.
    #[error("there is no such organization")]
    UnknownOrganization,
    /// Made-up history belongs only into a ledger whose first event says so.
    #[error("this ledger is not a simulated one")]
    NotSimulated,
    /// More commands are waiting than this node takes.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The rules failed on this command: a defect of ours.
    #[error("deciding on this command failed")]
    Defect,
    /// The store could not do its part; whether the command took effect is learned by sending it again.
    #[error("the store could not do its part")]
    Store(#[source] std::sync::Arc<StoreError>),
}

impl ExecuteError {
    /// The same error for another command that fared alike.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::KeyReused => Self::KeyReused,
            Self::UnknownOrganization => Self::UnknownOrganization,
            Self::NotSimulated => Self::NotSimulated,
            Self::Overloaded => Self::Overloaded,
            Self::Defect => Self::Defect,
            Self::Store(error) => Self::Store(error.clone()),
        }
    }

    /// The database went away while the command was being committed.
    pub(crate) fn unavailable() -> Self {
        StoreError::Database(sqlx::Error::PoolClosed).into()
    }

    /// Whether sending the command again later can help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Overloaded => true,
            Self::Store(error) => error.is_passing(),
            Self::KeyReused | Self::UnknownOrganization | Self::NotSimulated | Self::Defect => false,
        }
    }
}

impl From<StoreError> for ExecuteError {
    fn from(error: StoreError) -> Self {
        Self::Store(std::sync::Arc::new(error))
    }
}
