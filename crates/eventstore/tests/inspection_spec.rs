//! A ledger is looked at as it stands: what is wrong with it is told, and the look goes on.
#![allow(clippy::unwrap_used, reason = "a test that meets an error fails")]

mod support;

use countersign_canon::Digest;
use countersign_domain::firm::organization::Plan;
use countersign_eventstore::LedgerOptions;
use countersign_eventstore::inspection::{self, Fault, Wrong};
use sqlx::{AssertSqlSafe, Executor, PgPool};
use support::*;

/// Past the trigger, as only a superuser can.
async fn change(owner: &PgPool, statement: &str) {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only'")
            .fetch_all(owner)
            .await
            .unwrap();
    for table in tables {
        owner.execute(AssertSqlSafe(format!("ALTER TABLE {table} DISABLE TRIGGER append_only"))).await.unwrap();
    }
    assert!(owner.execute(AssertSqlSafe(statement.to_owned())).await.unwrap().rows_affected() > 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_ledger_that_is_whole_is_read_page_by_page_without_a_fault(owner: PgPool) {
    let ledger = node(&application(&owner).await, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let mut connection = owner.acquire().await.unwrap();
    let extent = inspection::extent(&mut connection, org(1)).await.unwrap();
    assert!(extent.head > 2 && extent.events == extent.head, "{extent:?}");
    assert_eq!(inspection::first_gap(&mut connection, org(1)).await.unwrap(), None);
    let (mut position, mut leaves) = (0, Vec::<Digest>::new());
    loop {
        let stretch = inspection::inspect(&mut connection, org(1), position, 2).await.unwrap();
        assert_eq!(stretch.faults, []);
        leaves.extend(stretch.leaves);
        let Some(last) = stretch.last else { break };
        position = last;
    }
    let stored = ledger.reader().after(org(1), 0, 1_000).await.unwrap();
    assert_eq!(leaves, stored.iter().map(|event| event.leaf_hash).collect::<Vec<_>>());
    assert_eq!(inspection::told(&mut connection).await.unwrap()[&org(1)], extent.head);
    let commands = inspection::inspect_commands(&mut connection, org(1), None, 10).await.unwrap();
    assert_eq!((commands.looked_at, commands.unfounded.len()), (2, 0));
    assert_eq!(inspection::count_commands(&mut connection, org(1)).await.unwrap(), 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_fault_is_told_where_it_is_and_nothing_else_is(owner: PgPool) {
    let ledger = node(&application(&owner).await, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let head = ledger.reader().head(org(1)).await.unwrap().unwrap();
    change(&owner, "UPDATE ledger.event SET envelope = envelope || ' ' WHERE position = 1").await;
    change(&owner, "DELETE FROM ledger.event WHERE position = 2").await;
    change(&owner, "UPDATE ledger.event SET version = version + 7 WHERE position = 3").await;
    let mut connection = owner.acquire().await.unwrap();
    let stretch = inspection::inspect(&mut connection, org(1), 0, 1_000).await.unwrap();
    let fault = |position, what| Fault { position, what };
    assert_eq!(stretch.faults, [fault(1, Wrong::Changed), fault(2, Wrong::Missing), fault(3, Wrong::Misplaced)]);
    assert_eq!(stretch.last, Some(head));
    assert_eq!(inspection::first_gap(&mut connection, org(1)).await.unwrap(), Some(2));
    let commands = inspection::inspect_commands(&mut connection, org(1), None, 10).await.unwrap();
    assert!(commands.unfounded.is_empty(), "their first and last events are there");

    change(&owner, "UPDATE ledger.command_log SET event_count = event_count + 1").await;
    let commands = inspection::inspect_commands(&mut connection, org(1), None, 10).await.unwrap();
    assert_eq!(commands.unfounded.len(), 2, "both claim an event that is not theirs");
}
