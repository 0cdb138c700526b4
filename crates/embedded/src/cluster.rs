//! The private cluster: opened, used, kept running, closed.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::binaries::Binaries;
use crate::connection::{Connection, OWNER, PORT};
use crate::data_dir::{DataDir, Presence};
use crate::error::EmbeddedError;
use crate::home::Home;
use crate::options::{Options, Purpose};
use crate::server::{Running, Site};
use crate::socket;

/// How the server came to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// There was no cluster: it was created and its server started.
    Created,
    /// The cluster was there and its server was started, after a crash with recovery.
    Started,
    /// The server was already running.
    Adopted,
}

/// A running private server and our part in it. The last [`Cluster`] on a data directory to be closed or dropped stops the
/// server; a process that ends without either leaves it running for the next one.
#[derive(Debug)]
pub struct Cluster {
    data_dir: DataDir,
    site: Site,
    arrival: Arrival,
    running: Mutex<Running>,
    /// `None` once closed.
    presence: Option<Presence>,
}

impl Cluster {
    /// Opens the cluster in a data directory: creates it where there is none, starts its server or adopts a running one.
    /// Takes about two seconds the first time, a tenth of one later, longer after a crash; processes that open the same
    /// directory wait for one another.
    ///
    /// # Errors
    /// See [`EmbeddedError`]; in particular for data of another major version or that Countersign did not make, of which
    /// nothing is changed.
    pub fn open(data_dir: &Path, options: Options) -> Result<Self, EmbeddedError> {
        let data_dir = DataDir::prepare(data_dir)?;
        let turn = data_dir.turn()?;
        let presence = data_dir.enter(&turn)?;
        let home = Home::locate(&data_dir)?;
        let (site, is_new) = Site::settle(home, options, presence.is_alone(&turn)?)?;
        let (running, was_running) = site.bring_up()?;
        let arrival = match (is_new, was_running) {
            (true, _) => Arrival::Created,
            (false, true) => Arrival::Adopted,
            (false, false) => Arrival::Started,
        };
        Ok(Self { data_dir, site, arrival, running: Mutex::new(running), presence: Some(presence) })
    }

    /// Whether there is a cluster in a data directory, or a pointer to one; makes nothing.
    #[must_use]
    pub fn is_in(data_dir: &Path) -> bool {
        data_dir.join("cluster.location").exists() || data_dir.join("postgres/data").exists()
    }

    /// How the server came to run when this cluster was opened.
    #[must_use]
    pub fn arrival(&self) -> Arrival {
        self.arrival
    }

    /// The version of Postgres that runs here.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.site.binaries.major
    }

    /// The folder of server binaries in use.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.site.binaries
    }

    /// The server's own folder with the data, of which nothing may be changed by hand.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.site.home.data()
    }

    /// The server's log since its last start; the one before it has `.1` added to its name.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.site.home.log()
    }

    /// The server's process, which may have ended since it was last looked at.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.running().pid().as_raw()
    }

    /// The folder in which the socket lies.
    #[must_use]
    pub fn socket_dir(&self) -> PathBuf {
        self.running().socket().to_owned()
    }

    /// The parts of a connection as `user` to `database`; [`OWNER`] and `postgres` are always there.
    #[must_use]
    pub fn connection(&self, user: &str, database: &str) -> Connection {
        Connection { socket_dir: self.socket_dir(), port: PORT, user: user.to_owned(), database: database.to_owned() }
    }

    /// [`Cluster::connection`] as a URL for sqlx or libpq.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        self.connection(user, database).url()
    }

    /// The owner's URL for the database `postgres`, in which other databases are created.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.url(OWNER, "postgres")
    }

    /// Starts the server again if it was killed. Quick while it runs, so that a loop may call it every second; clients find
    /// the new server at the same address.
    ///
    /// # Errors
    /// When the server is gone and cannot be started.
    pub fn ensure_running(&self) -> Result<Arrival, EmbeddedError> {
        if self.running().accepts(&self.site) {
            return Ok(Arrival::Adopted);
        }
        let _turn = self.data_dir.turn()?;
        let mut running = self.running();
        running.bury();
        let (found, was_running) = self.site.bring_up()?;
        // Whoever started the process keeps hold of it, to bury it when it dies.
        if found.pid() != running.pid() {
            *running = found;
        }
        Ok(if was_running { Arrival::Adopted } else { Arrival::Started })
    }

    /// Leaves the cluster; the last user stops its server, and removes it when it is a throwaway one. Dropping does the
    /// same, without a word when it fails.
    ///
    /// # Errors
    /// When the server does not stop, or a throwaway cluster cannot be removed.
    pub fn close(mut self) -> Result<(), EmbeddedError> {
        self.leave()
    }

    fn leave(&mut self) -> Result<(), EmbeddedError> {
        let Some(presence) = self.presence.take() else { return Ok(()) };
        let turn = self.data_dir.turn()?;
        if !presence.is_alone(&turn)? {
            return Ok(());
        }
        let mut running = self.running();
        running.stop(&self.site.home, self.site.options.purpose)?;
        self.site.stop_others()?;
        socket::remove_folder(running.socket())?;
        if self.site.options.purpose == Purpose::Throwaway {
            self.site.home.remove()?;
            self.data_dir.remove(&turn)?;
        }
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.leave();
    }
}
