//! Passwords under invitations, and changing them.

use crate::credential::of_mailbox;
use crate::device::Device;
use crate::error::IdentityError;
use crate::limits::Limits;
use crate::session::{self, NewSession};
use crate::testing::*;
use countersign_postgres::scoped;
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")] // F4.23, F4.24
async fn a_password_counts_only_once_its_invitation_was_accepted(pool: PgPool) {
    let world = World::empty(pool).await;
    world.credential(FIRM, ALICE, MAILBOX, INVITATION, RIGHT).await.unwrap();
    assert_eq!(code(world.try_sign_in(MAILBOX, RIGHT, 0).await), "sign_in.refused");
    world.access(FIRM, ALICE, MAILBOX, "pending", None).await;
    assert_eq!(code(world.try_sign_in(MAILBOX, RIGHT, 0).await), "sign_in.refused");
    world.access(FIRM, ALICE, MAILBOX, "active", Some(INVITATION)).await;
    assert!(world.try_sign_in(MAILBOX, RIGHT, 0).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")] // F4.23
async fn a_password_set_with_an_invitation_that_was_replaced_opens_nothing(pool: PgPool) {
    let world = World::empty(pool).await;
    world.credential(FIRM, ALICE, MAILBOX, INVITATION, RIGHT).await.unwrap();
    world.credential(FIRM, ALICE, MAILBOX, SECOND_INVITATION, NEWER).await.unwrap();
    world.access(FIRM, ALICE, MAILBOX, "active", Some(SECOND_INVITATION)).await;
    assert_eq!(code(world.try_sign_in(MAILBOX, RIGHT, 0).await), "sign_in.refused");
    assert!(world.try_sign_in(MAILBOX, NEWER, 0).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn until_it_is_accepted_the_last_password_given_for_an_invitation_stands(pool: PgPool) {
    let world = World::empty(pool).await;
    world.credential(FIRM, ALICE, MAILBOX, INVITATION, RIGHT).await.unwrap();
    world.credential(FIRM, ALICE, MAILBOX, INVITATION, NEWER).await.unwrap();
    world.access(FIRM, ALICE, MAILBOX, "active", Some(INVITATION)).await;
    assert!(world.try_sign_in(MAILBOX, NEWER, 0).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_finds_the_link_of_an_accepted_invitation_cannot_change_the_password_with_it(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let again = world.credential(FIRM, ALICE, MAILBOX, INVITATION, NEWER).await;
    assert_eq!(code(again), "invitation.already_accepted");
    assert!(world.try_sign_in(MAILBOX, RIGHT, 0).await.is_ok());
    world.deactivate_alice().await;
    let again = world.credential(FIRM, ALICE, MAILBOX, INVITATION, NEWER).await;
    assert_eq!(code(again), "invitation.already_accepted");
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_several_who_accept_one_invitation_only_the_one_whose_password_counts_is_told_so(pool: PgPool) {
    let world = World::empty(pool).await;
    world.alice_sets(RIGHT, ACCEPTANCE).await.unwrap();
    world.alice_sets(NEWER, SECOND_ACCEPTANCE).await.unwrap();
    world.alice_accepts().await;
    assert!(!world.is_alices_set_by(ACCEPTANCE).await);
    assert!(world.is_alices_set_by(SECOND_ACCEPTANCE).await);
    assert_eq!(code(world.try_sign_in(MAILBOX, RIGHT, 0).await), "sign_in.refused");
    assert!(world.try_sign_in(MAILBOX, NEWER, 0).await.is_ok());
    let elsewhere = world.identity.is_credential_set_by(OTHER_FIRM, INVITATION, SECOND_ACCEPTANCE).await;
    assert!(!elsewhere.unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_password_that_comes_while_its_invitation_is_being_accepted_waits_and_is_refused(pool: PgPool) {
    let world = World::empty(pool).await;
    world.alice_sets(RIGHT, ACCEPTANCE).await.unwrap();
    let append = world.alice_is_accepting().await;
    let mut late = Box::pin(world.alice_sets(NEWER, SECOND_ACCEPTANCE));
    tokio::select! {
        early = &mut late => panic!("it did not wait: {early:?}"),
        () = world.somebody_waits() => {}
    }
    append.commit().await.unwrap();
    assert_eq!(code(late.await), "invitation.already_accepted");
    assert!(world.is_alices_set_by(ACCEPTANCE).await);
    assert!(!world.is_alices_set_by(SECOND_ACCEPTANCE).await);
    assert!(world.try_sign_in(MAILBOX, RIGHT, 0).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_accepted_is_told_so_still_after_the_password_was_changed_or_set_anew(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let who = world.who(&world.alice_signs_in(0).await, 1).await.unwrap();
    world.identity.change_password(&who, &typed(RIGHT), chosen(NEWER), at(1)).await.unwrap();
    assert!(world.is_alices_set_by(ACCEPTANCE).await);
    let link = world.identity.request_password_reset(FIRM, MAILBOX, at(1)).await.unwrap().unwrap();
    world.identity.reset_password(link.token.reveal(), chosen(RIGHT), at(2)).await.unwrap();
    assert!(world.is_alices_set_by(ACCEPTANCE).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_password_works_for_the_address_that_it_was_set_for(pool: PgPool) {
    let world = World::with_alice(pool).await;
    world.access(FIRM, ALICE, UNKNOWN_MAILBOX, "active", Some(INVITATION)).await;
    assert_eq!(code(world.try_sign_in(MAILBOX, RIGHT, 0).await), "sign_in.refused");
    assert_eq!(code(world.try_sign_in(UNKNOWN_MAILBOX, RIGHT, 0).await), "sign_in.refused");
}

#[sqlx::test(migrations = "../../migrations")]
async fn changing_the_password_ends_all_other_sessions(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let (here, there) = (world.alice_signs_in(0).await, world.alice_signs_in(0).await);
    let who = world.who(&here, 1).await.unwrap();
    world.identity.change_password(&who, &typed(RIGHT), chosen(NEWER), at(1)).await.unwrap();
    assert!(world.is_open(&here, 1).await);
    assert!(!world.is_open(&there, 1).await);
    assert_eq!(code(world.try_sign_in(MAILBOX, RIGHT, 1).await), "sign_in.refused");
    assert!(world.try_sign_in(MAILBOX, NEWER, 1).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_finds_an_open_browser_cannot_guess_the_current_password_for_long(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let who = world.who(&world.alice_signs_in(0).await, 1).await.unwrap();
    for n in 1..=5 {
        let refused = world.identity.change_password(&who, &typed(WRONG), chosen(NEWER), at(1)).await;
        let Err(IdentityError::CurrentPasswordWrong { lock_began }) = refused else { panic!("{refused:?}") };
        assert_eq!(lock_began.is_some(), n == 5);
    }
    let locked = world.identity.change_password(&who, &typed(RIGHT), chosen(NEWER), at(1)).await;
    assert_eq!(code(locked), "sign_in.locked");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sign_in_with_the_old_password_that_races_its_change_leaves_no_session(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let who = world.who(&world.alice_signs_in(0).await, 1).await.unwrap();
    let old = typed(RIGHT);
    let sign_ins = futures::future::join_all((0..4).map(|_| world.try_sign_in(MAILBOX, RIGHT, 1)));
    let change = world.identity.change_password(&who, &old, chosen(NEWER), at(1));
    let (signed_in, changed) = futures::future::join(sign_ins, change).await;
    changed.unwrap();
    for outcome in signed_in {
        match outcome {
            Ok(signed_in) => assert!(!world.is_open(&signed_in, 1).await),
            Err(refused) => assert_eq!(refused.code(), "sign_in.refused"),
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_password_that_was_changed_after_it_was_checked_begins_no_session(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let who = world.who(&world.alice_signs_in(0).await, 1).await.unwrap();
    let checked = of_mailbox(&mut scoped(world.app(), FIRM).await.unwrap(), FIRM, MAILBOX).await.unwrap().unwrap();
    let start = async || {
        let new = NewSession::new(FIRM, ALICE, Device::named(""), [0; 32], &Limits::default(), at(1));
        let mut transaction = scoped(world.app(), FIRM).await.unwrap();
        session::start(&mut transaction, FIRM, &checked, &new).await.unwrap()
    };
    assert!(start().await);
    world.identity.change_password(&who, &typed(RIGHT), chosen(NEWER), at(1)).await.unwrap();
    assert!(!start().await);
}

#[sqlx::test(migrations = "../../migrations")] // F4.16
async fn an_account_that_was_switched_off_after_its_password_was_checked_begins_no_session(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let mut transaction = scoped(world.app(), FIRM).await.unwrap();
    let checked = of_mailbox(&mut transaction, FIRM, MAILBOX).await.unwrap().unwrap();
    world.deactivate_alice().await;
    let new = NewSession::new(FIRM, ALICE, Device::named(""), [0; 32], &Limits::default(), at(1));
    assert!(!session::start(&mut transaction, FIRM, &checked, &new).await.unwrap());
}
