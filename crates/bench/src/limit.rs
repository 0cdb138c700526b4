//! What the same server does by itself: pgbench inserting one row of the same shape and indexes in each transaction.

use crate::server::Server;
use sqlx::{Connection, Executor};
use std::error::Error;
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = "target/bench/insert.sql";

/// A table of the ledger's shape, and a script that inserts a row of the ledger's size.
pub(crate) async fn prepare(server: &Server) -> Result<(), Box<dyn Error>> {
    let mut owner = server.owner().await?;
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
pub(crate) fn inserts_per_second(server: &Server, clients: usize, seconds: u64) -> Result<f64, Box<dyn Error>> {
    let program = pgbench(server)?;
    let output = Command::new(program)
        .args(["-n", "-M", "prepared", "-f", SCRIPT, "-U", "countersign_owner", "-h"])
        .arg(server.socket())
        .args([
            "-c",
            &clients.to_string(),
            "-j",
            &clients.min(2).to_string(),
            "-T",
            &seconds.to_string(),
            "countersign",
        ])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| format!("pgbench gave no figure: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Beside the server's programs, or wherever the distribution keeps it.
fn pgbench(server: &Server) -> Result<std::path::PathBuf, Box<dyn Error>> {
    let beside = server.programs().join("pgbench");
    if beside.exists() {
        return Ok(beside);
    }
    let anywhere = Path::new("/usr/bin/pgbench");
    if anywhere.exists() {
        Ok(anywhere.to_owned())
    } else {
        Err("pgbench was not found; install postgresql-contrib".into())
    }
}
