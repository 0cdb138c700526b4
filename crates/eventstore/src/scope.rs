//! One organization at a time: every transaction of the application names the one it works for.

use countersign_domain::ids::OrgId;
use sqlx::{PgPool, Postgres, Transaction};

/// Begins a transaction in which row security shows this organization's rows and no other's.
pub async fn scoped(pool: &PgPool, org: OrgId) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    enter(&mut transaction, org).await?;
    Ok(transaction)
}

/// Names the organization in a transaction that has begun.
pub async fn enter(transaction: &mut Transaction<'static, Postgres>, org: OrgId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT set_config('countersign.org', $1, true)", org.to_string())
        .fetch_one(&mut **transaction)
        .await?;
    Ok(())
}
