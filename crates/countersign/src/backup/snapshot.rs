//! One moment of the database, which the dump and the manifest both show.

use crate::database::version;
use crate::failure::Failure;
use chrono::{DateTime, Utc};
use countersign_domain::values::Timestamp;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row};

/// A transaction that shows one moment for as long as it is open.
pub(crate) struct Snapshot {
    pub(crate) connection: PgConnection,
    /// The name by which other connections come to see the same moment.
    pub(crate) name: String,
    pub(crate) taken_at: Timestamp,
    /// The major version of the server.
    pub(crate) postgres: u32,
    pub(crate) migrations: Vec<i64>,
}

impl Snapshot {
    /// Begins, as somebody who sees every organization's rows.
    pub(crate) async fn begin(owner: &PgConnectOptions) -> Result<Self, Failure> {
        let failed = |error: sqlx::Error| Failure::because("the database cannot be read", error);
        // What takes long here takes long for good reasons.
        let mut connection =
            PgConnection::connect_with(&owner.clone().disable_statement_logging()).await.map_err(failed)?;
        must_see_everything(&mut connection).await?;
        // The dump takes as long as it takes.
        let patient = "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0";
        connection.execute(patient).await.map_err(failed)?;
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await.map_err(failed)?;
        let row = connection.fetch_one("SELECT pg_export_snapshot(), now()").await.map_err(failed)?;
        let (name, taken_at): (String, DateTime<Utc>) = (row.get(0), row.get(1));
        let postgres = server_major(&mut connection).await?;
        let migrations = version::applied(&mut connection).await.map_err(failed)?;
        Ok(Self { connection, name, taken_at: taken_at.into(), postgres, migrations })
    }

    pub(crate) async fn end(self) -> Result<(), Failure> {
        self.connection.close().await.map_err(|error| Failure::because("the database failed", error))
    }
}

/// Row security would hide what a backup must hold.
pub(crate) async fn must_see_everything(connection: &mut PgConnection) -> Result<(), Failure> {
    let statement = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
    let sees_everything: bool = sqlx::query_scalar(statement)
        .fetch_one(connection)
        .await
        .map_err(|error| Failure::because("the database cannot be read", error))?;
    if sees_everything {
        return Ok(());
    }
    Err(Failure::say(
        "whoever backs up or restores must see every organization's rows: name the database's owner with --owner-url, a \
         superuser or a role with BYPASSRLS",
    ))
}

/// The major version of a server.
pub(crate) async fn server_major(connection: &mut PgConnection) -> Result<u32, Failure> {
    let statement = "SELECT current_setting('server_version_num')::integer / 10000";
    let major: i32 = sqlx::query_scalar(statement)
        .fetch_one(connection)
        .await
        .map_err(|error| Failure::because("the server's version is unknown", error))?;
    Ok(major.unsigned_abs())
}
