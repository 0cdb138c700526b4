//! A process that serves.

use crate::Fallible;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// What does not serve after this long does not come to it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that serves, until it is dropped.
pub(crate) struct Node {
    process: Child,
    pub(crate) address: SocketAddr,
    /// Kept, so that whatever else it prints has somewhere to go.
    _printed: Lines<BufReader<ChildStdout>>,
}

impl Node {
    /// Starts a process, and waits until it says where it serves.
    pub(crate) async fn start(command: std::process::Command) -> Fallible<Self> {
        let mut process = Command::from(command).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut printed = BufReader::new(process.stdout.take().ok_or("a process has no output")?).lines();
        let serving = async {
            while let Some(line) = printed.next_line().await? {
                if let Some(address) = line.strip_prefix("serving http://") {
                    return Ok(address.parse()?);
                }
            }
            Fallible::Err("a process ended before it served".into())
        };
        let address = timeout(PATIENCE, serving).await.map_err(|_| "a process did not come to serve")??;
        Ok(Self { process, address, _printed: printed })
    }

    fn pid(&self) -> Fallible<u32> {
        self.process.id().ok_or_else(|| "the node has ended".into())
    }

    /// The most memory that it ever had to itself, in bytes.
    pub(crate) fn most_memory(&self) -> Fallible<u64> {
        let status = format!("/proc/{}/status", self.pid()?);
        let status = std::fs::read_to_string(&status).map_err(|_| "a process's memory is told by Linux only")?;
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        Ok(most.ok_or("Linux does not tell a process's memory")?.trim().parse::<u64>()? * 1024)
    }

    /// Asks it to stop, and waits until it has: the next node takes up its work at once.
    pub(crate) async fn stop(mut self) -> Fallible<()> {
        kill(Pid::from_raw(self.pid()?.try_into()?), Signal::SIGTERM)?;
        self.process.wait().await?;
        Ok(())
    }
}
