//! Looking at a ledger as it stands, whatever is wrong with it: for whoever watches over an installation, makes a backup
//! of it, or has loaded one.
//!
//! Nothing here stops at damage; it is told, and the look goes on. A look takes a page of bounded size, so that nobody
//! holds an old snapshot for long unless they want to. Every function works in a transaction of the caller's: one that is
//! scoped to the organization, or one of an owner who sees all rows.

use crate::error::StoreError;
use countersign_canon::{Digest, leaf_hash};
use countersign_domain::ids::OrgId;
use serde::Deserialize;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::fmt;
use uuid::Uuid;

/// What of the ledger's schema a backup may leave out: it is made again, or only woke somebody up.
pub const DISPOSABLE: [&str; 2] = ["ledger.commit_feed", "ledger.snapshot"];

/// The table of which everybody may see every row: ids and numbers alone.
pub const EVERYBODYS: &str = "ledger.commit_feed";

/// A stretch of a ledger, in the order of its positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The hashes that its rows hold.
    pub leaves: Vec<Digest>,
    /// The last position, if there was any event.
    pub last: Option<u64>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// Something wrong with a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub position: u64,
    /// What.
    pub what: Wrong,
}

/// What can be wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is not there, and later ones are.
    Missing,
    /// Its text is not what was hashed when it was recorded.
    Changed,
    /// Its row says something else than its text.
    Misplaced,
}

/// How far a ledger reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The last position.
    pub head: u64,
    /// How many events there are.
    pub events: u64,
}

/// A page of the command log: those of its commands whose events are not theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggedCommands {
    /// How many were looked at.
    pub looked_at: usize,
    /// The last of them, to go on from.
    pub last: Option<Uuid>,
    /// Those whose events are missing, or belong to another command.
    pub unfounded: Vec<Uuid>,
}

/// What of an envelope its row repeats.
#[derive(Deserialize)]
struct Repeated {
    org: Uuid,
    position: u64,
    #[serde(rename = "type")]
    event_type: String,
    stream: RepeatedStream,
    version: u64,
}

#[derive(Deserialize)]
struct RepeatedStream {
    kind: String,
    id: Uuid,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position;
        match self.what {
            Wrong::Missing => write!(f, "position {position} is missing"),
            Wrong::Changed => write!(f, "the event at position {position} is not the text that was hashed"),
            Wrong::Misplaced => write!(f, "the row at position {position} says something else than its event"),
        }
    }
}

/// The head of every ledger, in the order of their ids, in the snapshot of this transaction.
pub async fn heads(connection: &mut PgConnection) -> Result<Vec<(OrgId, u64)>, StoreError> {
    let rows = sqlx::query!(r#"SELECT org_id AS "org_id!", head AS "head!" FROM ledger.heads()"#)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (OrgId(row.org_id), row.head.unsigned_abs())).collect())
}

/// The last position that the feed has told of each ledger lately: its head is there, or beyond.
pub async fn told(connection: &mut PgConnection) -> Result<HashMap<OrgId, u64>, StoreError> {
    let rows = sqlx::query!(r#"SELECT org_id, max(position) AS "position!" FROM ledger.commit_feed GROUP BY org_id"#)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (OrgId(row.org_id), row.position.unsigned_abs())).collect())
}

/// How far a ledger reaches, and how many events it has: the same number, if none is missing.
pub async fn extent(connection: &mut PgConnection, org: OrgId) -> Result<Extent, StoreError> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "events!", coalesce(max(position), 0) AS "head!" FROM ledger.event WHERE org_id = $1"#,
        org.0
    )
    .fetch_one(connection)
    .await?;
    Ok(Extent { head: row.head.unsigned_abs(), events: row.events.unsigned_abs() })
}

