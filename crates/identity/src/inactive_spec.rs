//! What a node that died left of somebody who was switched off.

use crate::api_token::{IssuedApiToken, NewApiToken, Scope};
use crate::sign_in::SignedIn;
use crate::testing::*;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Label;
use sqlx::PgPool;
use std::collections::BTreeSet;

/// What lets Alice in.
struct Keys {
    session: SignedIn,
    token: IssuedApiToken,
}

impl Keys {
    async fn of_alice(world: &World) -> Self {
        Self { session: world.alice_signs_in(0).await, token: token(world, FIRM, ALICE).await }
    }

    /// Whether the session opens anything, and whether the token does.
    async fn open(&self, world: &World, minutes: i64) -> (bool, bool) {
        (world.is_open(&self.session, minutes).await, works(world, &self.token, minutes).await)
    }
}

async fn token(world: &World, org: OrgId, owner: Principal) -> IssuedApiToken {
    let name = Label::parse("ledger export").unwrap();
    let new = NewApiToken { name, scopes: BTreeSet::from([Scope::Read]), expires_at: at(60) };
    world.identity.issue_api_token(org, owner, new, at(0)).await.unwrap()
}

async fn works(world: &World, token: &IssuedApiToken, minutes: i64) -> bool {
    world.identity.authenticate_api_token(token.token.reveal(), at(minutes)).await.is_ok()
}

async fn end_what_is_left(world: &World, principal: Principal) {
    world.identity.end_access_unless_active(FIRM, principal, at(1)).await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")] // F4.16, F4.17, F4.18
async fn what_was_left_of_somebody_who_was_switched_off_does_not_come_back_with_the_account(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let keys = Keys::of_alice(&world).await;
    world.deactivate_alice().await;
    end_what_is_left(&world, ALICE).await;
    world.reactivate_alice().await;
    assert_eq!(keys.open(&world, 2).await, (false, false));
}

#[sqlx::test(migrations = "../../migrations")] // F4.16
async fn a_link_for_a_forgotten_password_does_not_come_back_with_the_account_either(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let link = world.identity.request_password_reset(FIRM, MAILBOX, at(0)).await.unwrap().unwrap();
    end_what_is_left(&world, ALICE).await;
    world.identity.check_password_reset(link.token.reveal(), at(1)).await.unwrap();
    world.deactivate_alice().await;
    end_what_is_left(&world, ALICE).await;
    world.reactivate_alice().await;
    let refused = world.identity.check_password_reset(link.token.reveal(), at(2)).await;
    assert_eq!(code(refused), "password_reset.refused");
}

#[sqlx::test(migrations = "../../migrations")]
async fn somebody_active_is_signed_out_by_no_attempt_to_switch_them_on(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let keys = Keys::of_alice(&world).await;
    end_what_is_left(&world, ALICE).await;
    assert_eq!(keys.open(&world, 2).await, (true, true));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_left_of_one_person_is_ended_and_nobody_elses(pool: PgPool) {
    let world = World::with_alice(pool).await;
    world.joined(OTHER_FIRM).await;
    let steve = world.try_sign_in(STEVES_MAILBOX, RIGHT, 0).await.unwrap();
    let tokens = [token(&world, FIRM, STEVE).await, token(&world, OTHER_FIRM, ALICE).await];
    world.deactivate_alice().await;
    end_what_is_left(&world, ALICE).await;
    assert!(world.is_open(&steve, 2).await);
    for token in &tokens {
        assert!(works(&world, token, 2).await);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_that_was_revoked_earlier_keeps_its_time(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let issued = token(&world, FIRM, ALICE).await;
    world.identity.revoke_api_token(FIRM, ALICE, issued.id, at(0)).await.unwrap();
    world.deactivate_alice().await;
    end_what_is_left(&world, ALICE).await;
    let own = world.identity.own_api_tokens(FIRM, ALICE).await.unwrap();
    assert_eq!(own[0].revoked_at, Some(at(0)));
}
