//! How the groups stand with everybody: for operators who look for what is wrong.

use crate::columns::read_position;
use countersign_domain::ids::OrgId;
use countersign_postgres::spanning;
use serde::Serialize;
use sqlx::PgPool;
use std::collections::BTreeMap;

/// How a group stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupStanding {
    /// Its name.
    pub group: String,
    /// How many organizations read each of its generations.
    pub generations: BTreeMap<i32, u64>,
    /// How many events its rows are behind the ledgers, parked organizations aside.
    pub behind: u64,
    /// Organizations whose rows stop at an event that could not be projected.
    pub parked: Vec<ParkedIn>,
}

/// Where and why an organization's rows stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParkedIn {
    /// Whose.
    pub org: OrgId,
    /// The event's place in its ledger.
    pub position: u64,
    /// What went wrong.
    pub reason: String,
}

/// How every group stands. Every ledger's head is looked at: not for each request.
pub async fn group_standings(pool: &PgPool) -> Result<Vec<GroupStanding>, sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id!", "group" AS "group!", generation AS "generation!", head AS "head!",
                  "position" AS "position!", parked_at, reason
           FROM read.group_standing()"#
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let mut groups: BTreeMap<String, GroupStanding> = BTreeMap::new();
    for row in rows {
        let standing = groups.entry(row.group.clone()).or_insert_with(|| GroupStanding {
            group: row.group,
            generations: BTreeMap::new(),
            behind: 0,
            parked: Vec::new(),
        });
        *standing.generations.entry(row.generation).or_default() += 1;
        match row.parked_at.zip(row.reason) {
            Some((position, reason)) => standing.parked.push(ParkedIn {
                org: OrgId(row.org_id),
                position: read_position("parked_at", position)?,
                reason,
            }),
            None => standing.behind += read_position("head", row.head - row.position)?,
        }
    }
    Ok(groups.into_values().collect())
}
