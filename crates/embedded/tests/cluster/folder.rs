//! A data directory for one test, and the ways to open it.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use countersign_embedded::{Cluster, EmbeddedError, OWNER, Options};
use tempfile::TempDir;

use crate::wire::Client;

/// A data directory that is removed after the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// One that every user of the machine can pass through, as a checkout mostly is.
    pub(crate) fn new() -> Self {
        Self::with_mode(0o755)
    }

    /// One that only its owner can pass through, as `/root` is.
    pub(crate) fn private() -> Self {
        Self::with_mode(0o700)
    }

    fn with_mode(mode: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn open(&self) -> Cluster {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<Cluster, EmbeddedError> {
        Cluster::open(self.path(), Options::kept())
    }

    pub(crate) fn refusal(&self) -> EmbeddedError {
        self.try_open().expect_err("the cluster should not open")
    }

    /// Another process that uses the cluster, until it is dropped.
    pub(crate) fn open_in_another_process(&self) -> Neighbour {
        let mut process = Command::new(env!("CARGO_BIN_EXE_countersign-embedded"))
            .args(["run", "--data-dir"])
            .arg(self.path())
            .args(["--", "sh", "-c", "echo ready; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Neighbour { input: process.stdin.take(), output: Box::new(output), process }
    }
}

/// A process that holds a cluster open for as long as it is given input.
pub(crate) struct Neighbour {
    process: Child,
    input: Option<ChildStdin>,
    output: Box<dyn Read>,
}

impl Neighbour {
    /// Kills it as `kill -9` does; its command ends for want of input.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets it leave in order.
    pub(crate) fn leave(mut self) {
        drop(self.input.take());
        self.output.read_to_end(&mut Vec::new()).unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

pub(crate) fn owner(cluster: &Cluster) -> Client {
    Client::connect(&cluster.connection(OWNER, "postgres"))
}

/// Whether the process is there and not only waiting to be buried.
pub(crate) fn lives(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|shown| !shown.is_empty())
}

pub(crate) fn kill_9(pid: i32) {
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

/// Waits until the condition holds.
#[track_caller]
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not happen within 30 s");
        sleep(Duration::from_millis(5));
    }
}
