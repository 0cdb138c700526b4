//! The database that is restored into.

use crate::backup::snapshot::{must_see_everything, server_major};
use crate::failure::Failure;
use countersign_domain::values::Timestamp;
use countersign_embedded::Client;
use countersign_eventstore::inspection;
use countersign_migrations::MIGRATOR;
use countersign_projections::{NodeState, living_nodes};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

/// Everything that the migrations make, in a database in which nothing is kept.
const EMPTY: &str = "DROP SCHEMA IF EXISTS ledger, vault, identity, read, process, node CASCADE;
                     DROP TABLE IF EXISTS public.countersign_restore, public.countersign_oldest_build,
                                          public._sqlx_migrations";

/// Since this major version `pg_restore` asks for a setting that older servers do not know.
const ASKS_FOR_MORE: u32 = 17;

/// A database, as its owner.
pub(super) struct Target {
    pub(super) connection: PgConnection,
    /// The major version of its server.
    major: u32,
}

impl Target {
    /// Connects to a server that can take what a server of a major version gave.
    pub(super) async fn open(owner: &PgConnectOptions, major: u32) -> Result<Self, Failure> {
        // What takes long here takes long for good reasons.
        let mut connection = PgConnection::connect_with(&owner.clone().disable_statement_logging())
            .await
            .map_err(|error| Failure::because("the database cannot be written", error))?;
        must_see_everything(&mut connection).await?;
        let own = server_major(&mut connection).await?;
        if own < major {
            return Err(Failure::say(format!(
                "the backup was taken from Postgres {major}, and this server is Postgres {own}: restore into Postgres \
                 {major} or newer"
            )));
        }
        Ok(Self { connection, major: own })
    }

    /// Whether a tool can load into this server.
    pub(super) fn must_take(&self, pg_restore: &Client) -> Result<(), Failure> {
        can_load(pg_restore.major, self.major)
    }

    /// Takes away what an interrupted restore left, and what was set up without an organization; refuses anything else.
    pub(super) async fn make_empty(&mut self) -> Result<(), Failure> {
        let nodes = self.nodes().await.map_err(failed)?;
        if let Some(node) = nodes.first() {
            return Err(Failure::say(format!("this database is being served by {}: stop its nodes first", node.name)));
        }
        if !self.may_be_emptied().await.map_err(failed)? {
            return Err(Failure::say(
                "there are organizations in this database already: restore into an empty one (another --database-url, or \
                 another --data-dir)",
            ));
        }
        self.connection.execute(EMPTY).await.map_err(failed)?;
        Ok(())
    }

    async fn nodes(&mut self) -> Result<Vec<NodeState>, sqlx::Error> {
        let has_nodes = "SELECT to_regnamespace('node') IS NOT NULL";
        match sqlx::query_scalar(has_nodes).fetch_one(&mut self.connection).await? {
            true => living_nodes(&mut self.connection).await,
            false => Ok(Vec::new()),
        }
    }

    async fn may_be_emptied(&mut self) -> Result<bool, sqlx::Error> {
        let connection = &mut self.connection;
        let is_there = "SELECT to_regclass('public.countersign_restore') IS NOT NULL";
        if sqlx::query_scalar(is_there).fetch_one(&mut *connection).await? {
            let unfinished = "SELECT EXISTS (SELECT FROM public.countersign_restore WHERE finished_at IS NULL)";
            if sqlx::query_scalar(unfinished).fetch_one(&mut *connection).await? {
                return Ok(true);
            }
        }
        let is_set_up = "SELECT to_regprocedure('ledger.heads()') IS NOT NULL";
        if !sqlx::query_scalar::<_, bool>(is_set_up).fetch_one(&mut *connection).await? {
            return Ok(true);
        }
        let heads = inspection::heads(connection).await;
        heads.map(|heads| heads.is_empty()).map_err(|error| sqlx::Error::Decode(Box::new(error)))
    }

    /// Applies these migrations, as far as they are not there yet: rows are loaded into the tables that they came from,
    /// and brought up from there.
    pub(super) async fn migrate_to(&mut self, migrations: &[i64]) -> Result<(), Failure> {
        let wanted = MIGRATOR.iter().filter(|one| migrations.contains(&one.version)).cloned().collect();
        self.migrate(&Migrator::with_migrations(wanted)).await
    }

    /// Applies all migrations of this build, and has the planner look at what was loaded.
    pub(super) async fn bring_up(&mut self) -> Result<(), Failure> {
        self.migrate(&MIGRATOR).await?;
        self.connection.execute("ANALYZE").await.map_err(failed)?;
        Ok(())
    }

    async fn migrate(&mut self, migrator: &Migrator) -> Result<(), Failure> {
        migrator.run(&mut self.connection).await.map_err(|error| {
            Failure::because("the database could not be set up (it needs an owner who may create roles)", error)
        })
    }

    /// From here on no build works on the database.
    pub(super) async fn is_unfinished(&mut self, taken_at: Timestamp) -> Result<(), Failure> {
        let statement = "INSERT INTO public.countersign_restore (taken_at) VALUES ($1)";
        sqlx::query(statement).bind(taken_at.as_utc()).execute(&mut self.connection).await.map_err(failed)?;
        Ok(())
    }

    /// From here on it is a database like any other.
    pub(super) async fn is_finished(&mut self) -> Result<(), Failure> {
        let statement = "UPDATE public.countersign_restore SET finished_at = now()";
        sqlx::query(statement).execute(&mut self.connection).await.map_err(failed)?;
        Ok(())
    }
}

fn can_load(tool: u32, server: u32) -> Result<(), Failure> {
    if tool < ASKS_FOR_MORE || server >= ASKS_FOR_MORE {
        return Ok(());
    }
    Err(Failure::say(format!(
        "pg_restore of Postgres {tool} cannot load into Postgres {server}: restore into Postgres {ASKS_FOR_MORE} or newer, \
         or take the backup with pg_dump of Postgres {server}, and restore it with the same"
    )))
}

fn failed(error: sqlx::Error) -> Failure {
    Failure::because("the database cannot be written", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::PgPool;

    #[test]
    fn a_tool_that_an_older_server_does_not_understand_is_refused_before_anything_is_loaded() {
        for (tool, server) in [(15, 15), (16, 15), (15, 18), (18, 17), (18, 18)] {
            assert!(can_load(tool, server).is_ok(), "{tool} into {server}");
        }
        assert!(can_load(18, 15).is_err() && can_load(17, 16).is_err());
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn emptying_a_database_takes_away_all_that_the_migrations_made(owner: PgPool) {
        owner.execute(EMPTY).await.unwrap();
        let statement =
            "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
                         UNION ALL SELECT nspname FROM pg_namespace
                         WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'public')";
        let left: Vec<String> = sqlx::query_scalar(statement).fetch_all(&owner).await.unwrap();
        assert_eq!(left, Vec::<String>::new());
        MIGRATOR.run(&owner).await.unwrap();
    }
}
