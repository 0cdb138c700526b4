//! How a cluster is opened.

use std::env;
use std::path::{Path, PathBuf};

use crate::home::short_name;

/// The environment variable that names the folder of server binaries to use, and no other.
pub const BINARIES_VARIABLE: &str = "COUNTERSIGN_PG_BIN";

/// What a cluster is for; it is made for one purpose and never opened for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Real data: every commit is on the disk before it is answered.
    Kept,
    /// Tests: starts empty, trades durability for speed, and is removed when its last user leaves. A commit may be lost even
    /// when only the server is killed; a test about durability needs a kept cluster.
    Throwaway,
}

impl Purpose {
    /// The word written into the cluster's marker, and shown in errors.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Throwaway => "throwaway",
        }
    }
}

/// How to open a cluster: start from [`Options::kept`] or [`Options::throwaway`] and change what differs.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the cluster is for.
    pub purpose: Purpose,
    /// How many connections the server accepts at once; the one who starts the server decides, who adopts it does not.
    pub max_connections: u16,
    /// The folder of the server binaries; `None` looks in the usual places.
    pub binaries: Option<PathBuf>,
}

impl Options {
    /// Real data, 100 connections; the binaries are those of `COUNTERSIGN_PG_BIN` when it is set.
    #[must_use]
    pub fn kept() -> Self {
        Self { purpose: Purpose::Kept, max_connections: 100, binaries: binaries_from_environment() }
    }

    /// A cluster for tests, 300 connections; the binaries are those of `COUNTERSIGN_PG_BIN` when it is set.
    #[must_use]
    pub fn throwaway() -> Self {
        Self { purpose: Purpose::Throwaway, max_connections: 300, ..Self::kept() }
    }

    /// The server's settings, as `name=value`.
    pub(crate) fn settings(&self, data: &Path, socket: &Path) -> Vec<String> {
        let mut settings = vec![
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories={}", socket.display()),
            "unix_socket_permissions=0700".to_owned(),
            format!("port={}", crate::connection::PORT),
            format!("max_connections={}", self.max_connections),
            // initdb writes the machine's zone into the configuration; the same everywhere is worth more.
            "timezone=UTC".to_owned(),
            format!("cluster_name={}", short_name(data)),
        ];
        if self.purpose == Purpose::Throwaway {
            settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
        }
        settings
    }
}

/// The folder of server binaries that `COUNTERSIGN_PG_BIN` names, where it is set.
#[must_use]
pub fn binaries_from_environment() -> Option<PathBuf> {
    env::var_os(BINARIES_VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}
