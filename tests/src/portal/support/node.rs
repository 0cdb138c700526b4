//! A process that serves.

use super::until::until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// A process that serves, until it is dropped.
pub(crate) struct Node {
    process: Child,
    log: PathBuf,
    printed: Receiver<String>,
    /// Where it is reached.
    pub(crate) url: String,
}

impl Node {
    /// Starts a process, and waits until it says that it serves.
    pub(crate) async fn start(command: &mut Command, log: PathBuf) -> Self {
        let mut node = Self::launch(command, log);
        node.url = until("a node that serves", async || {
            node.assert_alive();
            node.heard("serving ")
        })
        .await;
        node
    }

    /// Starts a process that need not come to serve yet.
    pub(crate) fn launch(command: &mut Command, log: PathBuf) -> Self {
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let printed = lines(process.stdout.take().unwrap());
        Self { process, log, printed, url: String::new() }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        self.url.strip_prefix("http://").unwrap().to_owned()
    }

    /// What follows a line's beginning, if the process has printed such a line by now.
    pub(crate) fn heard(&self, beginning: &str) -> Option<String> {
        self.printed.try_iter().find_map(|line| line.strip_prefix(beginning).map(str::to_owned))
    }

    /// What it has said of errors and warnings so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.end().await
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits until it ends.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        until("the end of a process", async || self.process.try_wait().unwrap()).await
    }

    /// Waits until it has come to a place of the program and died there (`countersign_postgres::fault`).
    pub(crate) async fn dies_at(&mut self, place: &str) {
        assert_eq!(self.end().await.signal(), Some(Signal::SIGKILL as i32));
        assert!(self.log().contains(&format!("fault: {place} kills")), "it died of something else");
    }

    #[track_caller]
    fn assert_alive(&mut self) {
        if let Some(status) = self.process.try_wait().unwrap() {
            panic!("the node ended with {status}");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            eprintln!("--- a node's log ---\n{}---", self.log());
        }
    }
}

/// The lines that a process prints, read as they come so that it never waits for us.
fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
