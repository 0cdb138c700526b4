//! One organization's readers, put over to a new generation or back to one that was kept: with its ledger held still, at
//! its head, so that nobody goes back in time.

use super::access::AccessRows;
use super::built::Built;
use super::error::RebuildError;
use super::job::Rebuild;
use super::replay::PageOfEvents;
use super::standing::ParkedOrganization;
use super::{Progress, Rebuilds, Told};
use crate::engine::{Advance, Step, active_generation, claim, fold, move_checkpoint, step};
use crate::error::{Fault, ProjectionError, words_of};
use crate::group::{Folding, Group};
use crate::parked::{self, Parking};
use crate::scope::Generation;
use countersign_domain::ids::OrgId;
use countersign_eventstore::fence;
use countersign_postgres::{fault, scoped};
use sqlx::PgConnection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// At most so many events are folded while a ledger is held still.
const UNDER_THE_FENCE: u32 = 100;
/// How long a cut-over waits for the ledger's lock before it follows on and tries again.
const PATIENCE: Duration = Duration::from_millis(500);

/// What came of putting an organization's readers over.
#[derive(Debug)]
pub(crate) enum PutOver {
    /// They read the new generation.
    Over,
    /// Its rows there stop before what they read already: they were left where they are.
    LeftBehind(ParkedOrganization),
}

/// What came of one attempt.
enum Attempt {
    Done,
    /// Too much was left, or somebody else was at it.
    Again,
    /// Where they would be put, rows stop too early.
    WouldGoBack,
}

/// Puts an organization's readers over to the generation that a rebuild made.
pub(crate) async fn put_over(
    by: &Rebuilds,
    rebuild: &Rebuild,
    org: OrgId,
    progress: &Progress,
) -> Result<PutOver, RebuildError> {
    match by.built(&rebuild.group)? {
        Built::Access => put_over_access(by, rebuild, org, progress).await,
        Built::Followed(group) => {
            let to = Generation { org, number: rebuild.generation };
            match lead(by, group, to, Some(rebuild), progress).await? {
                None => Ok(PutOver::Over),
                Some((position, reason)) => {
                    Ok(PutOver::LeftBehind(ParkedOrganization { org, position, reason, left_behind: true }))
                }
            }
        }
    }
}

/// Puts an organization's readers back to the generation that they read before. Where that one does not come as far as
/// what they read now, they stay.
pub(crate) async fn put_back(
    by: &Rebuilds,
    rebuild: &Rebuild,
    (org, before): (OrgId, Option<i32>),
    progress: &Progress,
) -> Result<Option<ParkedOrganization>, RebuildError> {
    let Built::Followed(group) = by.built(&rebuild.group)? else {
        return Err(RebuildError::NotKeptTwice(rebuild.group.clone()));
    };
    let to = Generation { org, number: before.unwrap_or(rebuild.before) };
    let stopped = lead(by, group, to, None, progress).await?;
    Ok(stopped.map(|(position, reason)| ParkedOrganization { org, position, reason, left_behind: true }))
}

/// Follows in a generation until little is left, then puts the readers on it; or says where and why its rows stop too
/// early for that.
async fn lead(
    by: &Rebuilds,
    group: &Group,
    to: Generation,
    from_rebuild: Option<&Rebuild>,
    progress: &Progress,
) -> Result<Option<(u64, String)>, RebuildError> {
    loop {
        let transaction = scoped(by.pool(), to.org).await?;
        let Step { became, events } = step(transaction, &by.ledger, group, to).await?;
        progress(Told::Followed { events });
        if became != Advance::Parked && events >= u64::from(UNDER_THE_FENCE) {
            continue;
        }
        match attempt(by, group, to, from_rebuild, progress).await? {
            Attempt::Done => return Ok(None),
            Attempt::Again => {}
            Attempt::WouldGoBack => {
                let mut transaction = scoped(by.pool(), to.org).await?;
                let stopped = parked::found(&mut transaction, group.name, to).await?;
                transaction.commit().await?;
                return Ok(Some(stopped.unwrap_or_default()));
            }
        }
    }
}

