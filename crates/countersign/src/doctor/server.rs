//! How the server is set: whether what it acknowledges is on the disk, and whether it has room for our connections.

use crate::args::Pooler;
use crate::database::{MOST_CONNECTIONS, mixes_up_plans};
use crate::doctor::Finding;
use countersign_embedded::OLDEST_MAJOR;
use countersign_postgres::spanning;
use countersign_projections::living_nodes;
use sqlx::{PgConnection, PgPool};
use std::collections::HashMap;

/// Settings that are asked, by the names that the server gives them.
const ASKED: [&str; 7] = [
    "server_version_num",
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "wal_level",
    "max_connections",
    "superuser_reserved_connections",
];

/// How a server is set.
#[derive(Debug)]
struct Settings {
    by_name: HashMap<String, String>,
    is_standby: bool,
    nodes: usize,
}

pub(super) async fn look(pool: &PgPool, pooler: Option<Pooler>) -> Vec<Finding> {
    match settings(pool).await {
        Ok(settings) => {
            let mut findings = vec![settings.version(), settings.durability(), settings.archive()];
            // Behind a pooler, it is the pooler that connects.
            findings.extend(pooler.is_none().then(|| settings.connections()));
            findings
        }
        Err(error) => vec![Finding::unknown("server", &error)],
    }
}

async fn settings(pool: &PgPool) -> Result<Settings, sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    let asked = ASKED.map(str::to_owned);
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT name, setting FROM pg_settings WHERE name = ANY ($1)")
        .bind(asked.as_slice())
        .fetch_all(&mut *transaction)
        .await?;
    let is_standby = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&mut *transaction).await?;
    let nodes = nodes(&mut transaction).await?;
    transaction.commit().await?;
    Ok(Settings { by_name: rows.into_iter().collect(), is_standby, nodes })
}

/// How many nodes live, where the database knows of nodes.
async fn nodes(connection: &mut PgConnection) -> Result<usize, sqlx::Error> {
    let has_nodes = "SELECT to_regnamespace('node') IS NOT NULL";
    match sqlx::query_scalar(has_nodes).fetch_one(&mut *connection).await? {
        true => Ok(living_nodes(connection).await?.len()),
        false => Ok(0),
    }
}

impl Settings {
    fn named(&self, name: &str) -> &str {
        self.by_name.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> usize {
        self.named(name).parse().unwrap_or(0)
    }

    fn version(&self) -> Finding {
        const CHECK: &str = "server";
        let major = self.number("server_version_num") / 10_000;
        if self.is_standby {
            let line = "this server is a standby, which cannot be written";
            return Finding::failure(
                CHECK,
                line,
                "name the server that is written to, or the address that leads to it",
            );
        }
        if major < OLDEST_MAJOR as usize {
            let line = format!("Postgres {major} is too old");
            return Finding::failure(CHECK, line, format!("upgrade the server to Postgres {OLDEST_MAJOR} or newer"));
        }
        if let Some(mended) = mixes_up_plans(self.number("server_version_num")) {
            let line = format!("this release of Postgres {major} may use one role's plan for another (CVE-2024-10976)");
            return Finding::failure(CHECK, line, format!("upgrade the server to Postgres {mended} or newer"));
        }
        Finding::ok(CHECK, format!("Postgres {major}"))
    }

    fn durability(&self) -> Finding {
        const CHECK: &str = "durability";
        let told = |name: &str| format!("{name} is {}", self.named(name));
        for name in ["fsync", "full_page_writes"] {
            if self.named(name) != "on" {
                let advice = format!("set {name} = on, and restore what a power cut may have damaged");
                return Finding::failure(CHECK, format!("{}: a power cut can damage every ledger", told(name)), advice);
            }
        }
        match self.named("synchronous_commit") {
            "off" => Finding::failure(
                CHECK,
                "synchronous_commit is off: what was acknowledged can be lost",
                "set synchronous_commit = on, for the server, this database and this role",
            ),
            "local" => Finding::warning(
                CHECK,
                "synchronous_commit is local: a failover can lose what was acknowledged",
                "set synchronous_commit = on where there is a synchronous standby",
            ),
            set => Finding::ok(CHECK, format!("fsync and full_page_writes are on, synchronous_commit is {set}")),
        }
    }

    fn archive(&self) -> Finding {
        const CHECK: &str = "wal_level";
        match self.named("wal_level") {
            "minimal" => Finding::warning(
                CHECK,
                "wal_level is minimal: there can be no standby, and no copy between two backups",
                "set wal_level = replica",
            ),
            level => Finding::ok(CHECK, format!("wal_level is {level}")),
        }
    }

    fn connections(&self) -> Finding {
        const CHECK: &str = "connections";
        let most = self.number("max_connections").saturating_sub(self.number("superuser_reserved_connections"));
        let nodes = self.nodes.max(1);
        let wanted = nodes * MOST_CONNECTIONS as usize;
        let line = format!("the server takes {most} connections, and {nodes} nodes open up to {wanted}");
        if wanted > most {
            let advice = format!("set max_connections to {} or more, or put a pooler before it", wanted + 12);
            return Finding::warning(CHECK, line, advice);
        }
        Finding::ok(CHECK, line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn server(changed: &[(&str, &str)], nodes: usize) -> Settings {
        let usual = [
            ("server_version_num", "170002"),
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("synchronous_commit", "on"),
            ("wal_level", "replica"),
            ("max_connections", "100"),
            ("superuser_reserved_connections", "3"),
        ];
        let all = usual.iter().chain(changed).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings { by_name: all.collect(), is_standby: false, nodes }
    }

    #[test]
    fn a_server_that_may_lose_what_it_acknowledged_is_a_failure() {
        assert_eq!(server(&[], 1).durability().state, State::Ok);
        for (setting, value) in [("fsync", "off"), ("full_page_writes", "off"), ("synchronous_commit", "off")] {
            let finding = server(&[(setting, value)], 1).durability();
            assert_eq!(finding.state, State::Failure);
            assert!(finding.line.contains(setting) && finding.advice.unwrap().contains(setting));
        }
        assert_eq!(server(&[("synchronous_commit", "local")], 1).durability().state, State::Warning);
    }

    #[test]
    fn a_server_that_is_too_old_too_small_or_no_standbys_source_is_told() {
        assert_eq!(server(&[("server_version_num", "140009")], 1).version().state, State::Failure);
        let careless = server(&[("server_version_num", "150008")], 1).version();
        assert_eq!((careless.state, careless.advice.unwrap().contains("15.9")), (State::Failure, true));
        assert_eq!(server(&[("wal_level", "minimal")], 1).archive().state, State::Warning);
        assert_eq!(server(&[], 3).connections().state, State::Ok);
        let crowded = server(&[], 4).connections();
        assert_eq!(crowded.state, State::Warning);
        assert!(crowded.line.contains("97 connections, and 4 nodes open up to 128"), "{}", crowded.line);
    }
}
