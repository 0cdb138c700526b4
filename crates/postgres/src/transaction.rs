//! One organization at a time: every transaction of the application names the one it works for.

use countersign_domain::ids::OrgId;
use sqlx::{AssertSqlSafe, PgPool, PgTransaction, SqlSafeStr, Transaction};

/// Begins a transaction in which row security shows this organization's rows and no other's, in one round trip.
///
/// Whoever asked may go away before the database has answered; what was begun is then rolled back all the same. sqlx
/// 0.9.0 does not see to that by itself (its issue 4393): a connection went back into the pool inside a transaction, and
/// what somebody else wrote on it afterwards was never committed.
pub async fn scoped(pool: &PgPool, org: OrgId) -> Result<PgTransaction<'static>, sqlx::Error> {
    // An id is text that nobody chose.
    let begin = AssertSqlSafe(format!("BEGIN; SELECT set_config('countersign.org', '{org}', true)")).into_sql_str();
    let begun = tokio::spawn(Transaction::begin(pool.acquire().await?, Some(begin)));
    begun.await.unwrap_or_else(|error| Err(sqlx::Error::Protocol(format!("a transaction did not begin: {error}"))))
}
