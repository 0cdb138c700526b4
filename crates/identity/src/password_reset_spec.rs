//! A forgotten password.

use crate::api_token::{NewApiToken, Scope};
use crate::password_reset::ResetLink;
use crate::testing::*;
use countersign_domain::values::Label;
use sqlx::PgPool;
use std::collections::BTreeSet;

async fn request(world: &World, minutes: i64) -> Option<ResetLink> {
    world.identity.request_password_reset(FIRM, MAILBOX, at(minutes)).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_link_sets_a_new_password_once_and_ends_all_sessions(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let signed_in = world.alice_signs_in(0).await;
    let link = request(&world, 0).await.unwrap();
    assert_eq!((link.principal, link.expires_at), (ALICE, at(60)));
    let token = link.token.reveal();
    assert_eq!(world.identity.reset_password(token, chosen(NEWER), at(59)).await.unwrap(), ALICE);
    assert!(!world.is_open(&signed_in, 1).await);
    assert_eq!(code(world.try_sign_in(MAILBOX, RIGHT, 59).await), "sign_in.refused");
    assert!(world.try_sign_in(MAILBOX, NEWER, 59).await.is_ok());
    assert_eq!(code(world.identity.reset_password(token, chosen(RIGHT), at(59)).await), "password_reset.refused");
}

#[sqlx::test(migrations = "../../migrations")]
async fn looking_at_the_link_changes_nothing(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let link = request(&world, 0).await.unwrap();
    let before = world.text_of("password_reset").await;
    for _ in 0..3 {
        world.identity.check_password_reset(link.token.reveal(), at(1)).await.unwrap();
    }
    assert_eq!(world.text_of("password_reset").await, before);
    assert!(!before.contains(link.token.reveal()));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_link_that_is_an_hour_old_or_made_up_is_refused_without_hashing(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let link = request(&world, 0).await.unwrap();
    let made_up = crate::opaque_token::mint(FIRM, "").0;
    let before = world.identity.hasher.hashed();
    for (token, minutes) in [(link.token.reveal(), 60), (made_up.reveal(), 0), ("", 0), ("ä", 0)] {
        let refused = world.identity.reset_password(token, chosen(NEWER), at(minutes)).await;
        assert_eq!(code(refused), "password_reset.refused");
        let refused = world.identity.check_password_reset(token, at(minutes)).await;
        assert_eq!(code(refused), "password_reset.refused");
    }
    assert_eq!(world.identity.hasher.hashed(), before);
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_is_not_active_gets_no_link_and_can_use_none(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let link = request(&world, 0).await.unwrap();
    world.deactivate_alice().await;
    assert!(request(&world, 0).await.is_none());
    let refused = world.identity.reset_password(link.token.reveal(), chosen(NEWER), at(1)).await;
    assert_eq!(code(refused), "password_reset.refused");
    let nobody = world.identity.request_password_reset(FIRM, UNKNOWN_MAILBOX, at(0)).await.unwrap();
    assert!(nobody.is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_person_is_sent_three_links_an_hour_and_using_one_voids_the_others(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let links =
        [request(&world, 0).await.unwrap(), request(&world, 1).await.unwrap(), request(&world, 2).await.unwrap()];
    assert!(request(&world, 3).await.is_none());
    assert!(request(&world, 60).await.is_some());
    world.identity.reset_password(links[1].token.reveal(), chosen(NEWER), at(3)).await.unwrap();
    for link in [&links[0], &links[2]] {
        assert_eq!(
            code(world.identity.check_password_reset(link.token.reveal(), at(3)).await),
            "password_reset.refused"
        );
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_two_who_use_one_link_at_once_one_sets_the_password(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let link = request(&world, 0).await.unwrap();
    let reset = |text: &'static str| world.identity.reset_password(link.token.reveal(), chosen(text), at(1));
    let (one, other) = futures::future::join(reset(NEWER), reset(RIGHT)).await;
    assert!(one.is_ok() != other.is_ok());
    let standing = if one.is_ok() { NEWER } else { RIGHT };
    assert!(world.try_sign_in(MAILBOX, standing, 1).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_new_password_lifts_the_lock(pool: PgPool) {
    let world = World::with_alice(pool).await;
    for _ in 0..5 {
        let _ = world.try_sign_in(MAILBOX, WRONG, 0).await;
    }
    assert_eq!(code(world.try_sign_in(MAILBOX, RIGHT, 0).await), "sign_in.locked");
    let link = request(&world, 0).await.unwrap();
    world.identity.reset_password(link.token.reveal(), chosen(NEWER), at(0)).await.unwrap();
    assert!(world.try_sign_in(MAILBOX, NEWER, 0).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")] // D12
async fn a_forgotten_password_set_anew_ends_the_tokens_that_were_issued_before(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let wanted = || NewApiToken {
        name: Label::parse("ledger export").unwrap(),
        scopes: BTreeSet::from([Scope::Read]),
        expires_at: at(60),
    };
    let issue = async |owner| world.identity.issue_api_token(FIRM, owner, wanted(), at(0)).await.unwrap();
    let (hers, his) = (issue(ALICE).await, issue(STEVE).await);
    let link = request(&world, 0).await.unwrap();
    world.identity.reset_password(link.token.reveal(), chosen(NEWER), at(1)).await.unwrap();
    let refused = world.identity.authenticate_api_token(hers.token.reveal(), at(1)).await;
    assert_eq!(code(refused), "api_token.refused");
    assert!(world.identity.authenticate_api_token(his.token.reveal(), at(1)).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn changing_the_password_voids_the_links_that_are_still_open(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let link = request(&world, 0).await.unwrap();
    let who = world.who(&world.alice_signs_in(0).await, 1).await.unwrap();
    let refused = world.identity.change_password(&who, &typed(WRONG), chosen(NEWER), at(1)).await;
    assert_eq!(code(refused), "password.current_wrong");
    world.identity.check_password_reset(link.token.reveal(), at(1)).await.unwrap();
    world.identity.change_password(&who, &typed(RIGHT), chosen(NEWER), at(1)).await.unwrap();
    let refused = world.identity.reset_password(link.token.reveal(), chosen(RIGHT), at(1)).await;
    assert_eq!(code(refused), "password_reset.refused");
}

#[sqlx::test(migrations = "../../migrations")] // F4.16
async fn a_link_from_before_the_account_was_switched_off_stays_dead_when_it_is_switched_on(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let link = request(&world, 0).await.unwrap();
    world.deactivate_alice().await;
    world.identity.void_password_resets(FIRM, ALICE, at(1)).await.unwrap();
    world.reactivate_alice().await;
    let refused = world.identity.check_password_reset(link.token.reveal(), at(1)).await;
    assert_eq!(code(refused), "password_reset.refused");
}
