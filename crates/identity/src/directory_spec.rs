//! Short names of organizations, and row security under everything else.

use crate::testing::*;
use countersign_domain::values::Slug;
use sqlx::PgPool;

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_short_name_leads_to_its_organization_and_claiming_it_again_is_nothing_new(pool: PgPool) {
    let world = World::empty(pool).await;
    world.identity.claim(&slug("north-star"), FIRM, at(0)).await.unwrap();
    world.identity.claim(&slug("north-star"), FIRM, at(1)).await.unwrap();
    assert_eq!(world.identity.find(&slug("north-star")).await.unwrap(), Some(FIRM));
    assert_eq!(world.identity.find(&slug("south-star")).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_short_name_is_taken_for_ever_and_an_organization_has_one(pool: PgPool) {
    let world = World::empty(pool).await;
    world.identity.claim(&slug("north-star"), FIRM, at(0)).await.unwrap();
    let taken = world.identity.claim(&slug("north-star"), OTHER_FIRM, at(1)).await;
    assert_eq!(code(taken), "organization.slug_taken");
    let second = world.identity.claim(&slug("south-star"), FIRM, at(1)).await;
    assert_eq!(code(second), "organization.has_another_slug");
    assert_eq!(world.identity.find(&slug("south-star")).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")] // F1.8
async fn a_transaction_of_one_firm_neither_sees_nor_writes_rows_of_another(pool: PgPool) {
    let world = World::with_alice(pool).await;
    world.alice_signs_in(1).await;
    let _ = world.try_sign_in(MAILBOX, WRONG, 1).await;
    let mut transaction = countersign_postgres::scoped(world.app(), OTHER_FIRM).await.unwrap();
    for table in ["credential", "session", "sign_in_attempt", "sign_in_lock", "password_reset", "api_token"] {
        let statement = format!("SELECT count(*) FROM identity.{table}");
        let seen: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&mut *transaction).await.unwrap();
        assert_eq!(seen, 0, "{table}");
    }
    let smuggled = sqlx::query(
        "INSERT INTO identity.sign_in_lock (org_id, mailbox_id, failures, last_failed_at) VALUES ($1, $2, 0, now())",
    )
    .bind(FIRM.0)
    .bind(UNKNOWN_MAILBOX.0)
    .execute(&mut *transaction)
    .await;
    assert!(smuggled.unwrap_err().to_string().contains("row-level security"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_connection_given_back_names_no_organization(pool: PgPool) {
    let world = World::with_alice(pool).await;
    assert_eq!(world.count("credential").await, 2);
    for _ in 0..20 {
        let seen: i64 =
            sqlx::query_scalar("SELECT count(*) FROM identity.credential").fetch_one(world.app()).await.unwrap();
        assert_eq!(seen, 0);
    }
}
