//! API tokens.

use crate::api_token::{IssuedApiToken, NewApiToken, Scope, TokenBearer};
use crate::error::IdentityError;
use crate::testing::*;
use chrono::TimeDelta;
use countersign_domain::values::{Label, Timestamp};
use sqlx::PgPool;
use std::collections::BTreeSet;

fn wanted(expires_at: Timestamp) -> NewApiToken {
    NewApiToken {
        name: Label::parse("ledger export").unwrap(),
        scopes: BTreeSet::from([Scope::Read, Scope::Audit]),
        expires_at,
    }
}

async fn issue(world: &World) -> IssuedApiToken {
    world.identity.issue_api_token(FIRM, STEVE, wanted(at(60)), at(0)).await.unwrap()
}

async fn bearer(world: &World, issued: &IssuedApiToken, minutes: i64) -> Result<TokenBearer, IdentityError> {
    world.identity.authenticate_api_token(issued.token.reveal(), at(minutes)).await
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_acts_for_its_owner_within_its_scopes_until_its_day(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let issued = issue(&world).await;
    assert!(issued.token.reveal().starts_with("cst_"));
    let who = bearer(&world, &issued, 59).await.unwrap();
    assert_eq!((who.org, who.token, who.subject.principal()), (FIRM, issued.id, STEVE));
    assert_eq!(who.scopes, BTreeSet::from([Scope::Read, Scope::Audit]));
    assert_eq!(code(bearer(&world, &issued, 60).await), "api_token.refused");
}

#[sqlx::test(migrations = "../../migrations")] // F4.17
async fn a_token_of_somebody_who_was_switched_off_opens_nothing(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let issued = issue(&world).await;
    world.access(FIRM, STEVE, STEVES_MAILBOX, "inactive", Some(STEVES_INVITATION)).await;
    assert_eq!(code(bearer(&world, &issued, 1).await), "api_token.refused");
    world.identity.revoke_all_api_tokens(FIRM, STEVE, at(1)).await.unwrap();
    world.access(FIRM, STEVE, STEVES_MAILBOX, "active", Some(STEVES_INVITATION)).await;
    assert_eq!(code(bearer(&world, &issued, 1).await), "api_token.refused");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_lives_at_most_a_year_and_may_do_something(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let issue = async |new| world.identity.issue_api_token(FIRM, STEVE, new, at(0)).await;
    let year = at(0).plus(TimeDelta::days(366));
    assert!(issue(wanted(year)).await.is_ok());
    assert_eq!(code(issue(wanted(year.plus(TimeDelta::microseconds(1)))).await), "api_token.lifetime");
    assert_eq!(code(issue(wanted(at(0))).await), "api_token.lifetime");
    let idle = NewApiToken { scopes: BTreeSet::new(), ..wanted(at(60)) };
    assert_eq!(code(issue(idle).await), "api_token.without_scope");
}

#[sqlx::test(migrations = "../../migrations")]
async fn people_list_and_revoke_their_own_tokens_and_no_others(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let issued = issue(&world).await;
    bearer(&world, &issued, 1).await.unwrap();
    let none = world.identity.own_api_tokens(FIRM, ALICE).await.unwrap();
    assert_eq!(none, []);
    let strangers = world.identity.revoke_api_token(FIRM, ALICE, issued.id, at(2)).await;
    assert_eq!(code(strangers), "not_found");
    assert!(bearer(&world, &issued, 2).await.is_ok());

    for minutes in [3, 4] {
        world.identity.revoke_api_token(FIRM, STEVE, issued.id, at(minutes)).await.unwrap();
    }
    assert_eq!(code(bearer(&world, &issued, 3).await), "api_token.refused");
    let own = world.identity.own_api_tokens(FIRM, STEVE).await.unwrap();
    let [own] = own.as_slice() else { panic!("{own:?}") };
    assert_eq!((own.id, own.name.as_str()), (issued.id, "ledger export"));
    assert_eq!((own.created_at, own.expires_at), (at(0), at(60)));
    assert_eq!((own.last_used_at, own.revoked_at), (Some(at(2)), Some(at(3))));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_is_shown_once_and_is_no_session(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let issued = issue(&world).await;
    assert!(!world.text_of("api_token").await.contains(&issued.token.reveal()[4..]));
    assert!(!format!("{issued:?}").contains(issued.token.reveal()));
    let text = issued.token.reveal();
    for token in [text, &text[4..]] {
        assert_eq!(code(world.identity.authenticate(token, at(1)).await), "session.ended");
    }
    let session = world.alice_signs_in(0).await;
    for token in [session.token.reveal().to_owned(), format!("cst_{}", session.token.reveal())] {
        assert_eq!(code(world.identity.authenticate_api_token(&token, at(1)).await), "api_token.refused");
    }
}

#[sqlx::test(migrations = "../../migrations")] // F4.16
async fn nobody_who_was_switched_off_meanwhile_is_issued_a_token(pool: PgPool) {
    let world = World::with_alice(pool).await;
    world.access(FIRM, STEVE, STEVES_MAILBOX, "inactive", Some(STEVES_INVITATION)).await;
    for (org, owner) in [(FIRM, STEVE), (OTHER_FIRM, ALICE)] {
        let issued = world.identity.issue_api_token(org, owner, wanted(at(60)), at(0)).await;
        assert_eq!(code(issued), "session.ended");
    }
    assert_eq!(world.count("api_token").await, 0);
}
