//! Who somebody is: passwords, sessions and tokens, with their SQL. What they may do is decided elsewhere.
//!
//! Start with `sign_in` (a password becomes a session), then `session` (a session becomes a person, asked at every
//! request) and `sign_in_lock` (how guessing is made slow).
//!
//! 1. **No secret is kept.** Passwords are kept as argon2id hashes, tokens as SHA-256 digests; a secret in memory is a
//!    [`secret::Secret`] or a [`password::Password`], which no log can print and which are wiped when dropped.
//! 2. **Acknowledged loss of access is enforced.** Every statement that lets somebody in joins the ledger's access row
//!    (`read.access_subject`) in the same statement: there is no session of somebody who is not active.
//! 3. **One organization at a time.** Every statement on an organization's rows runs in a transaction begun by
//!    `countersign_postgres::scoped`, and names the organization besides. Tokens carry their organization, so that it is known
//!    before they are looked up.
//! 4. **A refusal tells nothing.** An unknown address, a wrong password and a switched-off account answer the same,
//!    after the same work.
//! 5. **No clock.** Every function is told the time.
#![warn(missing_docs)]

pub mod api_token;
mod attempt;
pub mod credential;
pub mod csrf;
pub mod device;
mod digest;
pub mod directory;
pub mod error;
mod hasher;
pub mod inactive;
pub mod invitation;
pub mod limits;
mod live_sessions;
pub mod network_address;
pub mod nowhere;
mod opaque_token;
pub mod own_sessions;
pub mod password;
pub mod password_reset;
pub mod retention;
pub mod secret;
pub mod server_key;
pub mod session;
pub mod sign_in;
mod sign_in_lock;
pub mod subject;

#[cfg(test)]
mod api_token_spec;
#[cfg(test)]
mod credential_spec;
#[cfg(test)]
mod directory_spec;
#[cfg(test)]
mod inactive_spec;
#[cfg(test)]
mod nowhere_spec;
#[cfg(test)]
mod password_reset_spec;
#[cfg(test)]
mod retention_spec;
#[cfg(test)]
mod session_spec;
#[cfg(test)]
mod sign_in_spec;
#[cfg(test)]
mod testing;

use crate::hasher::Hasher;
use crate::limits::Limits;
use crate::live_sessions::LiveSessions;
use crate::server_key::ServerKey;
use sqlx::PgPool;
use std::sync::Arc;

/// What of identity's tables a backup leaves out: a session that was ended since, and a link that was used, would be good
/// again.
pub const DISPOSABLE: [&str; 3] = ["identity.session", "identity.password_reset", "identity.sign_in_attempt"];

/// The table of which everybody may see every row: which organization a short name means.
pub const EVERYBODYS: &str = "identity.organization";

/// Credentials, sessions and tokens over one database. Cheap to clone; each file adds what it is about.
#[derive(Clone)]
pub struct Identity {
    pool: PgPool,
    live_sessions: LiveSessions,
    key: Arc<ServerKey>,
    limits: Limits,
    hasher: Hasher,
}

impl Identity {
    /// Works on the database of `pool`, whose role is bound by row security, with the server's key.
    pub fn new(pool: PgPool, key: Arc<ServerKey>, limits: Limits) -> Self {
        let hasher = Hasher::new(limits.hashings_at_once);
        let live_sessions = LiveSessions::of(pool.clone());
        Self { pool, live_sessions, key, limits, hasher }
    }
}
