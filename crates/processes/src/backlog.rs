//! The agenda as a whole: what waits for too long, and what a restored copy must not do again.

use crate::task::MAILS;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use countersign_postgres::{scoped, spanning};
use sqlx::PgPool;

/// Items of one kind that should have been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// What is to be done: `mail_invitation`.
    pub kind: String,
    /// How many.
    pub items: u64,
    /// Since when the oldest of them is due.
    pub oldest: Timestamp,
    /// How often at most one of them was tried.
    pub attempts: u32,
}

/// What was due by a moment and is not done, by kind.
pub async fn overdue(pool: &PgPool, by_then: Timestamp) -> Result<Vec<Overdue>, sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    let rows = sqlx::query!(
        r#"SELECT kind AS "kind!", items AS "items!", oldest AS "oldest!", attempts AS "attempts!"
           FROM process.overdue($1)"#,
        by_then.as_utc()
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let overdue = rows.into_iter().map(|row| Overdue {
        kind: row.kind,
        items: row.items.unsigned_abs(),
        oldest: row.oldest.into(),
        attempts: row.attempts.unsigned_abs(),
    });
    Ok(overdue.collect())
}

/// Ticks off every mail of an organization that was not sent yet, with the reason; how many there were. Commands stay on
/// the agenda: what they come to is in the ledger, and happens once.
pub async fn set_mail_aside(pool: &PgPool, org: OrgId, now: Timestamp, why: &str) -> Result<u64, sqlx::Error> {
    let kinds = MAILS.map(str::to_owned);
    let mut transaction = scoped(pool, org).await?;
    let set_aside = sqlx::query!(
        "UPDATE process.agenda SET done_at = $3, outcome = $4, leased_until = NULL
         WHERE org_id = $1 AND kind = ANY ($2) AND done_at IS NULL",
        org.0,
        &kinds,
        now.as_utc(),
        format!("not sent: {why}")
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(set_aside.rows_affected())
}
