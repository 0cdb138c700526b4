//! Starting, adopting and stopping the server of one cluster.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::account::Account;
use crate::binaries::{Binaries, find_binaries, find_binaries_of};
use crate::command::detached;
use crate::create::create;
use crate::error::{Doing, EmbeddedError, last_words};
use crate::home::Home;
use crate::options::{Options, Purpose};
use crate::postmaster::{GLANCE, Postmaster, clear_the_way, kill_orphans};
use crate::socket;

/// How long a server may take to become ready before we give up waiting; it goes on by itself.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a server may take to stop; it writes everything to the disk first.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How long to wait before starting again where the remains of a killed server were in the way.
const PAUSE: Duration = Duration::from_millis(200);

/// A cluster on the disk, with all that is needed to start its server.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) home: Home,
    pub(crate) account: Account,
    pub(crate) binaries: Binaries,
    pub(crate) options: Options,
}

/// A server that runs, or ran when last looked at.
#[derive(Debug)]
pub(crate) struct Running {
    postmaster: Postmaster,
    /// The process, when we started it: then it is ours to bury.
    child: Option<Child>,
}

impl Site {
    /// Finds the cluster and the binaries for it, or makes it; true says that it is new. An abandoned throwaway cluster is
    /// made anew, since nothing in it was ever brought to the disk with care.
    pub(crate) fn settle(home: Home, options: Options, is_alone: bool) -> Result<(Self, bool), EmbeddedError> {
        let data = home.data();
        let mut existing = home.existing(options.purpose)?;
        if existing.is_some() && is_alone && options.purpose == Purpose::Throwaway {
            stop_any(&home, options.purpose)?;
            home.remove_cluster()?;
            existing = None;
        }
        let configured = options.binaries.as_deref();
        if let Some(major) = existing {
            let binaries = find_binaries_of(major, &data, configured)?;
            return Ok((Self { account: Account::owner_of(&data)?, home, binaries, options }, false));
        }
        let site = Self { account: Account::for_new_cluster()?, home, binaries: find_binaries(configured)?, options };
        create(&site)?;
        Ok((site, true))
    }

    /// Adopts the running server or starts one; true says that it was running. Call it in one's turn.
    pub(crate) fn bring_up(&self) -> Result<(Running, bool), EmbeddedError> {
        let data = self.home.data();
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            let Some(postmaster) = Postmaster::of(&data)?.filter(|found| found.lives(&data)) else {
                match self.start(deadline)? {
                    Some(running) => return Ok((running, false)),
                    None => sleep(PAUSE),
                }
                continue;
            };
            match postmaster.connect() {
                Ok(()) => return Ok((Running { postmaster, child: None }, true)),
                // Its socket was deleted under it, so nobody will ever reach it again.
                Err(error) if postmaster.is_ready && error.kind() == io::ErrorKind::NotFound => {
                    Running { postmaster, child: None }.stop(&self.home, self.options.purpose)?;
                }
                Err(_) => sleep(GLANCE),
            }
        }
        Err(self.not_ready())
    }

    /// Stops a server that somebody else started again after the one we knew was killed, and what that one left behind.
    pub(crate) fn stop_others(&self) -> Result<(), EmbeddedError> {
        stop_any(&self.home, self.options.purpose)
    }

    /// Starts a server and waits until it accepts connections; `None` when the remains of a killed one are in the way.
    fn start(&self, deadline: Instant) -> Result<Option<Running>, EmbeddedError> {
        let data = self.home.data();
        clear_the_way(&data)?;
        let socket = socket::make_folder(&data, &self.account)?;
        let mut child = self.spawn(&data, &socket)?;
        while Instant::now() < deadline {
            if let Some(postmaster) = Postmaster::of(&data)?.filter(|found| is_process(found.pid, &child))
                && postmaster.is_ready
                && postmaster.connect().is_ok()
            {
                return Ok(Some(Running { postmaster, child: Some(child) }));
            }
            if child.try_wait().doing("wait for", &self.binaries.postgres())?.is_some() {
                socket::remove_folder(&socket)?;
                return self.why_it_ended().map_or(Ok(None), Err);
            }
            sleep(GLANCE);
        }
        Err(self.not_ready())
    }

    fn spawn(&self, data: &Path, socket: &Path) -> Result<Child, EmbeddedError> {
        let program = self.binaries.postgres();
        let log = fresh_log(&self.home.log())?;
        let also_log = log.try_clone().doing("open", &self.home.log())?;
        let mut command = detached(&program, &self.account);
        command.arg("-D").arg(data).stdout(Stdio::from(log)).stderr(Stdio::from(also_log));
        for setting in self.options.settings(data, socket) {
            command.args(["-c", &setting]);
        }
        command.spawn().map_err(|source| EmbeddedError::CannotRun { program, user: self.account.name.clone(), source })
    }

    /// What the log of a server that ended says, unless it only met the remains of a killed one.
    fn why_it_ended(&self) -> Option<EmbeddedError> {
        let log = self.home.log();
        let said = fs::read_to_string(&log).unwrap_or_default();
        let met_remains = said.contains("lock file \"") || said.contains("pre-existing shared memory block");
        (!met_remains).then(|| EmbeddedError::StartFailed { last_words: last_words(&said), log })
    }

    fn not_ready(&self) -> EmbeddedError {
        EmbeddedError::NotReady { seconds: START_LIMIT.as_secs(), log: self.home.log() }
    }
}

impl Running {
    pub(crate) fn pid(&self) -> Pid {
        self.postmaster.pid
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.postmaster.socket
    }

    /// Whether the server lives and answers.
    pub(crate) fn accepts(&mut self, site: &Site) -> bool {
        self.bury();
        self.postmaster.lives(&site.home.data()) && self.postmaster.connect().is_ok()
    }

    /// Lets the system forget the process if it has ended.
    pub(crate) fn bury(&mut self) {
        let _ = self.child.as_mut().map(Child::try_wait);
    }

    /// Stops the server: real data is written out first, throwaway data is not.
    pub(crate) fn stop(&mut self, home: &Home, purpose: Purpose) -> Result<(), EmbeddedError> {
        let data = home.data();
        self.bury();
        if !self.postmaster.lives(&data) {
            return Ok(());
        }
        self.postmaster.signal(match purpose {
            Purpose::Kept => Signal::SIGINT,
            Purpose::Throwaway => Signal::SIGQUIT,
        });
        let deadline = Instant::now() + STOP_LIMIT;
        while self.postmaster.lives(&data) {
            if Instant::now() > deadline {
                let pid = self.pid().as_raw();
                return Err(EmbeddedError::NotStopped { pid, seconds: STOP_LIMIT.as_secs(), log: home.log() });
            }
            sleep(GLANCE);
            self.bury();
        }
        self.bury();
        Ok(())
    }
}

fn stop_any(home: &Home, purpose: Purpose) -> Result<(), EmbeddedError> {
    let data = home.data();
    if let Some(postmaster) = Postmaster::of(&data)?.filter(|found| found.lives(&data)) {
        Running { postmaster, child: None }.stop(home, purpose)?;
    }
    kill_orphans(&data);
    Ok(())
}

/// An empty log for a new server; what the one before it said stays beside it.
fn fresh_log(log: &Path) -> Result<File, EmbeddedError> {
    match fs::rename(log, log.with_added_extension("1")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).doing("rename", log),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(log).doing("create", log)
}

fn is_process(pid: Pid, child: &Child) -> bool {
    u32::try_from(pid.as_raw()) == Ok(child.id())
}
