//! What a client needs to reach the server.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The superuser of every cluster; it owns the schema and runs the migrations, the application connects as somebody lesser.
pub const OWNER: &str = "countersign_owner";

/// Only a part of the socket's name, since the server listens on no network.
pub(crate) const PORT: u16 = 5432;

/// The parts of a connection over the cluster's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The folder in which the socket lies: a client's `host`.
    pub socket_dir: PathBuf,
    /// The port, which only names the socket.
    pub port: u16,
    /// The role to connect as.
    pub user: String,
    /// The database to connect to.
    pub database: String,
}

impl Connection {
    /// The same as a URL, in the form that libpq's clients and sqlx read: `postgres:///db?host=/folder&user=u&port=5432`.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "postgres:///{}?host={}&user={}&port={}",
            escaped(self.database.as_bytes()),
            escaped(self.socket_dir.as_os_str().as_bytes()),
            escaped(self.user.as_bytes()),
            self.port
        )
    }
}

/// Percent-encodes all but letters, digits and what stands for itself in a path or a query.
fn escaped(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => char::from(*byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_carries_names_with_any_sign_in_them() {
        let connection = Connection {
            socket_dir: "/tmp/a b".into(),
            port: PORT,
            user: "owner&co".to_owned(),
            database: "firm?1".to_owned(),
        };
        assert_eq!(connection.url(), "postgres:///firm%3F1?host=/tmp/a%20b&user=owner%26co&port=5432");
    }
}
