//! What migrations make of rows that stood there before them.

use crate::firm::*;
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::StaffId;
use countersign_domain::use_cases::firm::{add_staff, deactivate_staff, invite_staff};
use sqlx::PgPool;
use uuid::Uuid;

const AGENDA: &str = include_str!("../../../../migrations/20261125000200_following.sql");
const INVITATIONS: &str = include_str!("../../../../migrations/20261125000220_staff_invitation.sql");

/// The one statement of a migration that begins so.
fn statement(migration: &'static str, begins: &str) -> &'static str {
    let at = migration.find(begins).unwrap();
    let (statement, _) = migration[at..].split_once(';').unwrap();
    statement
}

async fn invitations(owner: &PgPool) -> Vec<(Uuid, Option<Uuid>)> {
    sqlx::query_as("SELECT staff_id, invitation_id FROM read.staff ORDER BY 1").fetch_all(owner).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn colleagues_who_were_invited_before_an_upgrade_keep_their_live_invitation(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let (invited, again, gone) = (0xe1, 0xe2, 0xe3);
    for number in [invited, again, gone] {
        let id = StaffId(Uuid::from_u128(number));
        firm.must(ADA, add_staff(firm.staff(id, &format!("Newcomer {number:x}")).await, Level::ProjectManager)).await;
    }
    firm.must(ADA, invite_staff(StaffId(Uuid::from_u128(again)), invitation(Uuid::from_u128(0xee)))).await;
    firm.must(ADA, deactivate_staff(StaffId(Uuid::from_u128(gone)))).await;
    firm.follow().await;
    // Not projected yet when the upgrade comes.
    firm.must(ADA, invite_staff(StaffId(Uuid::from_u128(invited)), invitation(Uuid::from_u128(0xef)))).await;

    let before = invitations(&owner).await;
    assert_eq!(before.iter().filter(|(_, invitation)| invitation.is_some()).count(), 2);
    sqlx::query("UPDATE read.staff SET invitation_id = NULL").execute(&owner).await.unwrap();
    sqlx::raw_sql(statement(INVITATIONS, "UPDATE read.staff")).execute(&owner).await.unwrap();
    assert_eq!(invitations(&owner).await, before);
}

#[sqlx::test(migrations = "../../migrations")]
async fn organizations_that_were_there_before_the_processes_are_followed_by_them(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let on_the_agenda = || {
        sqlx::query_scalar::<_, i64>(r#"SELECT count(*) FROM read.active_generation WHERE "group" = 'agenda'"#)
            .fetch_one(&owner)
    };
    sqlx::query(r#"DELETE FROM read.active_generation WHERE "group" = 'agenda'"#).execute(&owner).await.unwrap();
    assert_eq!(on_the_agenda().await.unwrap(), 0);
    sqlx::raw_sql(statement(AGENDA, "INSERT INTO read.active_generation")).execute(&owner).await.unwrap();
    assert_eq!(on_the_agenda().await.unwrap(), 1);
    drop(firm);
}
