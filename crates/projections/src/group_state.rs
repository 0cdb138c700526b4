//! How the groups stand: for whoever watches over a node.

use crate::columns::signed_position;
use crate::group::Group;
use countersign_postgres::spanning;
use sqlx::PgPool;

/// How a group stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupState {
    /// Its name.
    pub group: String,
    /// Organizations whose rows stop at an event that this build's folds cannot take.
    pub parked: u64,
    /// Other organizations whose rows are further behind than was asked about.
    pub far_behind: u64,
    /// How many events the furthest of those others is behind.
    pub furthest: u64,
}

/// How these groups stand; `far` is how many events behind is far. Every ledger's head is looked at: not for each request.
pub async fn group_states(pool: &PgPool, groups: &[Group], far: u64) -> Result<Vec<GroupState>, sqlx::Error> {
    let names: Vec<String> = groups.iter().map(|group| group.name.to_owned()).collect();
    let folds: Vec<String> = groups.iter().map(|group| group.code.clone()).collect();
    let mut transaction = spanning(pool).await?;
    let rows = sqlx::query!(
        r#"SELECT "group" AS "group!", parked AS "parked!", far_behind AS "far_behind!", furthest AS "furthest!"
           FROM read.group_states($1, $2, $3)"#,
        &names,
        &folds,
        signed_position(far)
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let states = rows.into_iter().map(|row| GroupState {
        group: row.group,
        parked: row.parked.unsigned_abs(),
        far_behind: row.far_behind.unsigned_abs(),
        furthest: row.furthest.unsigned_abs(),
    });
    Ok(states.collect())
}
