//! Holding a ledger still: while the fence stands, nobody appends to it.

use crate::error::StoreError;
use countersign_domain::ids::OrgId;
use countersign_postgres::scoped;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// For so long a connection waits for a lock at a time. Whoever appends is done in less, unless they stand still.
const TURN: Duration = Duration::from_millis(200);
/// For so long it is others' then.
const BETWEEN_TURNS: Duration = Duration::from_millis(50);

/// Takes an organization's ledger lock, at most waiting so long. The fence stands until the transaction ends; `None`
/// where the lock could not be had in time.
pub async fn fence(
    pool: &PgPool,
    org: OrgId,
    patience: Duration,
) -> Result<Option<Transaction<'static, Postgres>>, StoreError> {
    let mut transaction = scoped(pool, org).await?;
    wait_at_most(&mut transaction, patience).await?;
    match lock(&mut transaction, org).await {
        Ok(()) => Ok(Some(transaction)),
        Err(error) if is_held(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The same for whoever waits longer than others can do without the connection. Behind a pooler there may be few, and a
/// node that stops with many ledgers locked would otherwise keep everybody from all others as well: all connections would
/// wait for those. After `patience` the database refuses with 55P03.
pub(crate) async fn fence_in_turns(
    pool: &PgPool,
    org: OrgId,
    patience: Duration,
) -> Result<Transaction<'static, Postgres>, StoreError> {
    let until = Instant::now() + patience;
    loop {
        let mut transaction = scoped(pool, org).await?;
        wait_at_most(&mut transaction, TURN).await?;
        match lock(&mut transaction, org).await {
            Ok(()) => {
                wait_at_most(&mut transaction, patience).await?;
                return Ok(transaction);
            }
            Err(error) if is_held(&error) && Instant::now() < until => transaction.rollback().await?,
            Err(error) => return Err(error.into()),
        }
        sleep(BETWEEN_TURNS).await;
    }
}

/// For any lock, until the transaction ends; then the database refuses with 55P03.
async fn wait_at_most(transaction: &mut PgConnection, patience: Duration) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT set_config('lock_timeout', $1, true)", format!("{}ms", patience.as_millis()))
        .fetch_one(transaction)
        .await?;
    Ok(())
}

async fn lock(transaction: &mut PgConnection, org: OrgId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT ledger.lock($1)", org.0).fetch_one(transaction).await?;
    Ok(())
}

/// Whether the lock was not to be had in time.
fn is_held(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("55P03"))
}
