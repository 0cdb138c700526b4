//! One organization's readers, put over to a new generation or back to one that was kept: with its ledger held still, at
//! its head, so that nobody goes back in time.

use super::access::AccessRows;
use super::built::Built;
use super::check;
use super::error::RebuildError;
use super::job::{self, Rebuild, RebuildState};
use super::replay::PageOfEvents;
use super::standing::ParkedOrganization;
use super::{Progress, Rebuilds, Told};
use crate::engine::{Advance, Step, claim, fold, move_checkpoint, step};
use crate::error::{Fault, ProjectionError, words_of};
use crate::group::{Folding, Group};
use crate::parked::{self, Parking};
use crate::scope::Generation;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{StoreError, fence};
use countersign_postgres::{fault, scoped};
use sqlx::PgConnection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// At most so many events are folded while a ledger is held still.
const UNDER_THE_FENCE: u32 = 100;
/// How long a cut-over waits for the ledger's lock before it follows on and tries again.
const PATIENCE: Duration = Duration::from_millis(500);

/// What Postgres answers to whoever is no longer at the rebuild.
const OBJECT_IN_USE: &str = "55006";

/// How long one waits for whoever else is at the rows or the ledger.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// What came of putting an organization's readers over.
#[derive(Debug)]
pub(crate) enum PutOver {
    /// They read the new generation.
    Over,
    /// Its rows there stop before what they read already: they were left where they are.
    LeftBehind(ParkedOrganization),
    /// Its rows there are not what its ledger comes to, in these tables: it was left where it is.
    Wrong(Vec<&'static str>),
}

/// What came of one attempt.
enum Attempt {
    Done,
    /// Too much was left, or somebody else was at it.
    Again,
    /// Where they would be put, rows stop too early.
    WouldGoBack,
}

/// Whether it is tried with an organization, or known to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// It is a canary.
    Yes,
    /// Nobody found anything wrong.
    No,
}

/// Where the readers are led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To the generation that a rebuild made.
    Over,
    /// To the one before.
    Back,
}

