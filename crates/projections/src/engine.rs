//! One step of a projection: a batch of one ledger's events into the rows of one group, and the checkpoint with them.

use crate::error::ProjectionError;
use crate::group::Group;
use crate::scope::Generation;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Ledger, StoredEvent, scoped};
use sqlx::PgConnection;

/// How many events one transaction folds.
pub(crate) const EVENTS_AT_A_TIME: u32 = 500;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The rows are up to this position, and there may be more.
    To(u64),
    /// There is nothing more.
    UpToDate,
    /// Somebody else is at it.
    Elsewhere,
    /// The organization is parked in this group.
    Parked,
}

/// Takes one organization one batch further in one group. Rows and checkpoint move together or not at all.
pub async fn advance(ledger: &Ledger, group: &Group, org: OrgId) -> Result<Advance, ProjectionError> {
    let mut transaction = scoped(ledger.reader().pool(), org).await?;
    let Some(number) = active_generation(&mut transaction, group.name, org).await? else {
        return Ok(Advance::UpToDate);
    };
    let of = Generation { org, number };
    if is_parked(&mut transaction, group.name, of).await? {
        return Ok(Advance::Parked);
    }
    let Some(from) = claim(&mut transaction, group.name, of).await? else { return Ok(Advance::Elsewhere) };
    let events = ledger.reader().after_in(&mut transaction, org, from, EVENTS_AT_A_TIME).await?;
    let Some(last) = events.last().map(|event| event.position) else {
        transaction.commit().await?;
        return Ok(Advance::UpToDate);
    };
    fold(&mut transaction, ledger, group, of, &events).await?;
    move_checkpoint(&mut transaction, group.name, of, from, last).await?;
    transaction.commit().await?;
    Ok(Advance::To(last))
}

/// Folds events into all rows of a group.
pub(crate) async fn fold(
    connection: &mut PgConnection,
    ledger: &Ledger,
    group: &Group,
    of: Generation,
    events: &[StoredEvent],
) -> Result<(), ProjectionError> {
    let mut recorded: Vec<Recorded> = Vec::with_capacity(events.len());
    for event in events {
        recorded.push(if group.opens_personal_values {
            event.read_opened(ledger.vault()).await?
        } else {
            event.read()?
        });
    }
    for read_model in &group.read_models {
        read_model.apply(connection, of, &recorded).await?;
    }
    Ok(())
}

pub(crate) async fn active_generation(
    connection: &mut PgConnection,
    group: &str,
    org: OrgId,
) -> Result<Option<i32>, ProjectionError> {
    let row = sqlx::query!(
        r#"SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = $2"#,
        org.0,
        group
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| row.generation))
}

async fn is_parked(connection: &mut PgConnection, group: &str, of: Generation) -> Result<bool, ProjectionError> {
    let row = sqlx::query!(
        r#"SELECT position FROM read.parked WHERE org_id = $1 AND "group" = $2 AND generation = $3"#,
        of.org.0,
        group,
        of.number
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// Takes the checkpoint for this transaction: its position, or nothing if somebody else holds it.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    group: &str,
    of: Generation,
) -> Result<Option<u64>, ProjectionError> {
    sqlx::query!(
        r#"INSERT INTO read.checkpoint ("group", generation, org_id, position) VALUES ($1, $2, $3, 0)
           ON CONFLICT (org_id, "group", generation) DO NOTHING"#,
        group,
        of.number,
        of.org.0
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!(
        r#"SELECT position FROM read.checkpoint WHERE org_id = $1 AND "group" = $2 AND generation = $3
           FOR UPDATE SKIP LOCKED"#,
        of.org.0,
        group,
        of.number
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| row.position.unsigned_abs()))
}

/// Compare-and-set: whoever moved it in between has done this work already.
pub(crate) async fn move_checkpoint(
    connection: &mut PgConnection,
    group: &str,
    of: Generation,
    from: u64,
    to: u64,
) -> Result<(), ProjectionError> {
    let moved = sqlx::query!(
        r#"UPDATE read.checkpoint SET position = $5
           WHERE org_id = $1 AND "group" = $2 AND generation = $3 AND position = $4"#,
        of.org.0,
        group,
        of.number,
        i64::try_from(from).expect("a ledger has fewer than 2^63 events"),
        i64::try_from(to).expect("a ledger has fewer than 2^63 events")
    )
    .execute(connection)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound.into()) }
}

/// Sets an organization aside in one group, with the reason; the group goes on with everybody else.
pub(crate) async fn park(
    ledger: &Ledger,
    group: &Group,
    org: OrgId,
    reason: &ProjectionError,
) -> Result<(), ProjectionError> {
    let mut transaction = scoped(ledger.reader().pool(), org).await?;
    if let Some(number) = active_generation(&mut transaction, group.name, org).await? {
        sqlx::query!(
            r#"INSERT INTO read.parked ("group", generation, org_id, position, reason)
               SELECT $1, $2, $3, coalesce(max(position), 0) + 1, $4 FROM read.checkpoint
               WHERE org_id = $3 AND "group" = $1 AND generation = $2
               ON CONFLICT (org_id, "group", generation) DO NOTHING"#,
            group.name,
            number,
            org.0,
            reason.to_string()
        )
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}
