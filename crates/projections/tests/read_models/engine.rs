//! The engine: rows and checkpoint in one transaction, one writer at a time, and a poison event that harms nobody else.

use crate::firm::*;
use crate::squeamish::{Dislike, groups_with};
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::OrgId;
use countersign_domain::use_cases::clients::rename_client;
use countersign_postgres::scoped;
use countersign_projections::work::project;
use countersign_projections::{Advance, Follower, FollowerOptions, Positions, ReadError, advance};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;

/// Everything about the second firm.
#[derive(Debug)]
struct TheSecondFirm;

impl Dislike for TheSecondFirm {
    fn dislikes(event: &Recorded) -> bool {
        event.org == OrgId(uuid::Uuid::from_u128(0x0a11_0002))
    }
}

/// Waits for a position, however busy the machine is.
async fn reached(positions: &Positions, org: OrgId, groups: &[&str], position: u64) {
    for _ in 0..60 {
        if positions.reach(org, groups, position).await.is_ok() {
            return;
        }
    }
    panic!("{groups:?} did not reach {position}");
}

async fn parked(firm: &Firm) -> Vec<(String, i64, String)> {
    let mut transaction = scoped(&firm.pool, firm.org).await.unwrap();
    let found = sqlx::query_as(r#"SELECT "group", position, reason FROM read.parked"#);
    found.fetch_all(&mut *transaction).await.unwrap()
}

fn quick() -> FollowerOptions {
    FollowerOptions { sweep_every: Duration::from_millis(20), ..FollowerOptions::default() }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_poison_event_parks_one_organization_in_one_group_and_everybody_else_goes_on(owner: PgPool) {
    let ledger = node(&owner).await;
    let (sound, sick) = (Firm::on(ledger.clone(), 1).await, Firm::on(ledger.clone(), 2).await);
    let positions = Positions::new(sound.pool.clone());
    let follower = Follower::start(ledger, Arc::new(groups_with::<TheSecondFirm>()), positions.clone(), quick());

    let head = sound.must(ADA, rename_client(ACME, label("Acme again"))).await;
    reached(&positions, sound.org, &["portal", "approvals", "history", "people", "cases"], head).await;
    let head = sick.must(ADA, rename_client(ACME, label("Acme again"))).await;
    reached(&positions, sick.org, &["approvals", "history", "people", "cases"], head).await;
    while parked(&sick).await.is_empty() {
        assert!(matches!(positions.reach(sick.org, &["portal"], head).await, Err(ReadError::Behind)));
    }
    follower.stop().await;

    let parked = parked(&sick).await;
    let [(group, position, reason)] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!((group.as_str(), *position), ("portal", 1));
    assert!(reason.contains("squeamish") && reason.contains("not this one"), "{reason}");
    // What is parked stays parked, whoever asks; the other groups' rows are there.
    assert_eq!(advance(&sick.ledger, sick.group("portal"), sick.org).await.unwrap(), Advance::Parked);
    assert_eq!(advance(&sick.ledger, sick.group("history"), sick.org).await.unwrap(), Advance::UpToDate);
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_does_not_hold_the_checkpoint_leaves_the_ledger_to_whoever_does(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.follow().await;
    firm.must(ADA, rename_client(ACME, label("Acme again"))).await;
    let mut holder = scoped(&firm.pool, firm.org).await.unwrap();
    sqlx::query(r#"SELECT FROM read.checkpoint WHERE "group" = 'portal' FOR UPDATE"#)
        .execute(&mut *holder)
        .await
        .unwrap();
    assert_eq!(advance(&firm.ledger, firm.group("portal"), firm.org).await.unwrap(), Advance::Elsewhere);
    holder.rollback().await.unwrap();
    assert!(matches!(advance(&firm.ledger, firm.group("portal"), firm.org).await.unwrap(), Advance::To(_)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn however_many_follow_at_once_every_event_is_counted_once(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let other = node(&owner).await;
    firm.show(PORTAL, "Portal").await;
    let positions = Positions::new(firm.pool.clone());
    let groups = firm.groups.clone();
    let followers = [
        Follower::start(firm.ledger.clone(), groups.clone(), positions.clone(), quick()),
        Follower::start(other, groups, Positions::new(firm.pool.clone()), quick()),
    ];
    let mut head = 0;
    for number in 1..=40 {
        firm.work(entry(number), PORTAL, "0.25").await;
        head = firm
            .must(
                PAUL,
                countersign_domain::use_cases::work_time::revise_time(
                    entry(number),
                    worked("0.75"),
                    salt(uuid::Uuid::from_u128(number + 1)),
                ),
            )
            .await;
    }
    reached(&positions, firm.org, &["portal"], head).await;
    for follower in followers {
        follower.stop().await;
    }
    let seen = project::get(&firm.pool, &firm.scope(PAUL), now(), PORTAL).await.unwrap();
    assert_eq!(seen.hours_used, decimal("30"));
    assert_eq!(seen.contract_lines[0].amounts.unwrap().used, eur(300_000));
}

#[sqlx::test(migrations = "../../migrations")]
async fn waiting_for_a_position_ends_when_the_rows_are_there(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let positions = Positions::new(firm.pool.clone());
    let head = firm.ledger.reader().head(firm.org).await.unwrap().unwrap();
    tokio::join!(reached(&positions, firm.org, &["portal"], head), firm.follow());
    let never = positions.reach(firm.org, &["portal"], head + 1).await;
    assert!(matches!(never, Err(ReadError::Behind)));
}
