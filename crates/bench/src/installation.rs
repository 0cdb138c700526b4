//! A database of the server under measurement, the firms in it, and the program over both.

use crate::Fallible;
use crate::firm::{self, Firm};
use crate::node::Node;
use crate::server::Server;
use countersign_eventstore::{Ledger, LedgerOptions, MasterKey, SystemClock, Vault};
use countersign_identity::server_key::ServerKey;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use std::fs::{File, remove_dir_all};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Beside the server's folder, and gone with what an interrupted run left.
const FOLDER: &str = "target/bench";
/// Between two looks at how far a node is: each reads the head of every ledger.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A node that gets nowhere for so long will not come to an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// One installation.
pub(crate) struct Installation {
    pub(crate) database: String,
    pub(crate) ledger: Ledger,
    pub(crate) firms: Vec<Firm>,
    owner_url: String,
    app_url: String,
    master_key: String,
}

impl Installation {
    /// With firms that have just been registered.
    pub(crate) async fn registered(server: &Server, name: &str, firms: usize) -> Fallible<Self> {
        let mut installation = Self::empty(server, name).await?;
        installation.firms = firm::register_many(&installation.ledger, firms).await?;
        Ok(installation)
    }

    /// With firms and their histories, made up by the program itself.
    pub(crate) async fn generated(server: &Server, name: &str, events: u64, organizations: u32) -> Fallible<Self> {
        eprintln!("bench: making up {events} events of {organizations} organizations");
        let mut installation = Self::empty(server, name).await?;
        let (events, organizations, began) = (events.to_string(), organizations.to_string(), Instant::now());
        installation.run(&["bench", "generate", "--events", &events, "--organizations", &organizations]).await?;
        let mut owner = installation.owner().await?;
        // What autovacuum would come to do in the middle of a measurement.
        sqlx::query("VACUUM ANALYZE").execute(&mut owner).await?;
        installation.firms = firm::find_many(&mut owner).await?;
        eprintln!("bench: that took {:.0} s", began.elapsed().as_secs_f64());
        Ok(installation)
    }

    async fn empty(server: &Server, name: &str) -> Fallible<Self> {
        server.make_database(name).await?;
        // What an interrupted run left behind.
        remove_dir_all(format!("{FOLDER}/{name}")).ok();
        let options = PgConnectOptions::from_str(&server.app_url(name))?;
        let pool = PgPoolOptions::new().max_connections(24).acquire_timeout(Duration::from_secs(30));
        let pool = pool.connect_with(options).await?;
        let master_key = MasterKey::generate().to_string();
        let ledger = ledger_over(pool, &master_key)?;
        let (owner_url, app_url) = (server.owner_url(name), server.app_url(name));
        Ok(Self { database: name.to_owned(), ledger, firms: Vec::new(), owner_url, app_url, master_key })
    }

    /// The database, past the program.
    pub(crate) async fn owner(&self) -> Fallible<PgConnection> {
        Ok(PgConnection::connect(&self.owner_url).await?)
    }

    /// The database's address for whoever may do what the application may.
    pub(crate) fn app_url(&self) -> &str {
        &self.app_url
    }

    /// The key that a node proves things with.
    pub(crate) fn server_key(&self) -> Fallible<ServerKey> {
        Ok(ServerKey::new(MasterKey::parse(&self.master_key)?.derive("server")))
    }

    /// A command line of the program.
    pub(crate) fn command(&self, arguments: &[&str]) -> Fallible<Command> {
        let mut command = Command::new(beside("countersign")?);
        command.env_clear().env("COUNTERSIGN_MASTER_KEY", &self.master_key);
        command.args(arguments).args(["--database-url", &self.owner_url, "--data-dir"]).arg(self.folder());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.log()?);
        Ok(command)
    }

    /// Runs the program to its end, and says for how long.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Fallible<Duration> {
        let mut command = tokio::process::Command::from(self.command(arguments)?);
        let began = Instant::now();
        let status = command.kill_on_drop(true).status().await?;
        let took = began.elapsed();
        let line = arguments.join(" ");
        if status.success() { Ok(took) } else { Err(self.complaint(&format!("`countersign {line}` failed"))) }
    }

    /// A node over it.
    pub(crate) async fn serve(&self) -> Fallible<Node> {
        let command = self.command(&["serve", "--listen", "127.0.0.1:0"])?;
        Node::start(command).await.map_err(|error| self.complaint(&error.to_string()))
    }

    /// Waits until a node has followed all that there is: while one catches up, nothing else can be measured.
    pub(crate) async fn settles(&self) -> Fallible<()> {
        let mut owner = self.owner().await?;
        let (mut left, mut since) = (u64::MAX, Instant::now());
        while left > 0 {
            let now = events_to_follow(&mut owner).await?;
            if now < left {
                (left, since) = (now, Instant::now());
            } else if since.elapsed() > PATIENCE {
                return Err(self.complaint(&format!("a node does not follow: {now} events are left")));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(format!("{FOLDER}/{}", self.database))
    }

    /// What the program says goes here.
    fn log(&self) -> Fallible<File> {
        Ok(File::options().create(true).append(true).open(format!("{FOLDER}/{}.log", self.database))?)
    }

    fn complaint(&self, what: &str) -> Box<dyn std::error::Error + Send + Sync> {
        format!("{what}: {FOLDER}/{}.log says why", self.database).into()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        remove_dir_all(self.folder()).ok();
    }
}

/// How much is left to be followed, in all groups together.
async fn events_to_follow(owner: &mut PgConnection) -> Fallible<u64> {
    let left: i64 = sqlx::query_scalar(
        r#"SELECT coalesce(sum(heads.head - coalesce(reached.position, 0)), 0)::bigint FROM ledger.heads() heads
           JOIN read.active_generation active ON active.org_id = heads.org_id AND active."group" <> 'access'
           LEFT JOIN read.checkpoint reached
             ON reached.org_id = heads.org_id AND reached."group" = active."group"
            AND reached.generation = active.generation"#,
    )
    .fetch_one(owner)
    .await?;
    Ok(left.unsigned_abs())
}

/// A node's ledger over a database, as `countersign serve` runs one.
pub(crate) fn ledger_over(pool: PgPool, master_key: &str) -> Fallible<Ledger> {
    let vault = Vault::new(pool.clone(), MasterKey::parse(master_key)?);
    Ok(Ledger::start(pool, vault, Arc::new(SystemClock), LedgerOptions::default()))
}

/// A program that was built together with this one.
pub(crate) fn beside(name: &str) -> Fallible<PathBuf> {
    let program = std::env::current_exe()?.with_file_name(name);
    if program.is_file() {
        return Ok(program);
    }
    Err(format!("{} is not there: `make bench` builds it", program.display()).into())
}
