//! Holding a ledger still: while the fence stands, nobody appends to it.

use crate::error::StoreError;
use countersign_domain::ids::OrgId;
use countersign_postgres::scoped;
use sqlx::{PgPool, Postgres, Transaction};
use std::time::Duration;

/// Takes an organization's ledger lock, at most waiting so long. The fence stands until the transaction ends; `None`
/// where the lock could not be had in time.
pub async fn fence(
    pool: &PgPool,
    org: OrgId,
    patience: Duration,
) -> Result<Option<Transaction<'static, Postgres>>, StoreError> {
    let mut transaction = scoped(pool, org).await?;
    match take(&mut transaction, org, patience).await {
        Ok(()) => Ok(Some(transaction)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits for an organization's ledger lock, at most so long; then the database refuses with 55P03.
pub(crate) async fn take(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    patience: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT set_config('lock_timeout', $1, true)", format!("{}ms", patience.as_millis()))
        .fetch_one(&mut **transaction)
        .await?;
    sqlx::query!("SELECT ledger.lock($1)", org.0).fetch_one(&mut **transaction).await?;
    Ok(())
}
