//! Whether the database is of this version, and whether it is a copy.

use crate::database::Database;
use crate::doctor::Finding;
use chrono::{DateTime, Utc};
use countersign_postgres::spanning;

const CHECK: &str = "migrations";

pub(super) async fn look(database: &Database) -> Finding {
    let version = match database.version().await {
        Ok(version) => version,
        Err(failure) => return Finding::failure(CHECK, failure.line(), "set the database up, or name another"),
    };
    if let Err(failure) = version.must_fit() {
        return Finding::failure(CHECK, failure.line(), "nothing else of the database was looked at");
    }
    match restored(database).await {
        Ok(None) => Finding::ok(CHECK, "the database is of this version"),
        Ok(Some(taken_at)) => {
            Finding::ok(CHECK, format!("the database is of this version, a copy of a backup of {taken_at}"))
        }
        Err(error) => Finding::unknown(CHECK, &error),
    }
}

/// When the backup was taken that this database is a copy of.
async fn restored(database: &Database) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let mut transaction = spanning(database.pool()).await?;
    let taken_at =
        sqlx::query_scalar("SELECT taken_at FROM public.countersign_restore").fetch_optional(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(taken_at)
}
