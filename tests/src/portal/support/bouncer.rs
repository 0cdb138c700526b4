//! A PgBouncer in transaction mode before the server of the tests: few connections to it, shared by all that come.

use super::installation::on_the_tests_server;
use super::until::until;
use nix::unistd::{Uid, User, geteuid};
use sqlx::{Connection, Executor, PgConnection};
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// Who connects: nobody who may do anything without becoming the application.
pub(crate) const LOGIN: &str = "countersign_pooled_login";
/// Somebody who may not even become that.
pub(crate) const STRANGER: &str = "countersign_pooled_stranger";
/// How many connections to the server one database gets: fewer than any node holds.
const CONNECTIONS: usize = 5;

/// Its process, until it is dropped.
pub(crate) struct Bouncer {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Bouncer {
    pub(crate) async fn before_the_server() -> Self {
        make_logins().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let settings = folder.path().join("pgbouncer.ini");
        let users = folder.path().join("users.txt");
        std::fs::write(&users, format!("\"{LOGIN}\" \"\"\n\"{STRANGER}\" \"\"\n")).unwrap();
        std::fs::write(&settings, settings_of(port, &users)).unwrap();
        let mut command = Command::new(program());
        // Root may not run it; whoever owns the server's socket gets there.
        if geteuid().is_root() {
            command.args(["-u", &owner_of(&socket_folder())]);
        }
        let process = command.arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let bouncer = Self { process: process.unwrap(), port, _folder: folder };
        until("a pooler that listens", async || TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
        bouncer
    }

    /// A database of the server, as somebody reaches it through the pooler.
    pub(crate) fn url(&self, login: &str, database: &str) -> String {
        format!("postgres://{login}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn settings_of(port: u16, users: &Path) -> String {
    format!(
        "[databases]\n* = host={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = {CONNECTIONS}\n\
         max_client_conn = 1000\n",
        socket_folder().display(),
        users.display()
    )
}

/// Logins belong to the whole server, and several stories make them at once.
async fn make_logins() {
    let mut server = PgConnection::connect(&on_the_tests_server("postgres")).await.unwrap();
    let statement = format!(
        "DO $$ BEGIN CREATE ROLE {LOGIN} LOGIN NOINHERIT IN ROLE countersign_app;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         DO $$ BEGIN CREATE ROLE {STRANGER} LOGIN;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    );
    server.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    server.close().await.unwrap();
}

fn program() -> PathBuf {
    let mut places: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    // Debian puts it where only administrators look.
    places.push("/usr/sbin".into());
    let found = places.into_iter().map(|place| place.join("pgbouncer")).find(|program| program.is_file());
    found.expect("pgbouncer is installed: scripts/setup.sh sees to it")
}

fn socket_folder() -> PathBuf {
    let url = on_the_tests_server("postgres");
    let folder = url.split_once("host=").expect("the server of the tests has a socket").1;
    PathBuf::from(folder.split('&').next().unwrap())
}

fn owner_of(folder: &Path) -> String {
    let owner = Uid::from_raw(std::fs::metadata(folder).unwrap().uid());
    User::from_uid(owner).unwrap().expect("the server's user has a name").name
}
