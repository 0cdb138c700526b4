//! The ledger is append-only for everybody: by right for the application, by trigger for the owner too.
#![allow(clippy::unwrap_used, reason = "a test that meets an error fails")]

mod support;

use countersign_domain::firm::organization::Plan;
use countersign_eventstore::LedgerOptions;
use sqlx::PgPool;
use support::*;

async fn ledger_tables(owner: &PgPool) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.oid::regclass::text FROM pg_class c
         WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p')
           AND c.relname NOT IN ('commit_feed', 'snapshot') ORDER BY 1",
    )
    .fetch_all(owner)
    .await
    .unwrap();
    assert_eq!(tables.len(), 1 + 9 + 9, "{tables:?}");
    tables
}

#[sqlx::test(migrations = "../../migrations")]
async fn not_even_the_owner_changes_takes_back_or_empties_what_is_recorded(owner: PgPool) {
    let ledger = node(&application(&owner).await, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let mut connection = owner.acquire().await.unwrap();
    // As a replica a session skips ordinary triggers.
    for replication_role in ["origin", "replica"] {
        sqlx::query("SELECT set_config('session_replication_role', $1, false)")
            .bind(replication_role)
            .execute(&mut *connection)
            .await
            .unwrap();
        for table in ledger_tables(&owner).await {
            for change in ["UPDATE {} SET org_id = org_id", "DELETE FROM {}", "TRUNCATE {}"] {
                let statement = change.replace("{}", &table);
                let refused = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).execute(&mut *connection).await;
                let refused = refused.unwrap_err().to_string();
                assert!(refused.contains("append-only"), "{replication_role}: {statement}: {refused}");
            }
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_application_has_no_right_to_write_a_ledger(owner: PgPool) {
    for table in ledger_tables(&owner).await {
        for right in ["INSERT", "UPDATE", "DELETE", "TRUNCATE"] {
            let may: bool = sqlx::query_scalar("SELECT has_table_privilege('countersign_app', $1, $2)")
                .bind(&table)
                .bind(right)
                .fetch_one(&owner)
                .await
                .unwrap();
            assert!(!may, "{right} on {table}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn row_security_binds_the_application_on_every_ledger_table(owner: PgPool) {
    let role: (bool, bool) =
        sqlx::query_as("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'countersign_app'")
            .fetch_one(&owner)
            .await
            .unwrap();
    assert_eq!(role, (false, false));
    for table in ledger_tables(&owner).await {
        let forced: bool =
            sqlx::query_scalar("SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = $1::regclass")
                .bind(&table)
                .fetch_one(&owner)
                .await
                .unwrap();
        assert!(forced, "{table}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_role_that_appends_cannot_log_in_and_may_only_insert(owner: PgPool) {
    let may_log_in: bool = sqlx::query_scalar("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'countersign_ledger'")
        .fetch_one(&owner)
        .await
        .unwrap();
    assert!(!may_log_in);
    for table in ["ledger.event", "ledger.command_log"] {
        for (right, expected) in [("INSERT", true), ("UPDATE", false), ("DELETE", false), ("TRUNCATE", false)] {
            let may: bool = sqlx::query_scalar("SELECT has_table_privilege('countersign_ledger', $1, $2)")
                .bind(table)
                .bind(right)
                .fetch_one(&owner)
                .await
                .unwrap();
            assert_eq!(may, expected, "{right} on {table}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_append_function_refuses_a_gap_whatever_its_caller_believes(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let head = ledger.reader().head(org(1)).await.unwrap().unwrap() as i64;
    let refused = sqlx::query(
        "SELECT * FROM ledger.append(false, ARRAY[$1], ARRAY[$2], '{}', '{}', '{}', '{}', '{}', '{}',
         ARRAY[$1], ARRAY[$2 + 2], ARRAY['client'], ARRAY[$1], ARRAY[1::bigint], ARRAY['x'], ARRAY[now()], ARRAY['{}'],
         ARRAY[sha256('')], NULL, NULL, NULL)",
    )
    .bind(org(1).0)
    .bind(head)
    .execute(&pool)
    .await
    .unwrap_err();
    assert!(refused.to_string().contains("without a gap"), "{refused}");
}
