//! The commit feed shows every ledger that grew, also one whose transaction was slow.
#![allow(clippy::unwrap_used, reason = "a test that meets an error fails")]

mod support;

use countersign_domain::firm::organization::Plan;
use countersign_eventstore::{Feed, LedgerOptions};
use sqlx::PgPool;
use support::*;

#[sqlx::test(migrations = "../../migrations")]
#[expect(clippy::disallowed_methods, reason = "a test sees it begin")]
async fn a_commit_that_was_under_way_during_a_sweep_is_in_a_later_one(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    ledger.open(org(7)).await.unwrap();
    let mut feed = Feed::new(pool.clone());
    feed.sweep().await.unwrap();

    let mut slow = owner.begin().await.unwrap();
    sqlx::query("INSERT INTO ledger.commit_feed (org_id, position) VALUES ($1, 1)")
        .bind(org(7).0)
        .execute(&mut *slow)
        .await
        .unwrap();
    // Others begin later and commit earlier.
    register(&ledger, org(1), Plan::Trial).await;
    let seen = feed.sweep().await.unwrap();
    assert!(seen.iter().any(|entry| entry.org == org(1)));
    assert!(!seen.iter().any(|entry| entry.org == org(7)));
    register(&ledger, org(2), Plan::Trial).await;
    feed.sweep().await.unwrap();
    slow.commit().await.unwrap();

    assert!(feed.sweep().await.unwrap().iter().any(|entry| entry.org == org(7)));
}
