//! What was recorded, read as an auditor with a SQL prompt would: past the program, as a superuser.

use super::until::until;
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::collections::HashMap;
use uuid::Uuid;

/// One organization's ledger.
#[derive(Clone)]
pub(crate) struct Ledger {
    pool: PgPool,
    pub(crate) org: Uuid,
}

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) position: i64,
    pub(crate) event_type: String,
    pub(crate) envelope: Value,
}

impl Ledger {
    pub(crate) fn at(url: &str, org: Uuid) -> Self {
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy(url).unwrap();
        Self { pool, org }
    }

    /// Holds it still, as a node does that is slow: whoever would append to it waits until this is closed.
    pub(crate) async fn held(&self) -> PgConnection {
        let mut connection = PgConnection::connect_with(&self.pool.connect_options()).await.unwrap();
        connection.execute("BEGIN").await.unwrap();
        sqlx::query("SELECT ledger.lock($1)").bind(self.org).execute(&mut connection).await.unwrap();
        connection
    }

    /// Waits until somebody waits for it who would append to it, however long that takes.
    pub(crate) async fn is_waited_for(&self) {
        let statement = "SELECT EXISTS (
                 SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ledger.lock%'
             )";
        until("somebody who waits for a ledger", async || {
            sqlx::query_scalar::<_, bool>(statement).fetch_one(&self.pool).await.unwrap().then_some(())
        })
        .await;
    }

    /// All of it, in order.
    pub(crate) async fn entries(&self) -> Vec<Entry> {
        let statement = "SELECT position, type, envelope FROM ledger.event WHERE org_id = $1 ORDER BY position";
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as(statement).bind(self.org).fetch_all(&self.pool).await.unwrap();
        let entries = rows.into_iter().map(|(position, event_type, envelope)| {
            let envelope = serde_json::from_str(&envelope).expect("an envelope is JSON");
            Entry { position, event_type, envelope }
        });
        entries.collect()
    }

    /// The last position; 0 where nothing has happened, or nothing can have.
    pub(crate) async fn head(&self) -> i64 {
        let statement = "SELECT coalesce(max(position), 0) FROM ledger.event WHERE org_id = $1";
        sqlx::query_scalar(statement).bind(self.org).fetch_one(&self.pool).await.unwrap_or(0)
    }

    /// All of it, once its positions have been found to be 1..n, and the versions in each stream too.
    pub(crate) async fn gapless(&self) -> Vec<Entry> {
        let entries = self.entries().await;
        let mut versions: HashMap<String, i64> = HashMap::new();
        for (expected, entry) in (1..).zip(&entries) {
            assert_eq!(entry.position, expected, "there is a gap before {}", entry.event_type);
            assert_eq!(entry.envelope["position"], expected, "the envelope says otherwise");
            let version = versions.entry(entry.envelope["stream"].to_string()).or_default();
            *version += 1;
            assert_eq!(entry.envelope["version"], *version, "a version of {} is missing", entry.event_type);
        }
        entries
    }
}

impl Entry {
    /// The id of what it happened to.
    pub(crate) fn subject(&self) -> &str {
        self.envelope["stream"]["id"].as_str().expect("an event happened to something")
    }

    /// The id of whoever acted.
    pub(crate) fn actor(&self) -> &str {
        self.envelope["actor"]["id"].as_str().unwrap_or_default()
    }
}
