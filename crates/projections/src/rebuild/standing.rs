//! How a rebuild stands, organization by organization.

use super::built::Built;
use super::error::RebuildError;
use crate::columns::read_position;
use countersign_domain::ids::OrgId;
use countersign_postgres::spanning;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

/// How a rebuild stands with one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) org: OrgId,
    pub(crate) head: u64,
    /// How far its rows in the new generation are.
    pub(crate) position: u64,
    /// How many of its events were folded apart from the tables that are read.
    pub(crate) backfilled: u64,
    /// Whether that is all that can be folded there.
    pub(crate) is_whole: bool,
    /// The generation that is read.
    pub(crate) active: Option<i32>,
    /// The generation that was read before its readers were put over.
    pub(crate) before: Option<i32>,
    /// Where and why its rows in the new generation stop.
    pub(crate) parked: Option<(u64, String)>,
}

/// An organization whose rows stop before an event that could not be projected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParkedOrganization {
    /// Which one.
    pub org: OrgId,
    /// The event's place in its ledger.
    pub position: u64,
    /// What went wrong.
    pub reason: String,
    /// Whether its readers were left on the generation before, which is further.
    pub left_behind: bool,
}

/// How far a rebuild is, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HowFar {
    /// Organizations that it is for.
    pub organizations: u64,
    /// How many of them read the new generation.
    pub put_over: u64,
    /// Events in their ledgers.
    pub events: u64,
    /// How many of those are in rows of the new generation.
    pub folded: u64,
    /// Whose rows stop at an event that cannot be projected.
    pub parked: Vec<ParkedOrganization>,
}

impl Standing {
    /// How many events are in rows of the new generation.
    pub(crate) fn folded(&self, generation: i32, built: Built<'_>) -> u64 {
        match built {
            Built::Followed(_) => self.position,
            // The append itself goes on with them.
            Built::Access if self.active == Some(generation) => self.head,
            Built::Access => 0,
        }
    }
}

/// Whose rows in the new generation stop, and who was therefore left where they were.
pub(crate) fn parked(standings: &[Standing], generation: i32) -> Vec<ParkedOrganization> {
    let parked = standings.iter().filter_map(|Standing { org, active, parked, .. }| {
        let (position, reason) = parked.clone()?;
        Some(ParkedOrganization { org: *org, position, reason, left_behind: *active != Some(generation) })
    });
    parked.collect()
}

impl HowFar {
    /// What it comes to for a rebuild of a generation.
    pub(crate) fn of(standings: &[Standing], generation: i32, built: Built<'_>) -> Self {
        Self {
            organizations: standings.len() as u64,
            put_over: standings.iter().filter(|one| one.active == Some(generation)).count() as u64,
            events: standings.iter().map(|one| one.head).sum(),
            folded: standings.iter().map(|one| one.folded(generation, built)).sum(),
            parked: parked(standings, generation),
        }
    }
}

/// How a rebuild stands with everybody it is for.
pub(crate) async fn find(pool: &PgPool, rebuild: Uuid) -> Result<Vec<Standing>, RebuildError> {
    let mut transaction = spanning(pool).await?;
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id!", head AS "head!", "position" AS "position!", backfilled AS "backfilled!",
                  is_whole AS "is_whole!", active, before, parked_at, reason
           FROM read.rebuild_standing($1)"#,
        rebuild
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let standings = rows.into_iter().map(|row| {
        Ok(Standing {
            org: OrgId(row.org_id),
            head: read_position("head", row.head)?,
            position: read_position("position", row.position)?,
            backfilled: read_position("backfilled", row.backfilled)?,
            is_whole: row.is_whole,
            active: row.active,
            before: row.before,
            parked: row.parked_at.map(i64::unsigned_abs).zip(row.reason),
        })
    });
    Ok(standings.collect::<Result<_, sqlx::Error>>()?)
}
