//! Sessions: what ends them.

use crate::csrf::check_csrf;
use crate::error::IdentityError;
use crate::server_key::ServerKey;
use crate::testing::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::ids::OrgId;
use futures::future::join_all;
use sqlx::{Executor, PgPool};
use std::time::Duration;
use tokio::time::timeout;

#[sqlx::test(migrations = "../../migrations")] // F4.16, F4.17
async fn an_account_that_was_switched_off_has_no_session_from_that_moment(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let signed_in = world.alice_signs_in(0).await;
    assert!(world.is_open(&signed_in, 1).await);
    world.deactivate_alice().await;
    assert!(!world.is_open(&signed_in, 1).await);
}

#[sqlx::test(migrations = "../../migrations")] // F4.16
async fn sessions_that_were_ended_with_the_account_do_not_come_back_with_it(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let signed_in = world.alice_signs_in(0).await;
    world.deactivate_alice().await;
    assert_eq!(world.identity.end_all_sessions(FIRM, ALICE, at(1)).await.unwrap(), 1);
    world.reactivate_alice().await;
    assert!(!world.is_open(&signed_in, 2).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_session_ends_when_its_person_accepts_another_invitation(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let signed_in = world.alice_signs_in(0).await;
    world.access(FIRM, ALICE, MAILBOX, "active", Some(SECOND_INVITATION)).await;
    assert!(!world.is_open(&signed_in, 1).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_guests_session_ends_after_half_an_hour_alone_and_staffs_after_two(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let alice = world.alice_signs_in(0).await;
    let steve = world.try_sign_in(STEVES_MAILBOX, RIGHT, 0).await.unwrap();
    assert!(world.is_open(&alice, 29).await);
    assert!(world.is_open(&alice, 58).await);
    assert!(!world.is_open(&alice, 58 + 30).await);
    assert!(world.is_open(&steve, 119).await);
    assert!(!world.is_open(&steve, 119 + 120).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_session_ends_after_twelve_hours_however_busy_it_is(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let signed_in = world.alice_signs_in(0).await;
    assert_eq!(signed_in.expires_at, at(12 * 60));
    for minutes in (0..12 * 60).step_by(20) {
        assert!(world.is_open(&signed_in, minutes).await);
    }
    assert!(!world.is_open(&signed_in, 12 * 60).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn being_seen_is_written_at_most_once_a_minute(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let signed_in = world.alice_signs_in(0).await;
    let written = async || world.text_of("session").await;
    let before = written().await;
    let half_a_minute = at(0).plus(chrono::TimeDelta::seconds(30));
    world.identity.authenticate(signed_in.token.reveal(), half_a_minute).await.unwrap();
    assert_eq!(written().await, before);
    world.identity.authenticate(signed_in.token.reveal(), at(1)).await.unwrap();
    assert_ne!(written().await, before);
}

#[sqlx::test(migrations = "../../migrations")]
async fn people_who_ask_at_the_same_moment_are_told_apart(pool: PgPool) {
    let world = World::with_alice(pool).await;
    world.joined(OTHER_FIRM).await;
    let alice = world.alice_signs_in(0).await;
    let steve = world.try_sign_in(STEVES_MAILBOX, RIGHT, 0).await.unwrap();
    let left_alone = world.alice_signs_in(-40).await;
    let nobodys = crate::opaque_token::mint(FIRM, "").0;
    let tokens = [alice.token.reveal(), nobodys.reveal(), steve.token.reveal(), left_alone.token.reveal()];
    let asked = (0..300).map(|number| world.identity.authenticate(tokens[number % tokens.len()], at(1)));
    for (number, answer) in join_all(asked).await.into_iter().enumerate() {
        match number % tokens.len() {
            0 => assert_eq!(answer.unwrap().principal(), ALICE),
            2 => assert_eq!(answer.unwrap().principal(), STEVE),
            _ => assert_eq!(code(answer), "session.ended"),
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_asks_with_somebody_who_goes_away_is_answered_all_the_same(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let alice = world.alice_signs_in(0).await;
    let impatient = (0..20).map(|_| world.identity.authenticate(alice.token.reveal(), at(1)));
    let mut impatient: Vec<_> = impatient.map(Box::pin).collect();
    for asked in &mut impatient {
        assert!(futures::poll!(asked).is_pending());
    }
    // Some leave while they are looked up, the others before.
    tokio::task::yield_now().await;
    drop(impatient);
    let patiently = Duration::from_secs(20);
    assert!(timeout(patiently, world.is_open(&alice, 1)).await.unwrap());
    assert!(timeout(patiently, world.is_open(&alice, 1)).await.unwrap());
}

#[sqlx::test(migrations = "../../migrations")] // F4.16
async fn nobody_is_let_in_by_what_was_looked_up_before_they_lost_their_session(pool: PgPool) {
    let world = World::with_alice(pool.clone()).await;
    let alice = world.alice_signs_in(0).await;
    let steve = world.try_sign_in(STEVES_MAILBOX, RIGHT, 0).await.unwrap();
    let mut ending = pool.acquire().await.unwrap();
    ending.execute("BEGIN; LOCK TABLE identity.session").await.unwrap();
    let steve_asks_later = async {
        world.somebody_waits().await;
        let ends = async {
            tokio::task::yield_now().await;
            let end = sqlx::query("UPDATE identity.session SET ended_at = $2 WHERE session_id = $1");
            end.bind(steve.session.0).bind(at(1).as_utc()).execute(&mut *ending).await.unwrap();
            ending.execute("COMMIT").await.unwrap();
        };
        tokio::join!(world.is_open(&steve, 1), ends).0
    };
    assert_eq!(tokio::join!(world.is_open(&alice, 1), steve_asks_later), (true, false));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lookup_that_the_database_refuses_is_no_session_that_has_ended(pool: PgPool) {
    let world = World::with_alice(pool.clone()).await;
    let alice = world.alice_signs_in(0).await;
    let functions = "ALL FUNCTIONS IN SCHEMA identity";
    let revoke = format!("REVOKE EXECUTE ON {functions} FROM countersign_app");
    pool.execute(sqlx::AssertSqlSafe(revoke)).await.unwrap();
    for answer in join_all((0..3).map(|_| world.who(&alice, 1))).await {
        assert!(matches!(answer, Err(IdentityError::Store(_))), "{answer:?}");
    }
    pool.execute(sqlx::AssertSqlSafe(format!("GRANT EXECUTE ON {functions} TO countersign_app"))).await.unwrap();
    assert!(world.is_open(&alice, 1).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn signing_out_ends_this_session_only(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let (here, there) = (world.alice_signs_in(0).await, world.alice_signs_in(0).await);
    let who = world.who(&here, 1).await.unwrap();
    world.identity.sign_out(&who, at(1)).await.unwrap();
    assert!(!world.is_open(&here, 1).await);
    assert!(world.is_open(&there, 1).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn people_see_their_own_live_sessions_and_can_end_them(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let (here, there, lost) =
        (world.alice_signs_in(0).await, world.alice_signs_in(1).await, world.alice_signs_in(2).await);
    world.try_sign_in(STEVES_MAILBOX, RIGHT, 0).await.unwrap();
    let who = world.who(&here, 3).await.unwrap();
    let listed = world.identity.own_sessions(&who, at(3)).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|own| (own.id, own.is_current)).collect();
    assert_eq!(ids, [(here.session, true), (lost.session, false), (there.session, false)]);
    assert_eq!(listed[0].device, "Firefox/131.0 on Linux");
    assert_eq!((listed[0].started_at, listed[0].last_seen_at), (at(0), at(3)));

    world.identity.end_session(&who, lost.session, at(4)).await.unwrap();
    assert!(!world.is_open(&lost, 4).await);
    assert_eq!(world.identity.own_sessions(&who, at(4)).await.unwrap().len(), 2);
    assert_eq!(world.identity.end_other_sessions(&who, at(4)).await.unwrap(), 1);
    assert!(!world.is_open(&there, 4).await);
    assert!(world.is_open(&here, 4).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn somebody_elses_session_cannot_be_ended_and_looks_like_none(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let alice = world.alice_signs_in(0).await;
    let steve = world.try_sign_in(STEVES_MAILBOX, RIGHT, 0).await.unwrap();
    let who = world.who(&steve, 1).await.unwrap();
    let refused = world.identity.end_session(&who, alice.session, at(1)).await.unwrap_err();
    let none = world.identity.end_session(&who, crate::session::SessionId(FIRM.0), at(1)).await.unwrap_err();
    assert_eq!((refused.code(), refused.to_string()), (none.code(), none.to_string()));
    assert!(world.is_open(&alice, 1).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_that_is_made_up_or_moved_to_another_firm_opens_nothing(pool: PgPool) {
    let world = World::with_alice(pool).await;
    world.joined(OTHER_FIRM).await;
    let signed_in = world.alice_signs_in(0).await;
    let foreign = crate::opaque_token::mint(OTHER_FIRM, "").0;
    let mut moved = URL_SAFE_NO_PAD.decode(signed_in.token.reveal()).unwrap();
    moved[..16].copy_from_slice(OTHER_FIRM.0.as_bytes());
    let moved = URL_SAFE_NO_PAD.encode(moved);
    let nobodys = crate::opaque_token::mint(OrgId(uuid::Uuid::nil()), "").0;
    for token in ["", "ä", "cst_", moved.as_str(), foreign.reveal(), nobodys.reveal()] {
        assert_eq!(code(world.identity.authenticate(token, at(1)).await), "session.ended", "{token:?}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn asking_whose_session_it_is_leaves_every_connection_without_an_organization(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let signed_in = world.alice_signs_in(0).await;
    let connections = world.identity.pool.options().get_max_connections();
    for minutes in [1, 12 * 60] {
        assert_eq!(world.is_open(&signed_in, minutes).await, minutes == 1);
        for _ in 0..connections {
            let named: Option<String> = sqlx::query_scalar("SELECT current_setting('countersign.org', true)")
                .fetch_one(&world.identity.pool)
                .await
                .unwrap();
            assert_eq!(named.unwrap_or_default(), "");
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_session_comes_with_the_csrf_token_that_its_requests_carry(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let (here, there) = (world.alice_signs_in(0).await, world.alice_signs_in(0).await);
    let key = ServerKey::new([9; 32]);
    assert!(check_csrf(&key, here.token.reveal(), here.csrf.reveal()).is_ok());
    assert_eq!(code(check_csrf(&key, here.token.reveal(), there.csrf.reveal())), "session.csrf_refused");
}
