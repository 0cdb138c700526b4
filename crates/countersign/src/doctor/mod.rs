//! Looks an installation over, and says of each thing how it is and what to do. Reads only.
//!
//! What takes one look is looked at first: surroundings, server, rights, keys. Then every organization is gone through,
//! a page at a time, each page in a snapshot of its own (`organizations`); what is found there is added up by check.

mod agenda;
mod clock;
mod disk;
mod finding;
mod keys;
mod migrations;
mod nodes;
mod organizations;
mod rights;
mod roles;
mod row_security;
mod server;
mod tally;
mod trigger;

pub(crate) use finding::{Finding, State};

use crate::args::Place;
use crate::checks;
use crate::database::Database;
use crate::failure::Failure;
use crate::progress::Progress;
use countersign_domain::values::Slug;
use finding::from_check;

/// How much of each ledger is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The oldest and the newest events, and as many commands.
    Sample,
    /// All of it.
    Everything,
}

/// What is looked over.
pub(crate) struct Wanted<'a> {
    pub(crate) place: &'a Place,
    pub(crate) depth: Depth,
    /// Only this organization's ledger; all of them where none is named.
    pub(crate) org: Option<&'a Slug>,
}

/// Looks everything over.
pub(crate) async fn examine(
    database: &Database,
    wanted: &Wanted<'_>,
    progress: &Progress,
) -> Result<Vec<Finding>, Failure> {
    let pool = database.pool();
    let reachable = checks::Database(pool.clone());
    let mut findings = vec![from_check(&reachable, "it answers").await];
    if findings.iter().any(Finding::has_failed) {
        return Ok(findings);
    }
    let migrated = migrations::look(database).await;
    let is_ours = !migrated.has_failed();
    findings.push(migrated);
    findings.push(clock::look(pool).await);
    findings.extend(disk::look(database, &wanted.place.data_dir).await);
    findings.extend(server::look(pool, wanted.place.pooler).await);
    findings.extend(keys::look(&wanted.place.data_dir));
    // What follows asks tables that another version may not have.
    if !is_ours {
        return Ok(findings);
    }
    findings.push(roles::look(pool).await);
    findings.push(rights::look(pool).await);
    findings.push(row_security::look(pool).await);
    findings.push(trigger::look(pool).await);
    findings.extend(organizations::look(database, wanted, progress).await?);
    findings.extend(nodes::look(pool).await);
    findings.push(agenda::look(pool).await);
    Ok(findings)
}
