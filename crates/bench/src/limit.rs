//! What the same server does by itself: pgbench inserting one row of the same shape and indexes in each transaction.

use crate::Fallible;
use crate::installation::Installation;
use crate::server::Server;
use sqlx::{Connection, Executor};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

const SCRIPT: &str = "target/bench/insert.sql";

/// A table of the ledger's shape, and a script that inserts a row of the ledger's size.
pub(crate) async fn prepare(installation: &Installation) -> Fallible<()> {
    let mut owner = installation.owner().await?;
    owner
        .execute(
            "CREATE SCHEMA bench;
             CREATE SEQUENCE bench.position;
             CREATE TABLE bench.event (LIKE ledger.event INCLUDING ALL);",
        )
        .await?;
    let typical: String = sqlx::query_scalar(
        "SELECT envelope FROM ledger.event WHERE type = 'client.opened' ORDER BY length(envelope) DESC LIMIT 1",
    )
    .fetch_one(&mut owner)
    .await?;
    owner.close().await?;
    let insert = format!(
        "INSERT INTO bench.event (org_id, position, stream_kind, stream_id, version, type, recorded_at, envelope, leaf_hash)
         VALUES (gen_random_uuid(), nextval('bench.position'), 'client', gen_random_uuid(), 1, 'client.renamed', now(),
                 '{}', '\\x{}');\n",
        typical.replace('\'', "''"),
        "5a".repeat(32)
    );
    std::fs::write(SCRIPT, insert.replace('\n', " ").trim_end().to_owned() + "\n")?;
    Ok(())
}

/// Transactions per second with so many clients.
pub(crate) async fn inserts_per_second(
    server: &Server,
    installation: &Installation,
    clients: usize,
    lasting: Duration,
) -> Fallible<f64> {
    let mut command = Command::new(pgbench(server)?);
    command.args(["-n", "-M", "prepared", "-f", SCRIPT, "-U", "countersign_owner", "-h"]).arg(server.socket());
    command.args(["-c", &clients.to_string(), "-j", &clients.min(2).to_string()]);
    command.args(["-T", &lasting.as_secs().to_string(), &installation.database]);
    let output = command.kill_on_drop(true).output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| format!("pgbench gave no figure: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Beside the server's programs, or wherever the distribution keeps it.
fn pgbench(server: &Server) -> Fallible<PathBuf> {
    let beside = server.programs().join("pgbench");
    let anywhere = Path::new("/usr/bin/pgbench").to_owned();
    let found = [beside, anywhere].into_iter().find(|program| program.exists());
    found.ok_or_else(|| "pgbench was not found; install postgresql-contrib".into())
}