/// With the ledger held still: the last few events, then the readers. What is to be done about an event that cannot be
/// folded is done without holding anybody up.
async fn attempt(
    by: &Rebuilds,
    group: &Group,
    to: Generation,
    from_rebuild: Option<&Rebuild>,
    progress: &Progress,
) -> Result<Attempt, RebuildError> {
    let Some(mut transaction) = fence(by.pool(), to.org, PATIENCE).await? else { return Ok(Attempt::Again) };
    let Some(claim) = claim(&mut transaction, group, to).await? else { return Ok(Attempt::Again) };
    let reader = by.ledger.reader();
    let events = match claim.parking {
        Parking::Stands if is_read_further(&mut transaction, group.name, to, claim.position).await? => {
            return Ok(Attempt::WouldGoBack);
        }
        Parking::Stands => Vec::new(),
        Parking::None => reader.after_in(&mut transaction, to.org, claim.position, UNDER_THE_FENCE).await?,
        Parking::TriedByOthers => return Ok(Attempt::Again),
    };
    if events.len() as u64 == u64::from(UNDER_THE_FENCE) {
        return Ok(Attempt::Again);
    }
    if let Some(last) = events.last() {
        match fold(&mut transaction, &by.ledger, group, to, &events).await {
            Ok(()) => move_checkpoint(&mut transaction, group.name, to, last.position).await?,
            Err(error) if error.fault() == Fault::Poison => return Ok(Attempt::Again),
            Err(error) => return Err(error.into()),
        }
    }
    fault::reached("rebuild.fenced").await;
    match from_rebuild {
        Some(rebuild) => activate(&mut transaction, rebuild, to).await?,
        None => activate_again(&mut transaction, group.name, to).await?,
    }
    transaction.commit().await?;
    progress(Told::Followed { events: events.len() as u64 });
    Ok(Attempt::Done)
}

/// Whether readers are further in the generation that they read than a position in another one.
async fn is_read_further(
    connection: &mut PgConnection,
    group: &str,
    of: Generation,
    position: u64,
) -> Result<bool, sqlx::Error> {
    let read = sqlx::query_scalar!(
        r#"SELECT c.position FROM read.active_generation active
           JOIN read.checkpoint c
             ON c.org_id = $1 AND c."group" = active."group" AND c.generation = active.generation
           WHERE active.org_id = $1 AND active."group" = $2"#,
        of.org.0,
        group
    )
    .fetch_optional(connection)
    .await?;
    Ok(read.is_some_and(|read| read.unsigned_abs() > position))
}

/// Puts readers over, and notes what they read before.
async fn activate(connection: &mut PgConnection, rebuild: &Rebuild, to: Generation) -> Result<(), ProjectionError> {
    let before = active_generation(connection, &rebuild.group, to.org).await?;
    sqlx::query!("SELECT read.activate($1, $2, $3)", to.org.0, rebuild.group, to.number)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query!(
        "INSERT INTO read.rebuild_organization (org_id, rebuild_id, backfilled, is_whole, before)
         VALUES ($1, $2, 0, true, $3)
         ON CONFLICT (org_id, rebuild_id) DO UPDATE SET before = excluded.before",
        to.org.0,
        rebuild.id,
        before
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn activate_again(connection: &mut PgConnection, group: &str, to: Generation) -> Result<(), ProjectionError> {
    sqlx::query!("SELECT read.activate_again($1, $2, $3)", to.org.0, group, to.number).fetch_one(connection).await?;
    Ok(())
}

/// The access rows are folded from position zero each time: they are few, and nobody follows to keep them.
async fn put_over_access(
    by: &Rebuilds,
    rebuild: &Rebuild,
    org: OrgId,
    progress: &Progress,
) -> Result<PutOver, RebuildError> {
    let to = Generation { org, number: rebuild.generation };
    let (mut rows, mut position) = (AccessRows::default(), 0);
    loop {
        let read = match PageOfEvents::after(&by.ledger, org, position).await {
            Ok(page) => take(&mut rows, &page).map(|()| page),
            Err(error) => Err(error),
        };
        let page = match read {
            Err(error) if error.fault() == Fault::Poison => return Ok(left_behind(org, position, &error)),
            page => page?,
        };
        position = page.end().unwrap_or(position);
        progress(Told::Followed { events: page.len() as u64 });
        if !page.is_last() {
            continue;
        }
        let Some(mut transaction) = fence(by.pool(), org, PATIENCE).await? else { continue };
        let rest = by.ledger.reader().after_in(&mut transaction, org, position, UNDER_THE_FENCE).await?;
        let is_all = rest.len() < UNDER_THE_FENCE as usize;
        let rest = PageOfEvents::of(rest)?;
        if let Err(error) = take(&mut rows, &rest) {
            return Ok(left_behind(org, position, &error));
        }
        position = rest.end().unwrap_or(position);
        if is_all {
            rows.fill(&mut transaction, to).await?;
            fault::reached("rebuild.fenced").await;
            activate(&mut transaction, rebuild, to).await?;
            transaction.commit().await?;
            return Ok(PutOver::Over);
        }
    }
}

fn take(rows: &mut AccessRows, page: &PageOfEvents) -> Result<(), ProjectionError> {
    for event in page.events() {
        catch_unwind(AssertUnwindSafe(|| rows.take(event))).map_err(|panic| ProjectionError::Poison {
            read_model: super::ACCESS,
            position: event.position,
            reason: words_of(&*panic),
        })?;
    }
    Ok(())
}

/// What the append wrote stays.
fn left_behind(org: OrgId, position: u64, error: &ProjectionError) -> PutOver {
    let reason = error.reason(true);
    PutOver::LeftBehind(ParkedOrganization { org, position: position + 1, reason, left_behind: true })
}
