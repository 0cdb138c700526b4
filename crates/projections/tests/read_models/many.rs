//! Ten thousand organizations: those that rest cost nothing, and those that are at work do not wait for them.

use crate::firm::*;
use countersign_domain::use_cases::clients::rename_client;
use countersign_projections::{Follower, FollowerOptions, Positions};
use sqlx::PgPool;
use std::time::{Duration, Instant};

const AT_REST: i32 = 10_000;
const AT_WORK: u128 = 10;
/// What a follower asks of the database while nothing happens: the feed five times a second, a sign of life once.
const TRANSACTIONS_A_SECOND: f64 = 25.0;

#[sqlx::test(migrations = "../../migrations")]
async fn ten_thousand_organizations_at_rest_cost_neither_connections_nor_questions(owner: PgPool) {
    let opened = sqlx::query("SELECT ledger.open(gen_random_uuid()) FROM generate_series(1, $1)").bind(AT_REST);
    opened.execute(&owner).await.unwrap();
    let ledger = node(&owner).await;
    let positions = Positions::new(ledger.reader().pool().clone());
    let mut firms = Vec::new();
    for number in 1..=AT_WORK {
        firms.push(Firm::on(ledger.clone(), number).await);
    }
    let groups = firms[0].groups.clone();
    let follower = Follower::start(ledger, groups, positions.clone(), FollowerOptions::default());
    for firm in &firms {
        let head = firm.must(ADA, rename_client(ACME, label("Acme again"))).await;
        is_up_to(&positions, firm, head).await;
    }

    comes_to_rest(&owner).await;
    let connections: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'countersign_app'",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    assert!(connections <= 12, "{connections} connections");
    follower.stop().await;
}

/// Waits until hardly anything is asked of the database. Its sessions say with some delay what they have done.
async fn comes_to_rest(owner: &PgPool) {
    let mut a_second = f64::MAX;
    for _ in 0..20 {
        let (begun, before) = (Instant::now(), transactions(owner).await);
        tokio::time::sleep(Duration::from_secs(2)).await;
        a_second = (transactions(owner).await - before) as f64 / begun.elapsed().as_secs_f64();
        if a_second > 0.0 && a_second < TRANSACTIONS_A_SECOND {
            return;
        }
    }
    panic!("{a_second} transactions a second while nothing happens");
}

async fn is_up_to(positions: &Positions, firm: &Firm, position: u64) {
    for _ in 0..30 {
        if positions.reach(firm.org, &["portal", "approvals", "history", "people", "cases"], position).await.is_ok() {
            return;
        }
    }
    panic!("the rows did not reach {position}");
}

/// So many transactions were committed or rolled back in this database, as far as its sessions have said by now.
async fn transactions(owner: &PgPool) -> i64 {
    let counted = sqlx::query_scalar(
        "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()",
    );
    counted.fetch_one(owner).await.unwrap()
}
