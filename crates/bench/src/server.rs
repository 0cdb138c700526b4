//! A private server with everything that makes a commit durable switched on, in a folder that is gone afterwards.

use crate::Fallible;
use countersign_embedded::{Cluster, OWNER, Options};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::fs::{create_dir_all, remove_dir_all};
use std::io;
use std::path::{Path, PathBuf};

const FOLDER: &str = "target/bench/server";
/// The installations of a run, the nodes of theirs and pgbench connect at the same time.
const CONNECTIONS: u16 = 250;

/// The server under measurement.
pub(crate) struct Server {
    cluster: Option<Cluster>,
}

pub(crate) fn start() -> Fallible<Server> {
    // What an interrupted run left behind would be measured along.
    remove()?;
    create_dir_all(FOLDER)?;
    let options = Options { max_connections: CONNECTIONS, ..Options::kept() };
    Ok(Server { cluster: Some(Cluster::open(Path::new(FOLDER), options)?) })
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

    /// Makes a database with everything that Countersign keeps in one.
    pub(crate) async fn make_database(&self, name: &str) -> Fallible<()> {
        let mut anywhere = PgConnection::connect(&self.cluster().owner_url()).await?;
        anywhere.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
        anywhere.close().await?;
        let mut owner = PgConnection::connect(&self.owner_url(name)).await?;
        countersign_migrations::MIGRATOR.run(&mut owner).await?;
        Ok(owner.close().await?)
    }

    /// A database's address as its owner.
    pub(crate) fn owner_url(&self, database: &str) -> String {
        self.cluster().url(OWNER, database)
    }

    /// A database's address as the application.
    pub(crate) fn app_url(&self, database: &str) -> String {
        self.cluster().url("countersign_app", database)
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

fn remove() -> io::Result<()> {
    match remove_dir_all(FOLDER) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
