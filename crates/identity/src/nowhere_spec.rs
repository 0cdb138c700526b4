//! Signing in to an organization that is not there.

use crate::nowhere::SignInToNowhere;
use crate::retention::Pruned;
use crate::testing::*;
use countersign_domain::values::{Email, Slug};
use sqlx::PgPool;

async fn refused(world: &World, organization: &str, from: Option<&str>, minutes: i64) -> &'static str {
    let (organization, email) = (Slug::parse(organization).unwrap(), Email::parse("ann@example.com").unwrap());
    let password = &typed(RIGHT);
    let asked = SignInToNowhere { organization: &organization, email: &email, password, network_address: from };
    world.identity.refuse_sign_in_to_nowhere(asked, at(minutes)).await.code()
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_tries_an_organization_that_is_not_there_cannot_tell_it_from_one_that_is(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let before = world.identity.hasher.hashed();
    for _ in 0..5 {
        assert_eq!(refused(&world, "nowhere", None, 0).await, "sign_in.refused");
        assert_eq!(code(world.try_sign_in(UNKNOWN_MAILBOX, RIGHT, 0).await), "sign_in.refused");
    }
    assert_eq!(world.identity.hasher.hashed() - before, 10, "as much is hashed for one as for the other");
    assert_eq!(refused(&world, "nowhere", None, 0).await, "sign_in.locked");
    assert_eq!(code(world.try_sign_in(UNKNOWN_MAILBOX, RIGHT, 0).await), "sign_in.locked");
    assert_eq!(refused(&world, "elsewhere", None, 0).await, "sign_in.refused");
}

#[sqlx::test(migrations = "../../migrations")]
async fn refusals_from_one_network_are_counted_for_each_short_name_by_itself(pool: PgPool) {
    let world = World::with_alice(pool).await;
    let from = Some("203.0.113.7");
    for minutes in 0..30 {
        // A lock has ended by then: refusals while it lasts are counted, too.
        refused(&world, "nowhere", from, minutes / 15).await;
    }
    assert_eq!(refused(&world, "nowhere", from, 2).await, "sign_in.too_many");
    assert_eq!(refused(&world, "elsewhere", from, 2).await, "sign_in.refused");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_kept_of_it_goes_as_soon_as_it_no_longer_counts(pool: PgPool) {
    let world = World::with_alice(pool).await;
    refused(&world, "nowhere", None, 0).await;
    assert_eq!(world.identity.prune(at(15)).await.unwrap(), Pruned::default());
    let pruned = world.identity.prune(at(16)).await.unwrap();
    assert_eq!(pruned, Pruned { attempts: 1, locks: 1, ..Pruned::default() });
}
