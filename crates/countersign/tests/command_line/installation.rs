//! An installation of its own for each story: a fresh database, a fresh data folder, and one firm.

use serde_json::Value;
use sqlx::{ConnectOptions, PgPool};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The project's hand-made sample.
pub const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../xes/samples/expenses.xes");

/// A database with a firm in it, and the program to work on it.
pub struct Installation {
    database_url: String,
    folder: TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub succeeded: bool,
    pub out: String,
    pub err: String,
}

impl Installation {
    /// Over a fresh database.
    pub fn new(owner: &PgPool) -> Self {
        let database_url = owner.connect_options().to_url_lossy().to_string();
        Self { database_url, folder: tempfile::tempdir().unwrap() }
    }

    /// Over a fresh database, with the organization `firm`.
    pub fn with_firm(owner: &PgPool) -> Self {
        let installation = Self::new(owner);
        installation.create_firm().must_succeed();
        installation
    }

    /// Registers the organization `firm`.
    pub fn create_firm(&self) -> Ran {
        let admin = ["--admin-name", "Ada Admin", "--admin-email", "ada@firm.example"];
        self.run(&[["org", "create", "firm", "--name", "The Firm"].as_slice(), &admin].concat())
    }

    /// The same, but connecting as another role.
    pub fn connecting_as(mut self, owner: &PgPool, role: &str) -> Self {
        let options = owner.connect_options().as_ref().clone().username(role);
        self.database_url = options.to_url_lossy().to_string();
        self
    }

    /// Runs the program.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["--database-url", &self.database_url, "--data-dir"])
            .arg(self.folder.path())
            .args(arguments)
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        Ran::from(output)
    }

    /// Imports a file into the firm's ledger.
    pub fn import(&self, file: impl AsRef<Path>) -> Ran {
        self.run(&["import", "xes", file.as_ref().to_str().unwrap(), "--org", "firm", "--json"])
    }

    /// A file with this text.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Ran {
    /// What was printed, if all went well.
    #[track_caller]
    pub fn must_succeed(self) -> String {
        assert!(self.succeeded, "{}", self.err);
        self.out
    }

    /// What was printed, although not all went well.
    #[track_caller]
    pub fn must_fail(self) -> (String, String) {
        assert!(!self.succeeded, "{}", self.out);
        (self.out, self.err)
    }
}

/// The one thing that was printed for a program.
#[track_caller]
pub fn json(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap_or_else(|error| panic!("{error} in {printed}"))
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { succeeded: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }
}
