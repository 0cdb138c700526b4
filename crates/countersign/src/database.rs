//! The database: the one that a URL names, or a private one in the data folder.

use crate::args::Place;
use crate::failure::Failure;
use countersign_embedded::{Cluster, OWNER, Options};
use countersign_migrations::MIGRATOR;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// As what the application works, whoever it connects as.
const APPLICATION_ROLE: &str = "countersign_app";
/// The database's name on a private server.
const NAME: &str = "countersign";
/// How long a command waits for a database that does not answer yet.
const PATIENCE: Duration = Duration::from_secs(60);
/// A pooled connection that was idle for longer is asked whether it still lives before it is used.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// Between two looks at a private server.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// A database that is there, and the server behind it if it is ours.
pub(crate) struct Database {
    pool: PgPool,
    owner: PgConnectOptions,
    server: Option<Server>,
}

/// The private server; nothing once it is closed.
type Server = Arc<Mutex<Option<Cluster>>>;

impl Database {
    /// Connects; starts the private server first where no URL names another. Waits for a database that is not up yet.
    pub(crate) async fn open(place: &Place) -> Result<Self, Failure> {
        match &place.database_url {
            Some(url) => Self::at(url).await,
            None => Self::private(&place.data_dir).await,
        }
    }

    async fn at(url: &str) -> Result<Self, Failure> {
        let owner = PgConnectOptions::from_str(url).map_err(|_| {
            Failure::say("the database URL does not read; write it like postgres://user:password@host/name")
        })?;
        wait_for(&owner).await?;
        let pool = pool(owner.clone());
        Ok(Self { pool, owner, server: None })
    }

    async fn private(data_dir: &Path) -> Result<Self, Failure> {
        let folder = data_dir.to_owned();
        let server = tokio::task::spawn_blocking(move || Cluster::open(&folder, Options::kept()))
            .await
            .map_err(|error| Failure::because("the private database failed", error))?
            .map_err(|error| Failure::because("the private database could not be started", error))?;
        let options = |user: &str, database: &str| {
            PgConnectOptions::from_str(&server.url(user, database))
                .map_err(|error| Failure::because("the private database's address does not read", error))
        };
        make_database(&options(OWNER, "postgres")?).await?;
        let owner = options(OWNER, NAME)?;
        migrate(&owner).await?;
        let pool = pool(options(APPLICATION_ROLE, NAME)?);
        Ok(Self { pool, owner, server: Some(Arc::new(Mutex::new(Some(server)))) })
    }

    /// The application's connections: bound by row security, without a right to write the ledger.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Brings the database up to this version, as whoever the URL names.
    pub(crate) async fn migrate(&self) -> Result<(), Failure> {
        migrate(&self.owner).await
    }

    /// Makes sure that the database is of this version: brings it up where we may, and says so where we may not.
    pub(crate) async fn bring_up(&self) -> Result<(), Failure> {
        self.migrate().await
    }

    /// Closes the connections, and stops the private server if nobody else uses it.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.pool.close().await;
        let Some(server) = self.server else { return Ok(()) };
        let closing = move || hold(&server).take().map_or(Ok(()), Cluster::close);
        tokio::task::spawn_blocking(closing)
            .await
            .map_err(|error| Failure::because("the private database failed", error))?
            .map_err(|error| Failure::because("the private database could not be stopped", error))
    }

    /// Brings a private server back that was killed, for as long as this is awaited.
    pub(crate) async fn watch(&self) {
        let Some(server) = self.server.clone() else { return std::future::pending().await };
        loop {
            tokio::time::sleep(WATCH_EVERY).await;
            let server = server.clone();
            let look = move || hold(&server).as_mut().map(|cluster| cluster.ensure_running());
            match tokio::task::spawn_blocking(look).await {
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => {
                    tracing::error!(error = %error, "the private database could not be brought back; trying again");
                }
                Ok(None) | Err(_) => return std::future::pending().await,
            }
        }
    }
}

