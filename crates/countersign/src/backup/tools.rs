//! Postgres's own tools, run on a database: `pg_dump` and `pg_restore`.

use crate::failure::Failure;
use countersign_embedded::{Client, binaries_from_environment, find_client};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// What a tool may know of our environment: how to find its libraries. Secrets of ours are among the rest.
const PASSED_ON: [&str; 5] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME", "TMPDIR"];
/// How long a dump waits for a table that somebody changes.
const WAITS_FOR_LOCKS_MS: &str = "60000";
/// How much of what a tool complains of is told.
const LAST_WORDS: usize = 3;

/// Which tables' rows are dumped.
pub(crate) struct Rows<'a> {
    /// As patterns: `identity.*`.
    pub(crate) of: &'a [&'a str],
    pub(crate) without: &'a [&'a str],
}

/// The tool for servers of a major version, or for what a tool of that version wrote.
pub(crate) fn find(name: &'static str, major: u32) -> Result<Client, Failure> {
    find_client(name, major, binaries_from_environment().as_deref())
        .map_err(|error| Failure::because("the database's tools are needed", error))
}

/// Writes rows into a file, as a snapshot shows them.
pub(crate) async fn dump(
    pg_dump: &Client,
    database: &PgConnectOptions,
    snapshot: &str,
    rows: Rows<'_>,
    into: File,
) -> Result<(), Failure> {
    let mut command = tool(pg_dump, database);
    command.args(["--format=custom", "--data-only", "--no-password", "--lock-wait-timeout", WAITS_FOR_LOCKS_MS]);
    // A row goes to the partition that the restored server says, whatever its machine.
    command.args(["--load-via-partition-root", "--snapshot", snapshot]);
    for table in rows.of {
        command.args(["--table", table]);
    }
    for table in rows.without {
        command.args(["--exclude-table", table]);
    }
    run("pg_dump", command.stdout(into)).await
}

/// Loads what was dumped into tables that are there, all of it or nothing.
pub(crate) async fn load(pg_restore: &Client, database: &PgConnectOptions, data: &Path) -> Result<(), Failure> {
    let mut command = tool(pg_restore, database);
    command.args(["--data-only", "--single-transaction", "--exit-on-error", "--no-password", "--dbname"]);
    command.arg(database.get_database().unwrap_or(database.get_username())).arg(data).stdout(Stdio::null());
    run("pg_restore", &mut command).await
}

async fn run(name: &str, command: &mut Command) -> Result<(), Failure> {
    let running = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let running = running.map_err(|error| Failure::because(&format!("{name} cannot be run"), error))?;
    let ended = running.wait_with_output().await.map_err(|error| Failure::because(&format!("{name} failed"), error))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last_words = match lines.len() {
        0 => ended.status.to_string(),
        all => lines[all.saturating_sub(LAST_WORDS)..].join("; "),
    };
    Err(Failure::say(format!("{name} failed: {last_words}")))
}

/// A tool that finds the database in its environment: a command line can be read by everybody on the machine.
fn tool(client: &Client, database: &PgConnectOptions) -> Command {
    let mut command = Command::new(&client.program);
    command.env_clear();
    command.envs(PASSED_ON.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(address(database)).env("LC_ALL", "C").env("PGAPPNAME", "countersign-backup");
    command
}

fn address(database: &PgConnectOptions) -> Vec<(&'static str, OsString)> {
    let host =
        database.get_socket().map_or_else(|| database.get_host().into(), |socket| socket.clone().into_os_string());
    let name = database.get_database().unwrap_or(database.get_username());
    let mut address: Vec<(&'static str, OsString)> = vec![
        ("PGHOST", host),
        ("PGPORT", database.get_port().to_string().into()),
        ("PGUSER", database.get_username().into()),
        ("PGDATABASE", name.into()),
        ("PGSSLMODE", ssl_mode(database.get_ssl_mode()).into()),
    ];
    // What has no getter stands in the address.
    let url = database.to_url_lossy();
    if let Some(password) = url.password() {
        let password = percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned();
        address.push(("PGPASSWORD", password.into()));
    }
    for (name, value) in url.query_pairs() {
        let variable = match &*name {
            "sslrootcert" => "PGSSLROOTCERT",
            "sslcert" => "PGSSLCERT",
            "sslkey" => "PGSSLKEY",
            _ => continue,
        };
        // A certificate that is written into the address itself has no file that a tool could read.
        address.extend(value.strip_prefix("file: ").map(|file| (variable, file.into())));
    }
    address
}

fn ssl_mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    #[test]
    fn a_tool_is_told_in_its_environment_where_the_database_is_and_with_which_password() {
        let url = "postgres://ada:p%40ss%2Fword@db.example:6432/portal?sslmode=verify-full&sslrootcert=/etc/ca.pem";
        let told = address(&PgConnectOptions::from_str(url).unwrap());
        for expected in [
            ("PGHOST", "db.example"),
            ("PGPORT", "6432"),
            ("PGUSER", "ada"),
            ("PGDATABASE", "portal"),
            ("PGSSLMODE", "verify-full"),
            ("PGPASSWORD", "p@ss/word"),
            ("PGSSLROOTCERT", "/etc/ca.pem"),
        ] {
            assert!(told.contains(&(expected.0, expected.1.into())), "{expected:?} in {told:?}");
        }
    }

    #[test]
    fn a_socket_is_a_host_like_any_other() {
        let url = "postgres:///countersign?host=/tmp/a%20b&user=owner&port=5432";
        let told = address(&PgConnectOptions::from_str(url).unwrap());
        assert!(told.contains(&("PGHOST", "/tmp/a b".into())), "{told:?}");
    }

    #[tokio::test]
    async fn a_tool_that_fails_is_quoted_in_one_line() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'pg_dump: error: no space' >&2; echo >&2; exit 1"]);
        let failure = run("pg_dump", &mut command).await.unwrap_err();
        assert_eq!(failure.line(), "pg_dump failed: pg_dump: error: no space");
    }
}