/// Puts an organization's readers over to the generation that a rebuild made.
pub(crate) async fn put_over(
    by: &Rebuilds,
    rebuild: &Rebuild,
    org: OrgId,
    trial: Trial,
    progress: &Progress,
) -> Result<PutOver, RebuildError> {
    match by.built(&rebuild.group)? {
        Built::Access => put_over_access(by, rebuild, org, trial, progress).await,
        Built::Followed(group) => {
            let (to, begun) = (Generation { org, number: rebuild.generation }, Instant::now());
            let led = lead(by, (group, rebuild), to, Way::Over, progress).await?;
            by.give_way(begun).await;
            match led {
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
    let stopped = lead(by, (group, rebuild), to, Way::Back, progress).await?;
    Ok(stopped.map(|(position, reason)| ParkedOrganization { org, position, reason, left_behind: true }))
}

/// Puts the readers on a generation, following in it first where more than little is left; or says where and why its rows
/// stop too early for that.
async fn lead(
    by: &Rebuilds,
    (group, rebuild): (&Group, &Rebuild),
    to: Generation,
    way: Way,
    progress: &Progress,
) -> Result<Option<(u64, String)>, RebuildError> {
    loop {
        // Most ledgers have hardly grown since their rows were written: then this is all.
        match attempt(by, (group, rebuild), to, way, progress).await? {
            Attempt::Done => return Ok(None),
            Attempt::Again => follow_on(by, group, to, progress).await?,
            Attempt::WouldGoBack => {
                let mut transaction = scoped(by.pool(), to.org).await?;
                let stopped = parked::found(&mut transaction, group.name, to).await?;
                transaction.commit().await?;
                return Ok(Some(stopped.unwrap_or_default()));
            }
        }
    }
}

/// Follows in a generation until little is left. Nobody's ledger is held still for rows that somebody else is at.
async fn follow_on(by: &Rebuilds, group: &Group, to: Generation, progress: &Progress) -> Result<(), RebuildError> {
    loop {
        let transaction = scoped(by.pool(), to.org).await?;
        let Step { became, events } = step(transaction, &by.ledger, group, to).await?;
        progress(Told::Followed { events });
        if became == Advance::Elsewhere || events == 0 {
            // Whoever else is at it may be done by then.
            sleep(BETWEEN_ATTEMPTS).await;
        }
        if became != Advance::Elsewhere && (became == Advance::Parked || events < u64::from(UNDER_THE_FENCE)) {
            return Ok(());
        }
    }
}

/// With the ledger held still: the last few events, then the readers. What is to be done about an event that cannot be
/// folded is done without holding anybody up.
async fn attempt(
    by: &Rebuilds,
    (group, rebuild): (&Group, &Rebuild),
    to: Generation,
    way: Way,
    progress: &Progress,
) -> Result<Attempt, RebuildError> {
    let Some(mut transaction) = fence(by.pool(), to.org, PATIENCE).await? else { return Ok(Attempt::Again) };
    fault::reached("rebuild.fenced").await;
    if way == Way::Over && put_over_at_head(&mut transaction, by, rebuild, to.org).await? {
        transaction.commit().await?;
        return Ok(Attempt::Done);
    }
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
    match way {
        Way::Over => activate(&mut transaction, by, rebuild, to.org).await?,
        Way::Back => activate_again(&mut transaction, by, rebuild, to).await?,
    }
    transaction.commit().await?;
    progress(Told::Followed { events: events.len() as u64 });
    Ok(Attempt::Done)
}

/// Puts readers over where nothing is left to be folded, and says whether that was so: one question instead of seven, for
/// as many ledgers as there are.
async fn put_over_at_head(
    connection: &mut PgConnection,
    by: &Rebuilds,
    rebuild: &Rebuild,
    org: OrgId,
) -> Result<bool, RebuildError> {
    sqlx::query_scalar!(r#"SELECT read.put_over_at_head($1, $2, $3) AS "is_over!""#, org.0, rebuild.id, by.worker)
        .fetch_one(connection)
        .await
        .map_err(refused)
}

/// Whoever is no longer at the rebuild moves nobody.
fn refused(error: sqlx::Error) -> RebuildError {
    if is_lost(&error) { RebuildError::Lost } else { error.into() }
}

/// Whether the database says that somebody else is at the rebuild.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some(OBJECT_IN_USE))
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

/// Puts readers over, wherever their rows stand.
async fn activate(
    connection: &mut PgConnection,
    by: &Rebuilds,
    rebuild: &Rebuild,
    org: OrgId,
) -> Result<(), RebuildError> {
    sqlx::query!("SELECT read.put_over($1, $2, $3)", org.0, rebuild.id, by.worker)
        .fetch_one(connection)
        .await
        .map(drop)
        .map_err(refused)
}

/// Puts readers back: after a canary that was not right, or because somebody asked for it.
async fn activate_again(
    connection: &mut PgConnection,
    by: &Rebuilds,
    rebuild: &Rebuild,
    to: Generation,
) -> Result<(), RebuildError> {
    let states = [RebuildState::CuttingOver, RebuildState::RollingBack];
    job::must_hold(connection, rebuild.id, by.worker, &states).await?;
    sqlx::query!("SELECT read.activate_again($1, $2, $3)", to.org.0, rebuild.group, to.number)
        .fetch_one(connection)
        .await?;
    Ok(())
}

/// The access rows are folded from position zero each time: they are few, and nobody follows to keep them.
async fn put_over_access(
    by: &Rebuilds,
    rebuild: &Rebuild,
    org: OrgId,
    trial: Trial,
    progress: &Progress,
) -> Result<PutOver, RebuildError> {
    let to = Generation { org, number: rebuild.generation };
    let (mut rows, mut position) = (AccessRows::default(), 0);
    loop {
        let begun = Instant::now();
        let read = match PageOfEvents::after(&by.ledger, org, position).await {
            Ok(page) => take(&mut rows, &page).map(|()| page),
            Err(error) => Err(error),
        };
        let page = match read {
            Err(error) if error.fault() == Fault::Poison => return Ok(left_behind(org, position + 1, &error)),
            page => page?,
        };
        position = page.end().unwrap_or(position);
        progress(Told::Followed { events: page.len() as u64 });
        by.give_way(begun).await;
        if !page.is_last() {
            continue;
        }
        let Some(mut transaction) = fence(by.pool(), org, PATIENCE).await? else { continue };
        let rest = by.ledger.reader().after_in(&mut transaction, org, position, UNDER_THE_FENCE).await?;
        let is_all = rest.len() < UNDER_THE_FENCE as usize;
        let rest = PageOfEvents::of(rest)?;
        if let Err(error) = take(&mut rows, &rest) {
            return Ok(left_behind(org, position + 1, &error));
        }
        position = rest.end().unwrap_or(position);
        if is_all {
            rows.fill(&mut transaction, to).await?;
            fault::reached("rebuild.fenced").await;
            activate(&mut transaction, by, rebuild, org).await?;
            if trial == Trial::Yes {
                // These rows let people in: what is not right is never there for anybody.
                let wrong = check::differing(&mut transaction, Built::Access, rows.lines(to), to).await?;
                if !wrong.is_empty() {
                    transaction.rollback().await?;
                    return Ok(PutOver::Wrong(wrong));
                }
            }
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

/// What the append wrote stays. Where the error does not say which event is to blame, it is this one or one after it.
fn left_behind(org: OrgId, from: u64, error: &ProjectionError) -> PutOver {
    let position = match error {
        ProjectionError::Poison { position, .. } | ProjectionError::Store(StoreError::Damaged { position, .. }) => {
            *position
        }
        ProjectionError::Store(_)
        | ProjectionError::Database(_)
        | ProjectionError::UnknownGroup(..)
        | ProjectionError::NoGeneration { .. } => from,
    };
    PutOver::LeftBehind(ParkedOrganization { org, position, reason: error.reason(true), left_behind: true })
}
