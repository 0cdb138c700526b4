//! What goes when its time is over.

use crate::retention::Pruned;
use crate::testing::*;
use countersign_domain::values::Slug;
use sqlx::PgPool;

const DAY: i64 = 24 * 60;

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_past_its_time_goes_and_what_is_not_stays(pool: PgPool) {
    let world = World::with_alice(pool).await;
    world.identity.claim(&Slug::parse("north-star").unwrap(), FIRM, at(0)).await.unwrap();
    let _ = world.try_sign_in(UNKNOWN_MAILBOX, WRONG, 0).await;
    world.alice_signs_in(0).await;
    world.identity.request_password_reset(FIRM, MAILBOX, at(0)).await.unwrap();

    let prune = async |minutes| world.identity.prune(at(minutes)).await.unwrap();
    assert_eq!(prune(15).await, Pruned::default());
    assert_eq!(prune(16).await, Pruned { locks: 1, ..Pruned::default() });
    assert_eq!(prune(DAY + 61).await, Pruned { resets: 1, ..Pruned::default() });
    assert_eq!(prune(30 * DAY + 1).await, Pruned { attempts: 1, ..Pruned::default() });
    assert_eq!(prune(90 * DAY + 31).await, Pruned { sessions: 1, ..Pruned::default() });
    assert_eq!(world.count("session").await, 0);
    assert_eq!(world.count("credential").await, 2);
}