/// The first position that is missing although there are later ones.
pub async fn first_gap(connection: &mut PgConnection, org: OrgId) -> Result<Option<u64>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT min(expected) AS missing
           FROM (
               SELECT position, row_number() OVER (ORDER BY position) AS expected
               FROM ledger.event WHERE org_id = $1
           ) numbered
           WHERE position <> expected"#,
        org.0
    )
    .fetch_one(connection)
    .await?;
    Ok(row.missing.map(i64::unsigned_abs))
}

/// The events after a position, at most so many: each is hashed anew and compared with its row.
pub async fn inspect(connection: &mut PgConnection, org: OrgId, after: u64, limit: u32) -> Result<Stretch, StoreError> {
    let rows = sqlx::query!(
        "SELECT position, stream_kind, stream_id, version, type AS event_type, envelope, leaf_hash FROM ledger.event
         WHERE org_id = $1 AND position > $2 ORDER BY position LIMIT $3",
        org.0,
        i64::try_from(after).unwrap_or(i64::MAX),
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    let mut stretch = Stretch::default();
    let mut expected = after;
    for row in rows {
        expected += 1;
        let position = row.position.unsigned_abs();
        if position != expected {
            stretch.faults.push(Fault { position: expected, what: Wrong::Missing });
            expected = position;
        }
        let told = row.leaf_hash.as_slice().try_into().map(Digest).ok();
        stretch.leaves.extend(told);
        let says_so = |said: Repeated| {
            said.org == org.0
                && said.position == position
                && said.event_type == row.event_type
                && (said.stream.kind, said.stream.id) == (row.stream_kind, row.stream_id)
                && said.version == row.version.unsigned_abs()
        };
        if told != Some(leaf_hash(&row.envelope)) {
            stretch.faults.push(Fault { position, what: Wrong::Changed });
        } else if !serde_json::from_str(&row.envelope).is_ok_and(says_so) {
            stretch.faults.push(Fault { position, what: Wrong::Misplaced });
        }
        stretch.last = Some(position);
    }
    Ok(stretch)
}

/// How many commands' outcomes are kept.
pub async fn count_commands(connection: &mut PgConnection, org: OrgId) -> Result<u64, StoreError> {
    let row = sqlx::query!(r#"SELECT count(*) AS "commands!" FROM ledger.command_log WHERE org_id = $1"#, org.0)
        .fetch_one(connection)
        .await?;
    Ok(row.commands.unsigned_abs())
}

/// The commands after an id, at most so many: whether the first and the last of the events that each is said to have led
/// to are there and say the same. Ids are as good as random, so that the first page is a sample of all.
pub async fn inspect_commands(
    connection: &mut PgConnection,
    org: OrgId,
    after: Option<Uuid>,
    limit: u32,
) -> Result<LoggedCommands, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT log.command_id,
                  log.event_count = 0 OR (
                      SELECT count(*) FROM ledger.event e
                      WHERE e.org_id = $1
                        AND e.position IN (log.first_position, log.first_position + log.event_count - 1)
                        AND strpos(e.envelope, '"command_id":"' || log.command_id || '"') > 0
                  ) = least(log.event_count, 2) AS "is_founded!"
           FROM ledger.command_log log
           WHERE log.org_id = $1 AND log.command_id > $2
           ORDER BY log.command_id LIMIT $3"#,
        org.0,
        after.unwrap_or(Uuid::nil()),
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    Ok(LoggedCommands {
        looked_at: rows.len(),
        last: rows.last().map(|row| row.command_id),
        unfounded: rows.iter().filter(|row| !row.is_founded).map(|row| row.command_id).collect(),
    })
}

/// Whose keys the vault holds: each organization that has its own, and of how many people.
pub async fn keys(connection: &mut PgConnection) -> Result<Vec<(OrgId, u64)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT o.org_id, (SELECT count(*) FROM vault.person_key p WHERE p.org_id = o.org_id) AS "people!"
           FROM vault.org_key o ORDER BY o.org_id"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (OrgId(row.org_id), row.people.unsigned_abs())).collect())
}
