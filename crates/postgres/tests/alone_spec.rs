//! Statements that stand alone and name their organization themselves, against a real database.

use countersign_postgres::{alone, through_pooler};
use futures::FutureExt;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, query_scalar};

const ROUNDS: usize = 200;
const ORG: &str = "00000000-0000-0000-0000-000000000007";
/// What a function of ours does first.
const NAMES: &str = "SELECT set_config('countersign.org', $1, true)";
/// The same, and then it fails.
const NAMES_AND_FAILS: &str = "SELECT 1 / (length(set_config('countersign.org', $1, true)) - 36)";
/// The organization that a connection works for: none, outside a transaction.
const NAMED: &str = "SELECT current_setting('countersign.org', true)";

/// One connection: whoever comes next gets the one that was left.
async fn one_connection(pool_options: PgPoolOptions, options: PgConnectOptions) -> PgPool {
    pool_options
        .max_connections(1)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .expect("a database for the test")
}

async fn named_on(pool: &PgPool) -> String {
    let named: Option<String> = query_scalar(NAMED).fetch_one(pool).await.expect("the connection works");
    named.unwrap_or_default()
}

#[sqlx::test(migrations = false)]
async fn what_a_statement_names_ends_with_it(pool_options: PgPoolOptions, options: PgConnectOptions) {
    let pool = one_connection(pool_options, options).await;
    let named: String = query_scalar(NAMES).bind(ORG).fetch_one(&mut *alone(&pool).await.unwrap()).await.unwrap();
    assert_eq!((named.as_str(), named_on(&pool).await.as_str()), (ORG, ""));
}

#[sqlx::test(migrations = false)]
async fn what_a_statement_named_ends_with_it_when_it_fails(pool_options: PgPoolOptions, options: PgConnectOptions) {
    let pool = one_connection(pool_options, options).await;
    let mut connection = alone(&pool).await.unwrap();
    let failed = query_scalar::<_, i32>(NAMES_AND_FAILS).bind(ORG).fetch_one(&mut *connection).await.unwrap_err();
    assert_eq!(failed.as_database_error().unwrap().message(), "division by zero");
    let after: Option<String> = query_scalar(NAMED).fetch_one(&mut *connection).await.unwrap();
    drop(connection);
    assert_eq!((after.unwrap_or_default().as_str(), named_on(&pool).await.as_str()), ("", ""));
}

#[sqlx::test(migrations = false)]
async fn whoever_goes_away_before_the_answer_leaves_a_connection_that_works_for_nobody(
    pool_options: PgPoolOptions,
    options: PgConnectOptions,
) {
    let pool = one_connection(pool_options, options).await;
    for round in 0..ROUNDS {
        let mut asks = Box::pin(async {
            let mut connection = alone(&pool).await?;
            query_scalar::<_, String>(NAMES).bind(ORG).fetch_one(&mut *connection).await
        });
        // Away at every step of it: before anything is asked, while it is, and after.
        for _ in 0..round % 50 {
            if asks.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(asks);

        assert_eq!(named_on(&pool).await, "", "in round {round} the next one worked for somebody else");
        let mut connection = alone(&pool).await.unwrap();
        let named: String = query_scalar(NAMES).bind(ORG).fetch_one(&mut *connection).await.unwrap();
        assert_eq!(named, ORG, "in round {round} the next one got another's answer");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn behind_a_pooler_it_stands_in_a_transaction_of_the_application(
    pool_options: PgPoolOptions,
    options: PgConnectOptions,
) {
    let pool = one_connection(pool_options, through_pooler(options)).await;
    let who = "SELECT current_user || ' for ' || set_config('countersign.org', $1, true)";
    let inside: String = query_scalar(who).bind(ORG).fetch_one(&mut *alone(&pool).await.unwrap()).await.unwrap();
    assert_eq!(inside, format!("countersign_app for {ORG}"));

    let after: String = query_scalar("SELECT current_user::text").fetch_one(&pool).await.unwrap();
    assert_ne!(after, "countersign_app");
    assert_eq!(named_on(&pool).await, "");
}
