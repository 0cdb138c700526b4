//! Client programs of Postgres that we run beside a server: `pg_dump`, `pg_restore`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binaries::{major_in, usual_places};
use crate::error::EmbeddedError;

/// A client program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its path.
    pub program: PathBuf,
    /// The major version: 15, 18.
    pub major: u32,
    /// What it says of its version, in full: `15.18 (Debian 15.18-0+deb12u1)`.
    pub version: String,
}

impl Client {
    /// The program in a folder, if there is one that runs here.
    fn in_folder(folder: &Path, name: &str) -> Option<Self> {
        let program = folder.join(name);
        if !program.is_file() {
            return None;
        }
        let answer = Command::new(&program).arg("--version").output().ok()?;
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        let major = major_in(&answer)?;
        let version = answer.split_once("(PostgreSQL) ")?.1.trim().to_owned();
        Some(Self { program, major, version })
    }
}

/// Finds a client program of a major version or a newer one, the nearest to it first: a program works with servers that
/// are as old as itself or older. Looks into `configured` first, and then where servers are looked for
/// ([`find_binaries`](crate::find_binaries)).
///
/// # Errors
/// When there is none, saying which were passed over and what to install.
pub fn find_client(name: &str, at_least: u32, configured: Option<&Path>) -> Result<Client, EmbeddedError> {
    let places = configured.map(Path::to_owned).into_iter().chain(usual_places());
    choose(name, at_least, places.filter_map(|folder| Client::in_folder(&folder, name)).collect())
}

fn choose(name: &str, at_least: u32, found: Vec<Client>) -> Result<Client, EmbeddedError> {
    let nearest = found.iter().filter(|client| client.major >= at_least).min_by_key(|client| client.major);
    nearest.cloned().ok_or_else(|| EmbeddedError::ClientNotFound {
        program: name.to_owned(),
        at_least,
        passed_over: passed_over(&found),
    })
}

fn passed_over(found: &[Client]) -> String {
    let each: Vec<String> =
        found.iter().map(|client| format!("{} is of Postgres {}", client.program.display(), client.major)).collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(major: u32) -> Client {
        Client {
            program: format!("/usr/lib/postgresql/{major}/bin/pg_dump").into(),
            major,
            version: format!("{major}.1"),
        }
    }

    #[test]
    fn the_nearest_program_that_is_not_older_than_the_server_is_taken() {
        let all = || vec![of(18), of(14), of(16), of(15)];
        assert_eq!(choose("pg_dump", 15, all()).unwrap(), of(15));
        assert_eq!(choose("pg_dump", 17, all()).unwrap(), of(18));
    }

    #[test]
    fn programs_that_are_too_old_are_named_with_what_to_install() {
        let refused = choose("pg_dump", 17, vec![of(15)]).unwrap_err().to_string();
        let says =
            "no pg_dump of Postgres 17 or newer was found (/usr/lib/postgresql/15/bin/pg_dump is of Postgres 15)";
        assert!(refused.starts_with(says) && refused.contains("COUNTERSIGN_PG_BIN"), "{refused}");
    }
}
