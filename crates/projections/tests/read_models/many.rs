//! Ten thousand organizations: those that rest cost nothing, and those that are at work do not wait for them.
//!
//! `COUNTERSIGN_REGISTERED` says how many of them have a history; the others' ledgers are empty.

use crate::firm::*;
use crate::longer::number;
use countersign_domain::use_cases::clients::{open_client, rename_client};
use countersign_eventstore::Ledger;
use countersign_projections::{Follower, FollowerOptions, Positions};
use futures::stream::{self, StreamExt};
use sqlx::PgPool;
use std::time::{Duration, Instant};

const ORGANIZATIONS: u128 = 10_000;
/// One in a hundred.
const AT_WORK: u128 = 100;
/// How many commands each of these gives.
const COMMANDS_EACH: usize = 3;
/// As many connections as a node of the tests may open.
const CONNECTIONS: i64 = 12;
/// What a follower asks of the database while nothing happens: the feed five times a second, a sign of life once.
const TRANSACTIONS_A_SECOND: f64 = 25.0;
/// And how many rows are read for it: far fewer than if each question went over all organizations.
const ROWS_A_SECOND: f64 = 10_000.0;
/// From a command's answer to its rows, as a rule; thousands of times what it takes, because the machine may be busy.
const PROMPTLY: Duration = Duration::from_millis(500);

#[sqlx::test(migrations = "../../migrations")]
async fn ten_thousand_organizations_at_rest_cost_neither_connections_nor_questions(owner: PgPool) {
    let ledger = node(&owner).await;
    let with_history = number("COUNTERSIGN_REGISTERED", 200).clamp(AT_WORK, ORGANIZATIONS);
    let opened = sqlx::query("SELECT ledger.open(gen_random_uuid()) FROM generate_series(1, $1)");
    opened.bind((ORGANIZATIONS - with_history) as i32).execute(&owner).await.unwrap();
    let registering = stream::iter(AT_WORK + 1..=with_history).map(|number| Firm::registered(ledger.clone(), number));
    registering.buffer_unordered(64).for_each(async |_| ()).await;
    let coming = stream::iter(1..=AT_WORK).map(|number| with_a_client(ledger.clone(), number));
    let firms: Vec<Firm> = coming.buffer_unordered(64).collect().await;

    let positions = Positions::new(ledger.reader().pool().clone());
    let follower = Follower::start(ledger, firms[0].groups.clone(), positions.clone(), FollowerOptions::default());
    nobody_is_behind(&owner, &firms[0]).await;

    let working =
        stream::iter(0..COMMANDS_EACH).flat_map(|number| stream::iter(&firms).map(move |firm| (firm, number)));
    let mut waits: Vec<Duration> =
        working.map(|(firm, number)| time_to_rows(&positions, firm, number)).buffer_unordered(8).collect().await;
    waits.sort_unstable();
    let usual = waits[waits.len() / 2];
    assert!(usual < PROMPTLY, "rows come {usual:?} after a command");

    comes_to_rest(&owner).await;
    let connections: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'countersign_app'",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    assert!(connections <= CONNECTIONS, "{connections} connections");
    follower.stop().await;
}

async fn with_a_client(ledger: Ledger, number: u128) -> Firm {
    let firm = Firm::registered(ledger, number).await;
    firm.must(ADA, open_client(ACME, label("Acme"))).await;
    firm
}

/// A command, and how long after its answer its rows are there.
async fn time_to_rows(positions: &Positions, firm: &Firm, number: usize) -> Duration {
    let head = firm.must(ADA, rename_client(ACME, label(&format!("Acme {number}")))).await;
    firm.rows_reach(positions, &GROUPS, head).await
}

/// Waits until the rows of all organizations are up to their heads.
async fn nobody_is_behind(owner: &PgPool, firm: &Firm) {
    let codes: Vec<&str> = firm.groups.iter().map(|group| group.code.as_str()).collect();
    let names: Vec<&str> = firm.groups.iter().map(|group| group.name).collect();
    let mut before = i64::MAX;
    loop {
        let behind = sqlx::query_scalar("SELECT count(*) FROM read.behind($1, $2)");
        let behind: i64 = behind.bind(&names).bind(&codes).fetch_one(owner).await.unwrap();
        if behind == 0 {
            return;
        }
        assert!(behind <= before, "{behind} are behind, and {before} were");
        before = behind;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until hardly anything is asked of the database. Its sessions say with some delay what they have done, and whoever
/// has brought rows up to a head looks once more whether that was all.
async fn comes_to_rest(owner: &PgPool) {
    let mut asked = (f64::MAX, f64::MAX);
    for _ in 0..100 {
        let (begun, before) = (Instant::now(), work_done(owner).await);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (after, seconds) = (work_done(owner).await, begun.elapsed().as_secs_f64());
        asked = ((after.0 - before.0) as f64 / seconds, (after.1 - before.1) as f64 / seconds);
        if asked.0 > 0.0 && asked.0 < TRANSACTIONS_A_SECOND && asked.1 < ROWS_A_SECOND {
            return;
        }
    }
    panic!("{} transactions and {} rows a second while nothing happens", asked.0, asked.1);
}

/// How many transactions there were in this database, and how many rows were read, as its sessions have said by now.
async fn work_done(owner: &PgPool) -> (i64, i64) {
    let counted = sqlx::query_as(
        "SELECT xact_commit + xact_rollback, tup_returned FROM pg_stat_database WHERE datname = current_database()",
    );
    counted.fetch_one(owner).await.unwrap()
}
