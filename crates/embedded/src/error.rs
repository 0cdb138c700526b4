//! What can go wrong with the private server, in words that say what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private Postgres server could not be found, made, started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// No folder holds `initdb` and `postgres` of a version we can use.
    #[error(
        "no Postgres server {wanted} was found{passed_over}; install the package `postgresql`, or name the folder that \
         holds `initdb` and `postgres` in COUNTERSIGN_PG_BIN"
    )]
    BinariesNotFound {
        /// The version that was looked for: `15 or newer`, or `17` when a data directory asks for it.
        wanted: String,
        /// The servers that were found and are of no use here, or nothing.
        passed_over: String,
    },

    /// There is no such client program of a version we can use.
    #[error(
        "no {program} of Postgres {at_least} or newer was found{passed_over}; install the package `postgresql-client`, or \
         name the folder that holds it in COUNTERSIGN_PG_BIN"
    )]
    ClientNotFound {
        /// The program's name.
        program: String,
        /// The oldest major version that will do.
        at_least: u32,
        /// The programs that were found and are of no use here, or nothing.
        passed_over: String,
    },

    /// The configured folder is not a folder of server binaries.
    #[error("{folder} holds no {lacks}; name the folder that holds `initdb` and `postgres` of a Postgres server")]
    NotAServerFolder {
        /// The configured folder.
        folder: PathBuf,
        /// What is not in it.
        lacks: &'static str,
    },

    /// The data was written by another major version of Postgres than the one at hand.
    #[error(
        "the database in {data} was made by Postgres {made_by}, but the server at hand is {found}; install Postgres \
         {made_by} or name its folder in COUNTERSIGN_PG_BIN, or dump the database with version {made_by} and load it into a \
         new data directory"
    )]
    OtherMajor {
        /// The cluster's folder.
        data: PathBuf,
        /// The major version that wrote it.
        made_by: u32,
        /// The servers that were found instead, with their versions and folders.
        found: String,
    },

    /// The folder holds something that Countersign did not make.
    #[error("{path} {what}; name another data directory, Countersign changes nothing that it did not make")]
    NotOurs {
        /// The folder in question.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },

    /// Real data was opened as throwaway or the other way round.
    #[error("the database in {data} is {is}, so it cannot be opened as {asked}; name another data directory")]
    OtherPurpose {
        /// The cluster's folder.
        data: PathBuf,
        /// What it was made for.
        is: &'static str,
        /// What it was opened for.
        asked: &'static str,
    },

    /// The cluster belongs to another user of this machine.
    #[error("the database in {data} belongs to the user {owner}; run Countersign as {owner} or as root")]
    OtherOwner {
        /// The cluster's folder.
        data: PathBuf,
        /// The name of its owner, or the number where it has none.
        owner: String,
    },

    /// The data directory points to a folder that is gone.
    #[error(
        "the database of this data directory should be at {home} and is not there; restore it, or remove {pointer} to \
         start with an empty one"
    )]
    Lost {
        /// Where the database should be.
        home: PathBuf,
        /// The file that says so.
        pointer: PathBuf,
    },

    /// The data directory is a copy of another one that is still there and points to the same database.
    #[error(
        "the database at {home} belongs to the data directory {original}, of which this is a copy; use that one, or \
         remove {pointer} to start with an empty one"
    )]
    Copied {
        /// Where the shared database is.
        home: PathBuf,
        /// The data directory it belongs to.
        original: PathBuf,
        /// The copied file that points to it.
        pointer: PathBuf,
    },

    /// Running as root on a system without a user that could run the server.
    #[error(
        "Postgres does not run as root and there is no user `countersign`, `postgres` or `nobody`; add one of them"
    )]
    NoAccount,

    /// A program of the server could not be executed.
    #[error("cannot run {program} as the user {user}: that user must be able to search every folder above it")]
    CannotRun {
        /// The program's path.
        program: PathBuf,
        /// The user it should run as.
        user: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },

    /// `initdb` gave up.
    #[error("Postgres could not create a database in {home}: {last_words}")]
    CreateFailed {
        /// The folder in which it should be.
        home: PathBuf,
        /// The end of what `initdb` said.
        last_words: String,
    },

    /// The server ended instead of starting.
    #[error("Postgres did not start: {last_words} (all of it in {log})")]
    StartFailed {
        /// The end of the server's log.
        last_words: String,
        /// The server's log.
        log: PathBuf,
    },

    /// The server runs, but did not become ready in time: mostly a long recovery, which goes on.
    #[error("Postgres is not ready after {seconds} s, it may still be recovering; try again later, or see {log}")]
    NotReady {
        /// How long was waited.
        seconds: u64,
        /// The server's log.
        log: PathBuf,
    },

    /// The server was told to stop and did not.
    #[error("Postgres (process {pid}) did not stop within {seconds} s; see {log}")]
    NotStopped {
        /// The server's process id.
        pid: i32,
        /// How long was waited.
        seconds: u64,
        /// The server's log.
        log: PathBuf,
    },

    /// The system refused an operation on a file.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

/// Says what was tried on which path when the system refuses it.
pub(crate) trait Doing<T> {
    /// Turns the system's answer into [`EmbeddedError::Io`].
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, EmbeddedError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, EmbeddedError> {
        self.map_err(|source| EmbeddedError::Io { doing, path: path.to_owned(), source })
    }
}

/// The last few lines of a log or of a program's output, as one line.
pub(crate) fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.len() {
        0 => "it said nothing".to_owned(),
        n => lines[n.saturating_sub(4)..].join("; "),
    }
}
