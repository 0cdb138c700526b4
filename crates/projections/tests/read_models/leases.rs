//! Many nodes on one database: they share the work fairly, one that falls silent is replaced, and what it had begun is
//! refused.

use crate::firm::*;
use countersign_domain::use_cases::clients::rename_client;
use countersign_projections::{Follower, FollowerOptions, LeaseTimes, Positions};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;

/// The kinds of work of a node: five groups of read models.
const WORKS: i64 = 5;
const SHARDS: i64 = 32;

fn options(leases: LeaseTimes) -> FollowerOptions {
    FollowerOptions { sweep_every: Duration::from_millis(20), leases, ..FollowerOptions::default() }
}

/// Signs of life that come often, and last long enough for a busy machine.
fn brisk() -> LeaseTimes {
    LeaseTimes { renew_every: Duration::from_millis(50), live: Duration::from_secs(10) }
}

/// One sign of life, which is not good for long, and no other.
fn silent_soon() -> LeaseTimes {
    LeaseTimes { renew_every: Duration::from_secs(3_600), live: Duration::from_millis(300) }
}

async fn follows(owner: &PgPool, options: FollowerOptions) -> Follower {
    let ledger = node(owner).await;
    let positions = Positions::new(ledger.reader().pool().clone());
    Follower::start(ledger, Arc::new(countersign_projections::groups()), positions, options)
}

/// How many leases each node holds of each kind of work, the fewest and the most.
async fn shares(owner: &PgPool) -> Vec<(i64, i64)> {
    let found = sqlx::query_as(
        "SELECT min(held), max(held) FROM (
             SELECT holder, work, count(*) AS held FROM node.lease WHERE holder IS NOT NULL GROUP BY holder, work
         ) each GROUP BY holder ORDER BY max(held)",
    );
    found.fetch_all(owner).await.unwrap()
}

/// Waits until the nodes hold so much, each of every kind of work.
async fn shares_come_to(owner: &PgPool, expected: &[i64]) {
    let expected: Vec<(i64, i64)> = expected.iter().map(|held| (*held, *held)).collect();
    for _ in 0..1_000 {
        if shares(owner).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?} is not {expected:?}", shares(owner).await);
}

/// Waits until a node holds every lease.
async fn holds_everything(owner: &PgPool, follower: &Follower) {
    for _ in 0..1_000 {
        let held = sqlx::query_scalar("SELECT count(*) FROM node.lease WHERE holder = $1");
        let held: i64 = held.bind(follower.leases().node()).fetch_one(owner).await.unwrap();
        if held == WORKS * SHARDS {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not hold everything: {:?}", shares(owner).await);
}

async fn reached(positions: &Positions, firm: &Firm, position: u64) {
    for _ in 0..30 {
        if positions.reach(firm.org, &["portal", "approvals", "history", "people", "cases"], position).await.is_ok() {
            return;
        }
    }
    panic!("the rows did not reach {position}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn nodes_share_the_work_fairly_and_take_over_from_one_that_leaves(owner: PgPool) {
    let first = follows(&owner, options(brisk())).await;
    shares_come_to(&owner, &[SHARDS]).await;
    let second = follows(&owner, options(brisk())).await;
    shares_come_to(&owner, &[16, 16]).await;
    let third = follows(&owner, options(brisk())).await;
    shares_come_to(&owner, &[10, 11, 11]).await;
    first.stop().await;
    shares_come_to(&owner, &[16, 16]).await;
    second.stop().await;
    shares_come_to(&owner, &[SHARDS]).await;
    third.stop().await;
    shares_come_to(&owner, &[]).await;
    let leases: i64 = sqlx::query_scalar("SELECT count(*) FROM node.lease").fetch_one(&owner).await.unwrap();
    assert_eq!(leases, WORKS * SHARDS);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_node_that_falls_silent_is_replaced_and_the_rows_go_on(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let silent = follows(&owner, options(silent_soon())).await;
    shares_come_to(&owner, &[SHARDS]).await;
    // The other one finds everything taken, and is there when the leases are over.
    let other = follows(&owner, options(brisk())).await;
    shares_come_to(&owner, &[SHARDS]).await;
    holds_everything(&owner, &other).await;
    let positions = Positions::new(firm.pool.clone());
    let head = firm.must(ADA, rename_client(ACME, label("Acme again"))).await;
    reached(&positions, &firm, head).await;
    silent.stop().await;
    other.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_node_that_is_started_again_does_not_wait_for_its_predecessor_to_expire(owner: PgPool) {
    let named = |live| FollowerOptions {
        name: Some("larch 8080".to_owned()),
        ..options(LeaseTimes { renew_every: Duration::from_secs(3_600), live })
    };
    let before = follows(&owner, named(Duration::from_secs(3_600))).await;
    shares_come_to(&owner, &[SHARDS]).await;
    let after = follows(&owner, named(Duration::from_secs(3_600))).await;
    // Its predecessor would hold them for another hour.
    holds_everything(&owner, &after).await;
    drop(before);
    after.stop().await;
}

/// A node that believes for an hour in what it was told once.
async fn trusting(owner: &PgPool) -> (Firm, Follower, Positions) {
    let firm = Firm::open(owner).await;
    let hour = Duration::from_secs(3_600);
    let options = FollowerOptions {
        compare_every: Duration::from_millis(50),
        ..options(LeaseTimes { renew_every: hour, live: hour })
    };
    let positions = Positions::new(firm.pool.clone());
    let follower = Follower::start(firm.ledger.clone(), firm.groups.clone(), positions.clone(), options);
    let head = firm.must(ADA, rename_client(ACME, label("Acme again"))).await;
    reached(&positions, &firm, head).await;
    (firm, follower, positions)
}

/// Nothing that the node writes stands, until what is wrong with its lease is put right.
async fn is_refused_until(owner: &PgPool, wrong: &'static str, right: &'static str) {
    let (firm, follower, positions) = trusting(owner).await;
    sqlx::raw_sql(wrong).execute(owner).await.unwrap();
    let head = firm.must(ADA, rename_client(ACME, label("Acme once more"))).await;
    assert!(positions.reach(firm.org, &["portal"], head).await.is_err());
    let held: i64 = sqlx::query_scalar("SELECT count(*) FROM read.checkpoint WHERE position >= $1")
        .bind(i64::try_from(head).unwrap())
        .fetch_one(owner)
        .await
        .unwrap();
    assert_eq!(held, 0, "not one group was moved");
    sqlx::raw_sql(right).execute(owner).await.unwrap();
    reached(&positions, &firm, head).await;
    follower.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lease_that_has_expired_by_the_databases_clock_is_refused_whatever_the_node_believes(owner: PgPool) {
    is_refused_until(
        &owner,
        "UPDATE node.member SET expires_at = now() - interval '1 second'",
        "UPDATE node.member SET expires_at = now() + interval '1 hour'",
    )
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_lost_a_lease_to_another_node_commits_nothing_any_more(owner: PgPool) {
    is_refused_until(
        &owner,
        "ALTER TABLE node.lease ADD was uuid; UPDATE node.lease SET was = holder, holder = gen_random_uuid()",
        "UPDATE node.lease SET holder = was",
    )
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_checkpoint_that_was_moved_under_a_later_epoch_is_not_moved_under_an_earlier_one(owner: PgPool) {
    is_refused_until(&owner, "UPDATE read.checkpoint SET epoch = 1000", "UPDATE read.checkpoint SET epoch = 0").await;
}
