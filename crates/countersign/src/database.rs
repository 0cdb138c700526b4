//! The database: the one that a URL names, or a private one in the data folder.

mod server;
pub(crate) mod version;

pub(crate) use server::mixes_up_plans;
pub(crate) use version::Version;

use crate::args::{Place, Pooler};
use crate::failure::Failure;
use countersign_embedded::{Cluster, OWNER, Options};
use countersign_migrations::MIGRATOR;
use countersign_postgres::{SESSION, spanning, through_pooler};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// As what the application works, whoever it connects as.
const APPLICATION_ROLE: &str = "countersign_app";
/// How many connections a node opens at most, on however large a machine.
pub(crate) const MOST_CONNECTIONS: u32 = 32;
/// How many of them for each core. They are used in turns, and each keeps plans and a cache of its own at the server: more
/// than are at work at once only push each other out of the processor.
const CONNECTIONS_A_CORE: usize = 6;
/// How many at least: lanes, followers, and whoever works things off hold one each while they work.
const LEAST_CONNECTIONS: usize = 12;
/// The database's name on a private server.
const NAME: &str = "countersign";
/// How long a command waits for a database that does not answer yet.
const PATIENCE: Duration = Duration::from_secs(60);
/// A pooled connection that was idle for longer is asked whether it still lives before it is used.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// Why the application cannot do anything in a database.
const CANNOT_WORK: &str = "the application cannot work in this database (`countersign migrate` sets it up; whoever \
                           connects must be countersign_app, or may become it: GRANT countersign_app TO ...)";
/// Between two looks at a private server.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// A database that is there, and the server behind it if it is ours.
pub(crate) struct Database {
    pool: PgPool,
    /// How its owner reaches it, with no pooler in between; nothing where we were not told.
    owner: Option<PgConnectOptions>,
    server: Option<Server>,
}

/// The private server; nothing once it is closed.
type Server = Arc<Mutex<Option<Cluster>>>;

impl Database {
    /// Connects; starts the private server first where no URL names another. Waits for a database that is not up yet.
    pub(crate) async fn open(place: &Place) -> Result<Self, Failure> {
        let database = Self::find(place).await?;
        // A private database is nobody else's to set up.
        if database.server.is_some() {
            database.migrate().await?;
        }
        Ok(database)
    }

    /// The same, and nothing is set up in it.
    pub(crate) async fn find(place: &Place) -> Result<Self, Failure> {
        match (&place.database_url, place.pooler) {
            (Some(url), pooler) => Self::at(url, place.owner_url.as_deref(), pooler).await,
            (None, None) => Self::private(&place.data_dir).await,
            (None, Some(Pooler::Transaction)) => {
                Err(Failure::say("--pooler says how --database-url is reached: name that too"))
            }
        }
    }

    /// The same, where there is a database already; none is made.
    pub(crate) async fn existing(place: &Place) -> Result<Self, Failure> {
        if place.database_url.is_none() && !Cluster::is_in(&place.data_dir) {
            return Err(Failure::say(format!(
                "there is no database in {}: name its data folder with --data-dir, or its address with --database-url",
                place.data_dir.display()
            )));
        }
        Self::find(place).await
    }

    async fn at(url: &str, owner_url: Option<&str>, pooler: Option<Pooler>) -> Result<Self, Failure> {
        let through = read_url("the database URL", url)?;
        let through = match pooler {
            None => through,
            Some(Pooler::Transaction) => through_pooler(through),
        };
        wait_for(&through).await?;
        let owner = match (owner_url, pooler) {
            (Some(url), _) => Some(read_url("the owner's URL", url)?),
            (None, None) => Some(through.clone()),
            (None, Some(Pooler::Transaction)) => None,
        };
        Ok(Self { pool: pool(through, pooler), owner, server: None })
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
        wait_for(&options(OWNER, "postgres")?).await?;
        make_database(&options(OWNER, "postgres")?).await?;
        let owner = options(OWNER, NAME)?;
        let pool = pool(options(APPLICATION_ROLE, NAME)?, None);
        Ok(Self { pool, owner: Some(owner), server: Some(Arc::new(Mutex::new(Some(server)))) })
    }

