//! How a database stands to this build: by the migrations that each of them knows.

use crate::failure::Failure;
use countersign_migrations::MIGRATOR;
use sqlx::PgConnection;

/// The migration since which a database says whether it is a whole copy of a backup.
const RESTORES: i64 = 20_261_126_000_600;

/// How a database stands to this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// It lacks a migration of this build, or has none at all.
    Older,
    /// It has this build's migrations, and perhaps some of a newer build that leave this one what it needs.
    Current,
    /// It is an unfinished copy of a backup.
    Unfinished,
    /// It has become something that this build cannot work on.
    Newer,
}

impl Version {
    /// Says what to do where this build cannot work on the database.
    pub(crate) fn must_fit(self) -> Result<(), Failure> {
        match self {
            Self::Current => Ok(()),
            Self::Older => {
                Err(Failure::say("the database lacks migrations of this version: run `countersign migrate`"))
            }
            Self::Unfinished => Err(Failure::say(
                "a restore into this database has not been finished: run `countersign restore` again, it begins anew",
            )),
            Self::Newer => Err(Failure::say(format!(
                "the database belongs to a newer version of Countersign than {}: run that version or a newer one",
                env!("CARGO_PKG_VERSION")
            ))),
        }
    }
}

/// Looks, as whoever is connected.
pub(crate) async fn of(connection: &mut PgConnection) -> Result<Version, Failure> {
    look(connection).await.map_err(|error| Failure::because("the database's version could not be read", error))
}

async fn look(connection: &mut PgConnection) -> Result<Version, sqlx::Error> {
    let is_there = "SELECT to_regclass('public._sqlx_migrations') IS NOT NULL";
    let has_migrations: bool = sqlx::query_scalar(is_there).fetch_one(&mut *connection).await?;
    if !has_migrations {
        return Ok(Version::Older);
    }
    let applied = match applied(connection).await {
        Ok(applied) => applied,
        // The application may look since a migration that this database then lacks.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => return Ok(Version::Older),
        Err(error) => return Err(error),
    };
    let known: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    let newest = known.iter().max().copied().unwrap_or_default();
    if applied.contains(&RESTORES) && is_unfinished(connection).await? {
        return Ok(Version::Unfinished);
    }
    let is_beyond_us = match applied.iter().any(|version| !known.contains(version)) {
        true => oldest_build(connection).await? > newest,
        false => false,
    };
    Ok(if is_beyond_us {
        Version::Newer
    } else if known.iter().any(|version| !applied.contains(version)) {
        Version::Older
    } else {
        Version::Current
    })
}

/// Which migrations a database has, in their order.
pub(crate) async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
    let statement = "SELECT version FROM public._sqlx_migrations WHERE success ORDER BY version";
    sqlx::query_scalar(statement).fetch_all(connection).await
}

async fn is_unfinished(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let statement = "SELECT EXISTS (SELECT FROM public.countersign_restore WHERE finished_at IS NULL)";
    sqlx::query_scalar(statement).fetch_one(connection).await
}

/// The migration that a build must know to work on a database.
async fn oldest_build(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT migration FROM public.countersign_oldest_build").fetch_one(connection).await
}
