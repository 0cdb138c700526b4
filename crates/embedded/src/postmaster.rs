//! The server's process, as its pid file and the system tell of it.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::{Doing, EmbeddedError};
use crate::home::short_name;
use crate::socket;

/// How often the state of a process is looked at.
pub(crate) const GLANCE: Duration = Duration::from_millis(5);

/// How long processes get to die after they were killed.
const BURIAL: Duration = Duration::from_secs(10);

/// What `postmaster.pid` says of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Postmaster {
    pub(crate) pid: Pid,
    /// The folder of its socket; empty while the server begins to start.
    pub(crate) socket: PathBuf,
    pub(crate) is_ready: bool,
}

impl Postmaster {
    /// Reads the pid file; `None` when there is none, or when a crash left it without a number.
    pub(crate) fn of(data: &Path) -> Result<Option<Self>, EmbeddedError> {
        match fs::read_to_string(pid_file(data)) {
            Ok(content) => Ok(Self::parse(&content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing("read", &pid_file(data)),
        }
    }

    /// Line 1 is the process, 5 the socket's folder, 8 the state.
    fn parse(content: &str) -> Option<Self> {
        let line = |number: usize| content.lines().nth(number - 1).unwrap_or_default().trim();
        let pid = line(1).parse().ok().filter(|pid| *pid > 0)?;
        Some(Self { pid: Pid::from_raw(pid), socket: PathBuf::from(line(5)), is_ready: line(8) == "ready" })
    }

    /// Whether the process lives and is a server on this folder, and not one that later got the same number.
    pub(crate) fn lives(&self, data: &Path) -> bool {
        if cfg!(target_os = "linux") { serves(self.pid, data) } else { kill(self.pid, None).is_ok() }
    }

    /// Whether the server takes connections at its socket, which is not there before it is ready.
    pub(crate) fn connect(&self) -> io::Result<()> {
        if self.is_ready { socket::connect(&self.socket) } else { Err(io::ErrorKind::NotConnected.into()) }
    }

    /// Sends a signal to the process, unless it is gone.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill(self.pid, signal);
    }
}

/// Prepares the folder of a killed server for a new one. Call it when no server lives there.
///
/// The pid file stays, because it names the shared memory by which the new server makes sure that nobody is left. But its
/// first line becomes our own number: Postgres refuses to start while the number there is some process's, be it a corpse
/// that nobody buried or a stranger, and passes over the number of its own parent.
pub(crate) fn clear_the_way(data: &Path) -> Result<(), EmbeddedError> {
    let path = pid_file(data);
    let content = match fs::read_to_string(&path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).doing("read", &path),
    };
    kill_orphans(data);
    match content.split_once('\n') {
        Some((_, rest)) => fs::write(&path, format!("{}\n{rest}", process::id())).doing("write", &path),
        None => fs::remove_file(&path).doing("remove", &path),
    }
}

/// Kills what a killed server left behind: a backend in the middle of a long statement would keep the next server from
/// starting. What it committed is in the log; the rest is lost to its client anyway.
pub(crate) fn kill_orphans(data: &Path) {
    let deadline = Instant::now() + BURIAL;
    loop {
        let orphans = all_serving(data);
        if orphans.is_empty() || Instant::now() > deadline {
            return;
        }
        for orphan in orphans {
            let _ = kill(orphan, Signal::SIGKILL);
        }
        sleep(GLANCE);
    }
}

/// All processes of a server on this folder; none where the system has no `/proc`.
fn all_serving(data: &Path) -> Vec<Pid> {
    let owner = fs::metadata(data).map(|metadata| metadata.uid()).ok();
    let is_owners = |pid| fs::metadata(format!("/proc/{pid}")).map(|metadata| metadata.uid()).ok() == owner;
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| process.file_name().to_str()?.parse().ok().map(Pid::from_raw))
        .filter(|pid| is_owners(*pid) && serves(*pid, data))
        .collect()
}

/// Whether a process is a server on this folder or one of its backends, by the command line it shows: that can be read
/// without further rights even in a container. Of a server whose folder was moved while it ran only its current folder,
/// where it can be read, tells the truth. A corpse shows nothing.
fn serves(pid: Pid, data: &Path) -> bool {
    let shown = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if shown.starts_with(b"postgres: ") {
        return shown.starts_with(format!("postgres: {}: ", short_name(data)).as_bytes());
    }
    let mut words = shown.split(|byte| *byte == 0);
    let is_server = words.next().is_some_and(|program| program.ends_with(b"postgres"));
    let is_there = || fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == data);
    is_server && (words.any(|word| word == data.as_os_str().as_bytes()) || is_there())
}

fn pid_file(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_tells_the_process_its_socket_and_whether_it_is_ready() {
        let starting = "71\n/srv/data\n1790000000\n5432\n/tmp/countersign-1\n\n";
        let ready = format!("{starting}  1048577         4\nready   \n");
        let expected = Postmaster { pid: Pid::from_raw(71), socket: "/tmp/countersign-1".into(), is_ready: false };
        assert_eq!(Postmaster::parse(starting), Some(expected.clone()));
        assert_eq!(Postmaster::parse(&ready), Some(Postmaster { is_ready: true, ..expected }));
    }

    #[test]
    fn a_pid_file_that_a_crash_left_empty_names_nobody() {
        assert_eq!(Postmaster::parse(""), None);
        assert_eq!(Postmaster::parse("0\n"), None);
    }
}
