//! An organization with an event that cannot be projected: nobody waits for it, however much it goes on writing.
//!
//! `COUNTERSIGN_COMMANDS` makes the story longer.

use crate::firm::*;
use crate::longer::number;
use crate::squeamish::{Dislike, POISON, groups_with, is_poison};
use countersign_domain::envelope::Recorded;
use countersign_domain::use_cases::clients::rename_client;
use countersign_projections::{Follower, FollowerOptions, Positions};
use futures::future::join_all;
use sqlx::PgPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SOUND: u128 = 8;
/// How often the poison was tried.
static TRIED: AtomicUsize = AtomicUsize::new(0);

/// The poison, counted.
#[derive(Debug)]
struct CountedPoison;

impl Dislike for CountedPoison {
    fn dislikes(event: &Recorded) -> bool {
        let is_poison = is_poison(event);
        TRIED.fetch_add(usize::from(is_poison), Ordering::SeqCst);
        is_poison
    }
}

/// How long rows usually take to be there, and how long at worst but for one in ten, while everybody writes: those of the
/// sound firms, and those of the other one in these groups.
async fn lag(positions: &Positions, sound: &[Firm], other: &Firm, its: &[&str]) -> (Duration, Duration) {
    let mut lags = Vec::new();
    for round in 0..number("COUNTERSIGN_COMMANDS", 40) {
        let write = async |firm: &Firm, groups: &[&str]| {
            let head = firm.must(ADA, rename_client(ACME, label(&format!("Acme {round} {}", lags.len())))).await;
            firm.rows_reach(positions, groups, head).await
        };
        let (sounds, others) = tokio::join!(join_all(sound.iter().map(|firm| write(firm, &GROUPS))), write(other, its));
        lags.extend(sounds);
        lags.push(others);
    }
    lags.sort_unstable();
    (lags[lags.len() / 2], lags[lags.len() * 9 / 10])
}

/// Waits until an organization is set aside in one group.
async fn is_parked(owner: &PgPool, firm: &Firm) {
    loop {
        let parked = sqlx::query_scalar(r#"SELECT count(*) FROM read.parked WHERE org_id = $1 AND "group" = 'portal'"#);
        let parked: i64 = parked.bind(firm.org.0).fetch_one(owner).await.unwrap();
        if parked == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobodys_rows_come_later_for_an_organization_that_is_set_aside_and_goes_on_writing(owner: PgPool) {
    let ledger = node(&owner).await;
    let sick = Firm::on(ledger.clone(), 0).await;
    let sound = join_all((1..=SOUND).map(|number| Firm::on(ledger.clone(), number))).await;
    let positions = Positions::new(ledger.reader().pool().clone());
    let follower = Follower::start(
        ledger,
        Arc::new(groups_with::<CountedPoison>()),
        positions.clone(),
        // Nobody is rescued by a comparison.
        FollowerOptions { compare_every: Duration::from_secs(3_600), ..FollowerOptions::default() },
    );
    let (usual, worst) = lag(&positions, &sound, &sick, &GROUPS).await;

    sick.must(ADA, rename_client(ACME, label(POISON))).await;
    is_parked(&owner, &sick).await;
    let tried = TRIED.load(Ordering::SeqCst);
    let but_for_portal = ["approvals", "history", "people", "cases"];
    let (usual_now, worst_now) = lag(&positions, &sound, &sick, &but_for_portal).await;
    follower.stop().await;

    // A machine that is busy otherwise doubles it easily; somebody who waited for the sick one would take seconds.
    let flat = |before: Duration| before * 4 + Duration::from_millis(100);
    assert!(usual_now < flat(usual), "rows come after {usual_now:?} instead of {usual:?}");
    assert!(worst_now < flat(worst), "nine of ten rows come within {worst_now:?} instead of {worst:?}");
    assert_eq!(
        TRIED.load(Ordering::SeqCst),
        tried,
        "what is set aside is not tried again, however much comes after it"
    );
}
