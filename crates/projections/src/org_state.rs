//! How one organization stands in every group that it reads: for whoever watches over an installation.

use countersign_domain::ids::OrgId;
use countersign_postgres::reading;
use sqlx::PgPool;

/// How an organization stands in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgState {
    /// The group's name.
    pub group: String,
    /// Up to where its rows go, if somebody follows: 0 where nothing was folded yet.
    pub position: Option<u64>,
    /// The event that could not be projected, and why.
    pub parked: Option<(u64, String)>,
}

/// How an organization stands, group by group.
pub async fn org_states(pool: &PgPool, org: OrgId) -> Result<Vec<OrgState>, sqlx::Error> {
    let mut transaction = reading(pool, org).await?;
    let rows = sqlx::query!(
        r#"SELECT a."group", c.position AS "position?", p.position AS "parked_at?", p.reason AS "reason?"
           FROM read.active_generation a
           LEFT JOIN read.checkpoint c
             ON c.org_id = a.org_id AND c."group" = a."group" AND c.generation = a.generation
           LEFT JOIN read.parked p
             ON p.org_id = a.org_id AND p."group" = a."group" AND p.generation = a.generation
           WHERE a.org_id = $1
           ORDER BY a."group""#,
        org.0
    )
    .fetch_all(&mut *transaction)
    .await?;
    drop(transaction);
    let states = rows.into_iter().map(|row| OrgState {
        group: row.group,
        position: row.position.map(i64::unsigned_abs),
        parked: row.parked_at.map(i64::unsigned_abs).zip(row.reason),
    });
    Ok(states.collect())
}
