//! A private server with everything that makes a commit durable switched on, in a folder that is gone afterwards.

use countersign_embedded::{Cluster, OWNER, Options};
use countersign_eventstore::{Ledger, LedgerOptions, MasterKey, SystemClock, Vault};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

const FOLDER: &str = "target/bench/server";

/// The server under measurement.
pub(crate) struct Server {
    cluster: Option<Cluster>,
    pool: PgPool,
}

pub(crate) async fn start() -> Result<Server, Box<dyn Error>> {
    // What an interrupted run left behind would be measured along.
    remove()?;
    std::fs::create_dir_all(FOLDER)?;
    let cluster = Cluster::open(&PathBuf::from(FOLDER), Options::kept())?;
    let mut connection = PgConnection::connect(&cluster.url(OWNER, "postgres")).await?;
    connection.execute("CREATE DATABASE countersign").await?;
    connection.close().await?;
    let mut owner = PgConnection::connect(&cluster.url(OWNER, "countersign")).await?;
    countersign_migrations::MIGRATOR.run(&mut owner).await?;
    owner.close().await?;
    let options = PgConnectOptions::from_str(&cluster.url("countersign_app", "countersign"))?;
    let pool =
        PgPoolOptions::new().max_connections(24).acquire_timeout(Duration::from_secs(30)).connect_with(options).await?;
    Ok(Server { cluster: Some(cluster), pool })
}

impl Server {
    fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().expect("the server runs until it is dropped")
    }

    pub(crate) fn major(&self) -> u32 {
        self.cluster().major()
    }

    /// The folder of its programs.
    pub(crate) fn programs(&self) -> PathBuf {
        self.cluster().binaries().folder.clone()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.cluster().socket_dir()
    }

    pub(crate) async fn owner(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect(&self.cluster().url(OWNER, "countersign")).await
    }

    /// A node's ledger over it, as `countersign serve` runs one.
    pub(crate) fn ledger(&self) -> Ledger {
        let master = MasterKey::parse(&MasterKey::generate()).expect("a generated key reads");
        let vault = Vault::new(self.pool.clone(), master);
        Ledger::start(self.pool.clone(), vault, Arc::new(SystemClock), LedgerOptions::default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.cluster.take());
        if let Err(error) = remove() {
            eprintln!("bench: {FOLDER} could not be removed: {error}");
        }
    }
}

fn remove() -> std::io::Result<()> {
    match std::fs::remove_dir_all(FOLDER) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