fn hold(server: &Server) -> MutexGuard<'_, Option<Cluster>> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(32)
        .acquire_timeout(Duration::from_secs(5))
        // A connection that was in use a moment ago lives; asking each time would cost a round trip as long as a read.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                // Whoever we connect as, we work as somebody who may not write the ledger.
                connection.execute("SET ROLE countersign_app").await?;
                Ok(())
            })
        })
        .connect_lazy_with(options)
}

async fn wait_for(options: &PgConnectOptions) -> Result<(), Failure> {
    let since = Instant::now();
    loop {
        match PgConnection::connect_with(options).await {
            Ok(connection) => {
                return connection.close().await.map_err(|error| Failure::because("the database failed", error));
            }
            Err(error) if is_there_but_refuses(&error) || since.elapsed() > PATIENCE => {
                return Err(Failure::because("the database cannot be used", error));
            }
            Err(error) => {
                eprintln!("countersign: the database does not answer yet ({error}); trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// A wrong password or name will not come right by waiting; a server that is starting up will.
fn is_there_but_refuses(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| {
        let starting_up = code.starts_with("57") || code.starts_with("53");
        !starting_up
    })
}

async fn make_database(options: &PgConnectOptions) -> Result<(), Failure> {
    let failed = |error: sqlx::Error| Failure::because("the private database could not be made", error);
    let mut connection = PgConnection::connect_with(options).await.map_err(failed)?;
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(NAME)
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if !there {
        match connection.execute("CREATE DATABASE countersign").await {
            Ok(_) => {}
            // Another process of ours was faster.
            Err(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("42P04" | "23505")) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    connection.close().await.map_err(failed)
}

/// Nobody needs to be the owner of a database that needs nothing done to it.
async fn migrate(options: &PgConnectOptions) -> Result<(), Failure> {
    match version(options).await? {
        Version::Older => {}
        Version::Current => return Ok(()),
        Version::Newer => {
            return Err(Failure::say(format!(
                "the database belongs to a newer version of Countersign than {}: run that version or a newer one",
                env!("CARGO_PKG_VERSION")
            )));
        }
    }
    let failed = |error: sqlx::Error| Failure::because("the database could not be brought up to this version", error);
    let mut connection = PgConnection::connect_with(options).await.map_err(failed)?;
    MIGRATOR.run(&mut connection).await.map_err(|error| {
        let advice = "the database could not be brought up to this version (`countersign migrate` needs the database's \
                      owner, who may create roles)";
        Failure::because(advice, error)
    })?;
    connection.close().await.map_err(failed)
}

/// How a database stands to this build.
enum Version {
    /// It lacks a migration of this build, or has none at all.
    Older,
    /// It has this build's migrations, and perhaps some of a newer build that leave this one what it needs.
    Current,
    /// It has become something that this build cannot work on.
    Newer,
}

async fn version(options: &PgConnectOptions) -> Result<Version, Failure> {
    let failed = |error: sqlx::Error| Failure::because("the database's version could not be read", error);
    let mut connection = PgConnection::connect_with(options).await.map_err(failed)?;
    let there: bool = sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if !there {
        connection.close().await.map_err(failed)?;
        return Ok(Version::Older);
    }
    let applied = sqlx::query_scalar("SELECT version FROM public._sqlx_migrations WHERE success");
    let applied: Vec<i64> = match applied.fetch_all(&mut connection).await {
        Ok(applied) => applied,
        // The application may look since a migration that this database then lacks.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => return Ok(Version::Older),
        Err(error) => return Err(failed(error)),
    };
    let known: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    let lacks_one = known.iter().any(|version| !applied.contains(version));
    let is_beyond_us = match applied.iter().any(|version| !known.contains(version)) {
        true => oldest_build(&mut connection).await.map_err(failed)? > known.iter().max().copied().unwrap_or_default(),
        false => false,
    };
    connection.close().await.map_err(failed)?;
    Ok(if is_beyond_us {
        Version::Newer
    } else if lacks_one {
        Version::Older
    } else {
        Version::Current
    })
}

/// The migration that a build must know to work on this database.
async fn oldest_build(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT migration FROM public.countersign_oldest_build").fetch_one(connection).await
}
