//! Signing in, and what makes guessing slow.

use crate::device::Device;
use crate::error::IdentityError;
use crate::limits::Limits;
use crate::sign_in::{LockBegan, SignIn};
use crate::subject::Subject;
use crate::testing::*;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::ClientId;
use sqlx::PgPool;

/// One wrong password for Alice, and whether it began a lock.
async fn fail(world: &World, minutes: i64) -> Option<LockBegan> {
    match world.try_sign_in(MAILBOX, WRONG, minutes).await {
        Err(IdentityError::SignInRefused { lock_began }) => lock_began,
        other => panic!("{other:?}"),
    }
}

async fn retry_after(world: &World, minutes: i64) -> u64 {
    match world.try_sign_in(MAILBOX, RIGHT, minutes).await {
        Err(IdentityError::SignInLocked { retry_after_s }) => retry_after_s,
        other => panic!("{other:?}"),
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_right_password_opens_a_session_of_the_person_whose_address_it_is(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let signed_in = world.alice_signs_in(0).await;
    let who = world.who(&signed_in, 1).await.unwrap();
    assert_eq!((who.org, who.session, who.principal()), (FIRM, signed_in.session, ALICE));
    let Principal::PortalUser(id) = ALICE else { unreachable!() };
    assert_eq!(who.subject, Subject::PortalUser { id, client: ClientId(CLIENT) });
    assert_eq!(signed_in.subject, who.subject);

    let steve = world.try_sign_in(STEVES_MAILBOX, RIGHT, 0).await.unwrap();
    let Principal::Staff(id) = STEVE else { unreachable!() };
    assert_eq!(world.who(&steve, 1).await.unwrap().subject, Subject::Staff { id, level: "admin".to_owned() });
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_unknown_address_a_wrong_password_and_an_inactive_account_are_refused_alike_after_the_same_work(
    pool: PgPool,
) {
    let world = World::with_alice(pool).await;
    let before = world.identity.hasher.hashed();
    let unknown = world.try_sign_in(UNKNOWN_MAILBOX, RIGHT, 0).await.unwrap_err();
    let wrong = world.try_sign_in(MAILBOX, WRONG, 0).await.unwrap_err();
    world.deactivate_alice().await;
    let inactive = world.try_sign_in(MAILBOX, RIGHT, 0).await.unwrap_err();
    let answers = [unknown, wrong, inactive].map(|refused| (refused.code(), format!("{refused}{refused:?}")));
    assert_eq!(answers[0].0, "sign_in.refused");
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(world.identity.hasher.hashed() - before, 3);
}

#[sqlx::test(migrations = "../../migrations")]
async fn after_five_failures_even_the_right_password_has_to_wait(pool: PgPool) {
    let world = World::with_alice(pool).await;
    for _ in 0..4 {
        assert_eq!(fail(&world, 0).await, None);
    }
    assert_eq!(fail(&world, 0).await, Some(LockBegan { principal: ALICE, until: at(1) }));
    assert_eq!(retry_after(&world, 0).await, 60);
    assert_eq!(fail(&world, 1).await, None);
    assert_eq!(retry_after(&world, 1).await, 120);
    assert!(world.try_sign_in(MAILBOX, RIGHT, 3).await.is_ok());
    for _ in 0..4 {
        assert_eq!(fail(&world, 3).await, None);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_locked_address_costs_no_hashing_and_its_attempts_do_not_prolong_the_lock(pool: PgPool) {
    let world = World::with_alice(pool).await;
    for _ in 0..5 {
        fail(&world, 0).await;
    }
    let before = world.identity.hasher.hashed();
    for _ in 0..10 {
        assert_eq!(retry_after(&world, 0).await, 60);
    }
    assert_eq!(world.identity.hasher.hashed(), before);
    assert!(world.try_sign_in(MAILBOX, RIGHT, 1).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_address_that_is_nobodys_is_locked_like_any_other_but_is_no_event(pool: PgPool) {
    let world = World::with_alice(pool).await;
    for _ in 0..5 {
        let refused = world.try_sign_in(UNKNOWN_MAILBOX, WRONG, 0).await;
        assert!(matches!(refused, Err(IdentityError::SignInRefused { lock_began: None })));
    }
    assert_eq!(code(world.try_sign_in(UNKNOWN_MAILBOX, WRONG, 0).await), "sign_in.locked");
    assert!(world.try_sign_in(MAILBOX, RIGHT, 0).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_twenty_guesses_made_at_once_five_are_answered_and_one_lock_begins(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let guesses = (0..20).map(|_| world.try_sign_in(MAILBOX, WRONG, 0));
    let mut answered = 0;
    let mut began = 0;
    for outcome in futures::future::join_all(guesses).await {
        match outcome {
            Err(IdentityError::SignInRefused { lock_began }) => {
                answered += 1;
                began += usize::from(lock_began.is_some());
            }
            Err(IdentityError::SignInLocked { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((answered, began), (5, 1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn twenty_people_at_one_account_who_know_the_password_all_get_in(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let right = (0..20).map(|_| world.try_sign_in(MAILBOX, RIGHT, 0));
    assert!(futures::future::join_all(right).await.iter().all(Result::is_ok));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_network_address_that_is_refused_too_often_has_to_wait_whatever_addresses_it_tries(pool: PgPool) {
    let limits = Limits { refusals_per_address: 3, ..Limits::default() };
    let world = World::with(pool, limits).await;
    world.joined(FIRM).await;
    let (bad, good) = (Some("203.0.113.7"), Some("203.0.113.8"));
    for (minute, mailbox) in [(0, MAILBOX), (1, UNKNOWN_MAILBOX), (2, STEVES_MAILBOX)] {
        assert_eq!(code(world.try_sign_in_from(mailbox, WRONG, bad, minute).await), "sign_in.refused");
    }
    let Err(IdentityError::TooMany { retry_after_s }) = world.try_sign_in_from(MAILBOX, RIGHT, bad, 3).await else {
        panic!("it has to wait");
    };
    assert_eq!(retry_after_s, 12 * 60);
    assert!(world.try_sign_in_from(MAILBOX, RIGHT, good, 3).await.is_ok());
    assert!(world.try_sign_in_from(MAILBOX, RIGHT, bad, 15).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn neighbours_in_one_ipv6_network_are_counted_together(pool: PgPool) {
    let world = World::empty(pool).await;
    let digest = |address: &str| world.identity.address_digest(FIRM, address);
    assert_eq!(digest("2001:db8:1:2::1"), digest("2001:db8:1:2:ffff::9"));
    assert_ne!(digest("2001:db8:1:2::1"), digest("2001:db8:1:3::1"));
    assert_eq!(digest("::ffff:203.0.113.7"), digest("203.0.113.7"));
    assert_ne!(digest("203.0.113.7"), world.identity.address_digest(OTHER_FIRM, "203.0.113.7"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sign_in_from_a_device_never_seen_before_is_marked(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let sign_in = async |device: &str| {
        let password = &typed(RIGHT);
        let device = Device::named(device);
        let asked = SignIn { org: FIRM, mailbox: MAILBOX, password, device, network_address: None };
        world.identity.sign_in(asked, at(0)).await.unwrap().new_device
    };
    assert!(sign_in("Firefox/131.0 on Linux").await);
    assert!(!sign_in("Firefox/132.0 on Linux").await);
    assert!(sign_in("Safari on iPhone").await);
}

#[sqlx::test(migrations = "../../migrations")] // F1.8
async fn the_password_of_one_firm_opens_no_session_at_another(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let password = &typed(RIGHT);
    let device = Device::named("");
    let asked = SignIn { org: OTHER_FIRM, mailbox: MAILBOX, password, device, network_address: None };
    assert_eq!(code(world.identity.sign_in(asked, at(0)).await), "sign_in.refused");
}

#[sqlx::test(migrations = "../../migrations")]
async fn nothing_that_is_stored_tells_a_password_a_token_or_a_network_address(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let _ = world.try_sign_in_from(MAILBOX, WRONG, Some("203.0.113.7"), 0).await;
    let signed_in = world.try_sign_in_from(MAILBOX, RIGHT, Some("203.0.113.7"), 0).await.unwrap();
    for table in ["credential", "session", "sign_in_attempt", "sign_in_lock"] {
        let text = world.text_of(table).await;
        for secret in [RIGHT, WRONG, "203.0.113.7", signed_in.token.reveal(), signed_in.csrf.reveal()] {
            assert!(!text.contains(secret), "{table}");
        }
    }
    let shown = format!("{signed_in:?}");
    assert!(!shown.contains(signed_in.token.reveal()) && !shown.contains(signed_in.csrf.reveal()), "{shown}");
}
