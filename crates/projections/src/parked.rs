//! Organizations that are set aside in a group, because an event could not be projected; the group goes on with everybody
//! else.
//!
//! What these folds could not take, they cannot take tomorrow either: only a build with others tries again, and each
//! such build once, so that two builds side by side do not take turns for ever.

use crate::columns::signed_position;
use crate::engine::active_generation;
use crate::error::ProjectionError;
use crate::group::Group;
use crate::scope::Generation;
use countersign_domain::ids::OrgId;
use countersign_postgres::scoped;
use sqlx::{PgConnection, PgPool};

/// Whether an organization is parked, to the folds of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parking {
    /// It is not.
    None,
    /// It is, and these folds have failed already.
    Stands,
    /// It is, and only others have failed.
    TriedByOthers,
}

/// How an organization stands in a generation.
pub(crate) async fn parking(
    connection: &mut PgConnection,
    group: &Group,
    of: Generation,
) -> Result<Parking, ProjectionError> {
    let row = sqlx::query!(
        r#"SELECT $4 = ANY (tried) AS "stands!" FROM read.parked
           WHERE org_id = $1 AND "group" = $2 AND generation = $3"#,
        of.org.0,
        group.name,
        of.number,
        group.code
    )
    .fetch_optional(connection)
    .await?;
    Ok(match row {
        None => Parking::None,
        Some(row) if row.stands => Parking::Stands,
        Some(_) => Parking::TriedByOthers,
    })
}

/// Parks an organization at an event, with the reason. False where the generation is on its way out: then it is not the
/// event that is to blame.
pub(crate) async fn park(
    connection: &mut PgConnection,
    group: &Group,
    of: Generation,
    position: u64,
    reason: &ProjectionError,
) -> Result<bool, ProjectionError> {
    let parked = sqlx::query!(
        r#"INSERT INTO read.parked ("group", generation, org_id, position, reason, tried)
           SELECT g."group", g.generation, $3, $4, $5, ARRAY[$6::text] FROM read.generation g
           WHERE g."group" = $1 AND g.generation = $2 AND g.state <> 'retired'
           ON CONFLICT (org_id, "group", generation) DO UPDATE
           SET position = excluded.position, reason = excluded.reason, parked_at = now(),
               tried = CASE WHEN parked.position = excluded.position THEN parked.tried || excluded.tried
                            ELSE excluded.tried END"#,
        group.name,
        of.number,
        of.org.0,
        signed_position(position),
        reason.reason(!group.opens_personal_values),
        group.code
    )
    .execute(connection)
    .await?;
    Ok(parked.rows_affected() == 1)
}

/// Where and why an organization is parked in a generation.
pub(crate) async fn found(
    connection: &mut PgConnection,
    group: &str,
    of: Generation,
) -> Result<Option<(u64, String)>, ProjectionError> {
    let row = sqlx::query!(
        r#"SELECT position, reason FROM read.parked WHERE org_id = $1 AND "group" = $2 AND generation = $3"#,
        of.org.0,
        group,
        of.number
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.position.unsigned_abs(), row.reason)))
}

/// The organization goes on in this generation: whether it was parked.
pub(crate) async fn forget(
    connection: &mut PgConnection,
    group: &str,
    of: Generation,
) -> Result<bool, ProjectionError> {
    let gone = sqlx::query!(
        r#"DELETE FROM read.parked WHERE org_id = $1 AND "group" = $2 AND generation = $3"#,
        of.org.0,
        group,
        of.number
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected() > 0)
}

/// Lets an organization that is parked in a group go on from its checkpoint: whoever follows tries the event again,
/// within a minute. False where it was not parked.
pub async fn unpark(pool: &PgPool, org: OrgId, group: &Group) -> Result<bool, ProjectionError> {
    let mut transaction = scoped(pool, org).await?;
    let Some(number) = active_generation(&mut transaction, group.name, org).await? else {
        return Err(ProjectionError::NoGeneration { org, group: group.name });
    };
    let was_parked = forget(&mut transaction, group.name, Generation { org, number }).await?;
    transaction.commit().await?;
    Ok(was_parked)
}
