//! Transactions of the application: for one organization, which each names, for several that are followed, or for none.

use crate::pooler::is_pooled;
use crate::waiting;
use countersign_domain::ids::OrgId;
use sqlx::{AssertSqlSafe, PgPool, PgTransaction, SqlSafeStr, Transaction};

/// How a transaction begins behind a pooler: with nothing prepared, as somebody who may not write the ledger, and not for
/// ever. All of it is over with it.
const POOLED: &str = "BEGIN; DEALLOCATE ALL; SET LOCAL ROLE countersign_app; \
                      SET LOCAL idle_in_transaction_session_timeout = '10s'";
/// What is said once to a connection of our own: who we work as, for how long we may do nothing in a transaction, and that a
/// statement is planned once. A node that stops in the middle of a transaction must not hold a ledger's lock against all
/// others. And a statement on a table in partitions seems cheaper to Postgres for values that it knows, so that it would
/// plan it anew each time; ours find their rows by keys, whatever the values, and are over before a compiler has begun.
pub const SESSION: &str = "SET ROLE countersign_app; SET idle_in_transaction_session_timeout = '10s'; \
                           SET plan_cache_mode = force_generic_plan; SET jit = off";
/// How it begins on a connection of our own, which was told once who we work as.
const OWN: &str = "BEGIN";
/// What whoever follows is told besides.
///
/// It works as a role of its own. It may not be idle for long: a node that stops in the middle of a step must not keep its
/// successor waiting. Its commit need not wait for the disk: should the machine lose it, rows and checkpoints go back
/// together, and the events are folded again. And it finds every row by its key: a statement is planned once, perhaps while
/// its table is still empty, and would read all of it ever after.
const FOLLOWING: &str = "SET LOCAL ROLE countersign_follower; \
                         SET LOCAL idle_in_transaction_session_timeout = '4s'; SET LOCAL synchronous_commit = off; \
                         SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
                         SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// Begins a transaction in which row security shows this organization's rows and no other's, in one round trip.
///
/// Whoever asked may go away before the database has answered; what was begun is then rolled back all the same. sqlx
/// 0.9.0 does not see to that by itself (its issue 4393): a connection went back into the pool inside a transaction, and
/// what somebody else wrote on it afterwards was never committed.
pub async fn scoped(pool: &PgPool, org: OrgId) -> Result<PgTransaction<'static>, sqlx::Error> {
    begin(pool, for_one(beginning(pool), org)).await
}

/// The same, in which nothing can be written and nothing is to be committed: whoever has their rows drops it.
///
/// Nobody waits for its end, then. It goes out in one message with the pool's question whether the connection still
/// answers, which is asked after each use.
pub async fn reading(pool: &PgPool, org: OrgId) -> Result<PgTransaction<'static>, sqlx::Error> {
    let beginning = beginning(pool).replacen("BEGIN", "BEGIN READ ONLY", 1);
    begin(pool, for_one(&beginning, org)).await
}

/// A transaction for one organization with one snapshot for all that is read in it.
pub async fn snapshot(pool: &PgPool, org: OrgId) -> Result<PgTransaction<'static>, sqlx::Error> {
    let beginning = beginning(pool).replacen("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", 1);
    begin(pool, for_one(&beginning, org)).await
}

/// Begins a transaction in which row security shows the events and rows of these organizations and no other's, to whoever
/// takes their read models further, and nothing else of theirs.
pub async fn following(pool: &PgPool, orgs: &[OrgId]) -> Result<PgTransaction<'static>, sqlx::Error> {
    let named = orgs.iter().map(OrgId::to_string).collect::<Vec<_>>().join(",");
    let orgs = format!("SET LOCAL countersign.orgs = '{{{named}}}'");
    begin(pool, format!("{}; {FOLLOWING}; {orgs}", beginning(pool))).await
}

/// Goes on with another organization in the same transaction.
pub async fn enter(transaction: &mut PgTransaction<'static>, org: OrgId) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('countersign.org', $1, true)")
        .bind(org.to_string())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Begins a transaction for a statement that spans organizations: row security shows no organization's rows. Every
/// statement stands in a transaction, because a pooler may hand the connection on after it.
pub async fn spanning(pool: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    begin(pool, beginning(pool).to_owned()).await
}

fn beginning(pool: &PgPool) -> &'static str {
    if is_pooled(pool) { POOLED } else { OWN }
}

/// A setting is said, not asked for: Postgres plans nothing for it, and answers no row. An id is text that nobody chose.
fn for_one(beginning: &str, org: OrgId) -> String {
    format!("{beginning}; SET LOCAL countersign.org = '{org}'")
}

async fn begin(pool: &PgPool, statement: String) -> Result<PgTransaction<'static>, sqlx::Error> {
    let begin = AssertSqlSafe(statement).into_sql_str();
    let begun = tokio::spawn(Transaction::begin(waiting::connection(pool).await?, Some(begin)));
    begun.await.unwrap_or_else(|error| Err(sqlx::Error::Protocol(format!("a transaction did not begin: {error}"))))
}
