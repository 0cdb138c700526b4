//! The program under test, as it was built.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the program would read from the environment; stories say what they mean.
const READ: [&str; 13] = [
    "COUNTERSIGN_DATA_DIR",
    "COUNTERSIGN_FAULTS",
    "COUNTERSIGN_LISTEN",
    "COUNTERSIGN_MAIL_FROM",
    "COUNTERSIGN_MASTER_KEY",
    "COUNTERSIGN_OWNER_URL",
    "COUNTERSIGN_POOLER",
    "COUNTERSIGN_PUBLIC_URL",
    "COUNTERSIGN_TRUSTED_PROXY",
    "DATABASE_URL",
    "NO_COLOR",
    "RUST_LOG",
    "SMTP_URL",
];

/// How a command at the command line ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command line of the program, with nothing in its environment that a story did not put there.
pub(crate) fn countersign() -> Command {
    let mut command = Command::new(built("countersign"));
    for variable in READ {
        command.env_remove(variable);
    }
    command.env("NO_COLOR", "1").env("RUST_LOG", "warn,countersign=info");
    command
}

/// A program of this workspace, beside which the tests were built.
pub(crate) fn built(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("a running program has a path");
    let folder = tests.parent().and_then(Path::parent).expect("tests are built in a folder of the target folder");
    let program = folder.join(name);
    assert!(program.is_file(), "{} is not there: `cargo build -p {name}` builds it", program.display());
    program
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("the program can be run");
        let text = |bytes| String::from_utf8(bytes).expect("the program speaks UTF-8");
        Self { success: status.success(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// What it printed; it must not have failed.
    #[track_caller]
    pub(crate) fn printed(self) -> String {
        assert!(self.success, "{self:?}");
        self.stdout
    }

    /// What it complained of: one line, and a status that says so.
    #[track_caller]
    pub(crate) fn complaint(self) -> String {
        assert!(!self.success, "{self:?}");
        self.stderr
    }
}