    /// The application's connections: bound by row security, without a right to write the ledger.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The folder of a private server's data.
    pub(crate) fn private_data(&self) -> Option<PathBuf> {
        self.server.as_ref().and_then(|server| hold(server).as_ref().map(Cluster::data))
    }

    /// How its owner reaches it, with no pooler in between.
    pub(crate) fn owner(&self) -> Result<&PgConnectOptions, Failure> {
        self.owner.as_ref().ok_or_else(|| {
            Failure::say(
                "this cannot be done through a pooler: name the database itself with --owner-url, as its owner",
            )
        })
    }

    /// Brings the database up to this version, as whoever the URL names.
    pub(crate) async fn migrate(&self) -> Result<(), Failure> {
        let Some(owner) = &self.owner else {
            return match self.version().await? {
                Version::Older => Err(Failure::say(
                    "the database is not of this version, and nothing is set up through a pooler: name the database \
                     itself with --owner-url, as its owner",
                )),
                version @ (Version::Current | Version::Unfinished | Version::Newer) => version.must_fit(),
            };
        };
        migrate(owner).await?;
        // Whoever the application connects as may be somebody else.
        self.version().await?.must_fit()
    }

    /// How it stands to this build, as far as the application may see.
    pub(crate) async fn version(&self) -> Result<Version, Failure> {
        let mut transaction = spanning(&self.pool).await.map_err(|error| Failure::because(CANNOT_WORK, error))?;
        let version = version::of(&mut transaction).await?;
        transaction.commit().await.map_err(|error| Failure::because(CANNOT_WORK, error))?;
        Ok(version)
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

fn read_url(what: &str, url: &str) -> Result<PgConnectOptions, Failure> {
    PgConnectOptions::from_str(url)
        .map_err(|_| Failure::say(format!("{what} does not read; write it like postgres://user:password@host/name")))
}

fn connections() -> u32 {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let wanted = (cores * CONNECTIONS_A_CORE).max(LEAST_CONNECTIONS);
    u32::try_from(wanted).map_or(MOST_CONNECTIONS, |wanted| wanted.min(MOST_CONNECTIONS))
}

fn pool(options: PgConnectOptions, pooler: Option<Pooler>) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections())
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
        .after_connect(move |connection, _| {
            Box::pin(async move {
                // Whoever we connect as, we work as somebody who may not write the ledger. Behind a pooler each
                // transaction says so for itself.
                if pooler.is_none() {
                    connection.execute(SESSION).await?;
                }
                Ok(())
            })
        })
        .connect_lazy_with(options)
}

async fn wait_for(options: &PgConnectOptions) -> Result<(), Failure> {
    let since = Instant::now();
    loop {
        match PgConnection::connect_with(options).await {
            Ok(mut connection) => {
                server::must_keep_plans_apart(&mut connection).await?;
                return connection.close().await.map_err(|error| Failure::because("the database failed", error));
            }
            Err(error) if error.to_string().contains("unsupported startup parameter") => {
                return Err(Failure::because(
                    "there is a pooler before the database: say with --pooler transaction that it hands connections on \
                     after each transaction, or let it ignore_startup_parameters = extra_float_digits where it keeps \
                     them for a session",
                    error,
                ));
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
    let failed = |error: sqlx::Error| Failure::because("the database could not be brought up to this version", error);
    let mut connection = PgConnection::connect_with(options).await.map_err(failed)?;
    match version::of(&mut connection).await? {
        Version::Older => {}
        version @ (Version::Current | Version::Unfinished | Version::Newer) => {
            connection.close().await.map_err(failed)?;
            return version.must_fit();
        }
    }
    MIGRATOR.run(&mut connection).await.map_err(|error| {
        let advice = "the database could not be brought up to this version (`countersign migrate` needs the database's \
                      owner, who may create roles)";
        Failure::because(advice, error)
    })?;
    connection.close().await.map_err(failed)
}
