//! Every change of the database's shape, in order, as the folder `migrations` holds them.
//!
//! A crate of its own, without a checked statement in it, so that a database can be set up before the first statement of
//! the others is checked against it.
#![warn(missing_docs)]

/// The changes.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");
