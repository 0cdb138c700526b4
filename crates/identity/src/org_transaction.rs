//! The one place where a transaction is given its organization.

use countersign_domain::ids::OrgId;
use sqlx::{PgPool, PgTransaction};

/// Begins a transaction that sees and writes the rows of one organization only: row security sees to it.
pub(crate) async fn begin(pool: &PgPool, org: OrgId) -> Result<PgTransaction<'static>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("SELECT set_config('countersign.org', $1, true)", org.to_string())
        .fetch_one(&mut *transaction)
        .await?;
    Ok(transaction)
}
