//! Histories made up to measure on: what happens in them is what may happen, all the way to the rows that people read.

use super::support::installation::Installation;
use sqlx::{Connection, PgConnection};

/// Enough that everything happens that a portal sees, refusals and deactivations among it.
const EVENTS: i64 = 2_500;
const ORGANIZATIONS: i64 = 6;

async fn number(database: &mut PgConnection, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(database).await.unwrap()
}

// Design, part 7: a rebuild is the same code from position zero.
#[tokio::test]
async fn of_a_made_up_history_every_event_finds_its_place_in_the_read_models() {
    let installation = Installation::new().await;
    let (events, organizations) = (EVENTS.to_string(), ORGANIZATIONS.to_string());
    let generate = ["bench", "generate", "--events", &events, "--organizations", &organizations];
    let told = installation.run(&generate).printed();
    assert!(told.contains("6  organizations"), "{told}");
    let mut database = PgConnection::connect(&installation.database_url()).await.unwrap();
    let happened = number(&mut database, "SELECT count(*) FROM ledger.event").await;
    assert!(happened >= EVENTS, "{happened}");
    installation.run(&generate).printed();
    let again = number(&mut database, "SELECT count(*) FROM ledger.event").await;
    assert_eq!(again, happened, "what was made up is not made up twice");

    installation.run(&["rebuild", "--all", "--json"]).printed();

    assert_eq!(number(&mut database, "SELECT count(*) FROM read.parked").await, 0);
    let (logged, shown) = (
        "SELECT count(*) FROM ledger.event WHERE type = 'time_entry.logged'",
        r#"SELECT count(*) FROM read.time_entry
           JOIN read.active_generation active USING (org_id, generation) WHERE active."group" = 'portal'"#,
    );
    let logged = number(&mut database, logged).await;
    assert!(logged > EVENTS / 10, "{logged}");
    assert_eq!(number(&mut database, shown).await, logged, "each entry is a row");
    let rebuilt = number(
        &mut database,
        r#"SELECT count(*) FROM read.checkpoint reached
           JOIN read.active_generation active USING (org_id, "group", generation)
           JOIN ledger.heads() heads USING (org_id) WHERE reached.position = heads.head AND "group" = 'portal'"#,
    )
    .await;
    assert_eq!(rebuilt, ORGANIZATIONS, "each organization is at its head");
}
