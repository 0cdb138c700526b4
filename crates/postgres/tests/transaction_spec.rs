//! Transactions for one organization, against a real database.

use countersign_domain::ids::OrgId;
use countersign_postgres::{reading, scoped};
use futures::FutureExt;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

const ROUNDS: usize = 200;
/// The organization that a connection works for: none, outside a transaction.
const NAMED: &str = "SELECT current_setting('countersign.org', true)";

fn org() -> OrgId {
    OrgId::from(Uuid::from_u128(7))
}

#[sqlx::test(migrations = false)]
async fn a_transaction_is_for_one_organization_and_the_connection_for_none(pool: PgPool) {
    let mut transaction = scoped(&pool, org()).await.unwrap();
    let inside: Option<String> = sqlx::query_scalar(NAMED).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(inside, Some(Uuid::from(org()).to_string()));
    transaction.commit().await.unwrap();
    let after: Option<String> = sqlx::query_scalar(NAMED).fetch_one(&pool).await.unwrap();
    assert_eq!(after.unwrap_or_default(), "");
}

#[sqlx::test(migrations = false)]
async fn what_is_begun_to_read_writes_nothing_and_is_over_for_whoever_comes_next(
    pool_options: PgPoolOptions,
    options: PgConnectOptions,
) {
    // One connection: whoever comes next gets the same.
    let pool = pool_options.max_connections(1).connect_with(options).await.unwrap();
    let mut transaction = reading(&pool, org()).await.unwrap();
    let inside: Option<String> = sqlx::query_scalar(NAMED).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(inside, Some(Uuid::from(org()).to_string()));
    let refused = sqlx::query("CREATE TABLE written ()").execute(&mut *transaction).await.unwrap_err();
    let code = refused.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
    assert_eq!(code.as_deref(), Some("25006"), "{refused}");
    drop(transaction);

    sqlx::query("CREATE TABLE written ()").execute(&pool).await.unwrap();
    let after: Option<String> = sqlx::query_scalar(NAMED).fetch_one(&pool).await.unwrap();
    assert_eq!(after.unwrap_or_default(), "");
}

#[sqlx::test(migrations = false)]
async fn whoever_goes_away_while_it_begins_leaves_no_transaction_open(
    pool_options: PgPoolOptions,
    options: PgConnectOptions,
) {
    // One connection: whoever comes next gets the one that was left.
    let pool = pool_options.max_connections(1).test_before_acquire(false).connect_with(options).await.unwrap();
    for round in 0..ROUNDS {
        let mut begins = Box::pin(scoped(&pool, org()));
        // Away at every step of it: before anything is asked, while it is, and after.
        for _ in 0..round % 50 {
            if begins.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begins);

        let named: Option<String> = sqlx::query_scalar(NAMED).fetch_one(&pool).await.unwrap();
        assert_eq!(named.unwrap_or_default(), "", "in round {round} the next one was inside somebody's transaction");
    }
}
