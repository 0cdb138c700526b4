//! An installation: a database, a data folder, and the program over both.

use super::bouncer::Bouncer;
use super::gate::Gate;
use super::letter::Letter;
use super::node::Node;
use super::program::{Ran, countersign};
use super::until::until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, Executor, PgConnection};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// Names the server on which the tests make their databases, as its superuser.
const SERVER: &str = "DATABASE_URL";

/// Where a node listens of which only it knows the port.
pub(crate) const ANY_PORT: &str = "127.0.0.1:0";

/// A database and a data folder, which is gone when it is dropped.
pub(crate) struct Installation {
    folder: TempDir,
    /// A database on the server of the tests; nothing where the program keeps a private server.
    database: Option<Database>,
    launched: AtomicU32,
}

struct Database {
    name: String,
    /// The address by which the program reaches it.
    url: String,
    is_pooled: bool,
}

impl Installation {
    /// With a database of its own on the server of the tests, ready for use.
    pub(crate) async fn new() -> Self {
        let installation = Self::empty().await;
        installation.run(&["migrate"]).printed();
        installation
    }

    /// With a database of its own in which nothing is set up.
    pub(crate) async fn empty() -> Self {
        let mut installation = Self::private();
        installation.database = Some(new_database().await);
        installation
    }

    /// With a private server that is not there yet, which keeps every commit.
    pub(crate) fn private() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server may run as another user, who must get there.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Self { folder, database: None, launched: AtomicU32::new(0) }
    }

    /// The same database, reached through a gate.
    pub(crate) fn behind(mut self, gate: &Gate) -> Self {
        let database = self.database.as_mut().expect("the database is on the server of the tests");
        database.url = gate.url(&database.name);
        self
    }

    /// The same database, reached through a pooler as somebody.
    pub(crate) fn pooled(mut self, bouncer: &Bouncer, login: &str) -> Self {
        let database = self.database.as_mut().expect("the database is on the server of the tests");
        database.url = bouncer.url(login, &database.name);
        database.is_pooled = true;
        self
    }

    /// The same database, in which nothing lasts longer than a transaction: so that each batch is appended in one.
    pub(crate) fn in_transactions(mut self) -> Self {
        self.database.as_mut().expect("the database is on the server of the tests").is_pooled = true;
        self
    }

    /// The name of the database on the server of the tests.
    pub(crate) fn database_name(&self) -> String {
        self.database.as_ref().expect("the database is on the server of the tests").name.clone()
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// A command line of the program.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare_command(arguments);
        if let Some(Database { url, is_pooled, .. }) = &self.database {
            command.args(["--database-url", url]);
            if *is_pooled {
                command.args(["--pooler", "transaction"]);
            }
        }
        command
    }

    /// A command line that says for itself where the database is.
    fn bare_command(&self, arguments: &[&str]) -> Command {
        let mut command = countersign();
        command.args(arguments).arg("--data-dir").arg(self.data_dir());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Runs the program to its end; the arguments say where the database is.
    pub(crate) fn run_bare(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.bare_command(arguments))
    }

    /// A node on a free port.
    pub(crate) async fn serve(&self) -> Node {
        self.serve_at(ANY_PORT).await
    }

    /// A node at an address.
    pub(crate) async fn serve_at(&self, address: &str) -> Node {
        self.serve_with(address, |command| command).await
    }

    /// A node at an address, with more on its command line or in its environment.
    pub(crate) async fn serve_with(&self, address: &str, more: impl FnOnce(&mut Command) -> &mut Command) -> Node {
        let mut command = self.command(&["serve", "--listen", address]);
        more(&mut command);
        Node::start(&mut command, self.next_log()).await
    }

    /// A node at an address that is ended or held at a place of the program (`countersign_postgres::fault`).
    pub(crate) async fn serve_faulty(&self, address: &str, fault: &str) -> Node {
        self.serve_with(address, |command| command.env("COUNTERSIGN_FAULTS", fault)).await
    }

    /// The program, started and left alone.
    pub(crate) fn launch(&self, arguments: &[&str]) -> Node {
        Node::launch(&mut self.command(arguments), self.next_log())
    }

    /// The database's address as a superuser.
    pub(crate) fn database_url(&self) -> String {
        match &self.database {
            Some(database) => on_the_tests_server(&database.name),
            None => self.postmaster().expect("the private server runs").url(),
        }
    }

    /// The private server's process, where one runs.
    pub(crate) fn postmaster(&self) -> Option<Postmaster> {
        Postmaster::of(&self.server_folder())
    }

    /// The folder that the private server calls its data directory.
    pub(crate) fn server_folder(&self) -> PathBuf {
        self.data_dir().join("postgres/data")
    }

    /// Waits for a mail to somebody, about something.
    pub(crate) async fn letter(&self, to: &str, about: &str) -> Letter {
        until(&format!("a mail to {to} about {about}"), async || self.letters(to, about).pop()).await
    }

    /// The mails to somebody about something that are there by now.
    pub(crate) fn letters(&self, to: &str, about: &str) -> Vec<Letter> {
        let mut letters = Letter::all_in(&self.data_dir().join("mail"));
        letters.retain(|letter| letter.to.contains(to) && letter.subject.contains(about));
        letters
    }

    fn next_log(&self) -> PathBuf {
        self.data_dir().join(format!("node-{}.log", self.launched.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(postmaster) = self.postmaster() {
            postmaster.signal(Signal::SIGQUIT);
            let gone = || self.postmaster().is_none();
            (0..500).take_while(|_| !gone()).for_each(|_| thread::sleep(Duration::from_millis(10)));
            let _ = std::fs::remove_dir_all(postmaster.socket);
        }
    }
}

/// A private server's first process.
pub(crate) struct Postmaster {
    pid: i32,
    socket: String,
}

impl Postmaster {
    fn of(folder: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(folder.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        let (pid, socket) = (lines.first()?.trim().parse().ok()?, lines.get(4)?.trim().to_owned());
        Some(Self { pid, socket })
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.pid), signal);
    }

    fn url(&self) -> String {
        format!("postgres:///countersign?host={}&user=countersign_owner", self.socket)
    }
}

/// The server of the tests: the address of one of its databases.
pub(crate) fn on_the_tests_server(database: &str) -> String {
    let url = std::env::var(SERVER).unwrap_or_else(|_| panic!("{SERVER} is not set: `make test` runs a server"));
    let (server, rest) = url.split_at(url.find("://").map_or(0, |scheme| scheme + 3));
    let (host, after) = rest.split_once('/').expect("the address names a database");
    let parameters = after.find('?').map_or("", |question| &after[question..]);
    format!("{server}{host}/{database}{parameters}")
}

/// A new and empty database on the server of the tests.
async fn new_database() -> Database {
    let name = format!("story_{}", Uuid::now_v7().simple());
    let mut server = PgConnection::connect(&on_the_tests_server("postgres")).await.unwrap();
    server.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    server.close().await.unwrap();
    let url = on_the_tests_server(&name);
    Database { name, url, is_pooled: false }
}
