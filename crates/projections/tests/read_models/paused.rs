//! Nothing is skipped while commits overtake one another.

use crate::firm::*;
use countersign_domain::use_cases::clients::rename_client;
use countersign_eventstore::fence;
use countersign_projections::{Follower, FollowerOptions, Positions};
use futures::future::join_all;
use sqlx::PgPool;
use std::time::Duration;

const WRITERS: u128 = 32;
const FIRMS: u128 = 4;
const EACH: usize = 5;

#[sqlx::test(migrations = "../../migrations")]
async fn no_event_is_skipped_while_many_write_and_one_pauses_inside_its_transaction(owner: PgPool) {
    // What is appended by one node is followed by another, which learns of it through the feed alone.
    let (writing, following) = (node(&owner).await, node(&owner).await);
    let mut firms = Vec::new();
    for number in 1..=FIRMS {
        firms.push(Firm::on(writing.clone(), number).await);
    }
    let positions = Positions::new(following.reader().pool().clone());
    let options = FollowerOptions { compare_every: Duration::from_secs(3_600), ..FollowerOptions::default() };
    let follower = Follower::start(following, firms[0].groups.clone(), positions.clone(), options);
    for firm in &firms {
        is_up_to_the_head(&positions, firm).await;
    }

    let paused = fence(&owner, firms[0].org, Duration::from_secs(5)).await.unwrap().unwrap();
    let writes = |writer: u128| {
        let firm = &firms[usize::try_from(writer % FIRMS).unwrap()];
        async move {
            for number in 0..EACH {
                firm.must(ADA, rename_client(ACME, label(&format!("Acme {writer}-{number}")))).await;
            }
        }
    };
    let goes_on = async {
        // The others are long done with theirs, and their rows are there, when this one is let go on.
        join_all((0..WRITERS).filter(|writer| writer % FIRMS != 0).map(writes)).await;
        for firm in &firms[1..] {
            is_up_to_the_head(&positions, firm).await;
        }
        paused.commit().await.unwrap();
    };
    tokio::join!(goes_on, join_all((0..WRITERS).filter(|writer| writer % FIRMS == 0).map(writes)));
    for firm in &firms {
        is_up_to_the_head(&positions, firm).await;
    }
    follower.stop().await;
    let entries: i64 = sqlx::query_scalar("SELECT count(DISTINCT (org_id, position)) FROM read.object_history")
        .fetch_one(&owner)
        .await
        .unwrap();
    let heads: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger.event").fetch_one(&owner).await.unwrap();
    assert_eq!(entries, heads, "every event of every ledger is in the history");
}

async fn is_up_to_the_head(positions: &Positions, firm: &Firm) {
    let head = firm.ledger.reader().head(firm.org).await.unwrap().unwrap();
    firm.rows_reach(positions, &GROUPS, head).await;
}
