//! Beginning anew: rows are folded from position zero, in a database that has none.

use countersign_domain::ids::OrgId;
use countersign_postgres::scoped;
use sqlx::PgPool;

/// Forgets how far an organization was folded, in every group but these.
pub async fn begin_anew(pool: &PgPool, org: OrgId, but: &[&str]) -> Result<(), sqlx::Error> {
    let but: Vec<String> = but.iter().map(|&group| group.to_owned()).collect();
    let mut transaction = scoped(pool, org).await?;
    sqlx::query!(r#"DELETE FROM read.checkpoint WHERE org_id = $1 AND "group" <> ALL ($2)"#, org.0, &but)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}
