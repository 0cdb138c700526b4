//! Another generation of a group, built beside the one that is read, and put in its place whole.
//!
//! Per organization: fold from position zero, follow until little is left, then hold the ledger still for a moment,
//! fold the rest and put the organization's readers over. Reads go on from the old generation until that moment.

use crate::engine::{Advance, Step, active_generation, claim, fold, move_checkpoint, step};
use crate::error::{Fault, ProjectionError};
use crate::group::Group;
use crate::parked::{self, Parking};
use crate::scope::Generation;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Ledger, fence};
use countersign_postgres::{scoped, spanning};
use sqlx::PgConnection;
use std::time::Duration;

/// At most so many events are folded while a ledger is held still.
pub(crate) const UNDER_THE_FENCE: u32 = 100;
/// How long a cut-over waits for the ledger's lock before it follows on and tries again.
const PATIENCE: Duration = Duration::from_millis(500);
/// What Postgres answers to whoever waited for a lock as long as they wanted to.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RebuildReport {
    /// Which group.
    pub group: &'static str,
    /// The generation that was built and is read now.
    pub generation: i32,
    /// How many organizations.
    pub organizations: usize,
    /// How many events were folded.
    pub events: u64,
    /// Which of them have rows only up to an event that could not be projected.
    pub parked: Vec<ParkedOrganization>,
}

/// An organization whose rows stop before an event that could not be projected.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ParkedOrganization {
    /// Which one.
    pub org: OrgId,
    /// The event's place in its ledger.
    pub position: u64,
    /// What went wrong.
    pub reason: String,
}

/// Rebuilds a group for every organization from position zero. `progress` hears of every batch: how many events it had.
///
/// An event that cannot be projected parks its organization in the new generation, and holds nobody else up; its readers
/// are put over like everybody's.
pub async fn rebuild(
    ledger: &Ledger,
    group: &Group,
    progress: impl Fn(u64) + Send + Sync,
) -> Result<RebuildReport, ProjectionError> {
    let number = create_generation(ledger, group.name).await?;
    let mut events = 0;
    loop {
        let heads = ledger.reader().heads().await?;
        let mut stopped = Vec::new();
        for (org, _) in &heads {
            let of = Generation { org: *org, number };
            events += rebuild_one(ledger, group, of, &progress).await?;
            stopped.extend(parked_in(ledger, group, of).await?);
        }
        // Organizations that were opened meanwhile began on the old generation.
        if finish_generation(ledger, group.name, number).await? {
            let organizations = heads.len();
            return Ok(RebuildReport { group: group.name, generation: number, organizations, events, parked: stopped });
        }
    }
}

/// Whether an organization's readers are on a generation already.
pub(crate) async fn is_there(ledger: &Ledger, group: &str, of: Generation) -> Result<bool, ProjectionError> {
    let mut transaction = scoped(ledger.reader().pool(), of.org).await?;
    let active = active_generation(&mut transaction, group, of.org).await?;
    transaction.commit().await?;
    Ok(active == Some(of.number))
}

async fn parked_in(
    ledger: &Ledger,
    group: &Group,
    of: Generation,
) -> Result<Option<ParkedOrganization>, ProjectionError> {
    let mut transaction = scoped(ledger.reader().pool(), of.org).await?;
    let found = parked::found(&mut transaction, group.name, of).await?;
    transaction.commit().await?;
    Ok(found.map(|(position, reason)| ParkedOrganization { org: of.org, position, reason }))
}

/// A new, empty generation of a group.
pub(crate) async fn create_generation(ledger: &Ledger, group: &str) -> Result<i32, ProjectionError> {
    let mut transaction = spanning(ledger.reader().pool()).await?;
    let row =
        sqlx::query!(r#"SELECT read.create_generation($1) AS "number!""#, group).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(row.number)
}

/// Ends a rebuild, if every organization is on the new generation by now; the old ones go.
pub(crate) async fn finish_generation(ledger: &Ledger, group: &str, number: i32) -> Result<bool, ProjectionError> {
    let mut transaction = spanning(ledger.reader().pool()).await?;
    let row = sqlx::query!(r#"SELECT read.finish_generation($1, $2) AS "finished!""#, group, number)
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    if row.finished {
        drop_retired(ledger, group).await?;
    }
    Ok(row.finished)
}

/// One table a transaction, and again where a reader took too long: nobody waits for long, and nobody for ever.
async fn drop_retired(ledger: &Ledger, group: &str) -> Result<(), ProjectionError> {
    loop {
        match drop_one_retired(ledger, group).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                tokio::time::sleep(PATIENCE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether there may be more.
async fn drop_one_retired(ledger: &Ledger, group: &str) -> Result<bool, sqlx::Error> {
    let mut transaction = spanning(ledger.reader().pool()).await?;
    let row = sqlx::query!(r#"SELECT read.drop_retired($1) AS "more!""#, group).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(row.more)
}

/// Puts an organization's readers on a generation, with its ledger held still at the head.
pub(crate) async fn activate(
    connection: &mut PgConnection,
    group: &str,
    of: Generation,
) -> Result<(), ProjectionError> {
    sqlx::query!("SELECT read.activate($1, $2, $3)", of.org.0, group, of.number).fetch_one(connection).await?;
    Ok(())
}

async fn rebuild_one(
    ledger: &Ledger,
    group: &Group,
    of: Generation,
    progress: &(impl Fn(u64) + Send + Sync),
) -> Result<u64, ProjectionError> {
    let mut folded = 0;
    if is_there(ledger, group.name, of).await? {
        return Ok(0);
    }
    loop {
        let transaction = scoped(ledger.reader().pool(), of.org).await?;
        let Step { became, events } = step(transaction, ledger, group, of).await?;
        folded += events;
        progress(events);
        if became != Advance::Parked && events >= u64::from(UNDER_THE_FENCE) {
            continue;
        }
        if let Some(rest) = cut_over(ledger, group, of).await? {
            progress(rest);
            return Ok(folded + rest);
        }
    }
}

/// With the ledger held still: the last few events, then the readers. `None` where too much was left, no lock was had,
/// or an event could not be folded: what is to be done about that is done without holding anybody up.
async fn cut_over(ledger: &Ledger, group: &Group, of: Generation) -> Result<Option<u64>, ProjectionError> {
    let Some(mut transaction) = fence(ledger.reader().pool(), of.org, PATIENCE).await? else { return Ok(None) };
    let Some(claim) = claim(&mut transaction, group, of).await? else { return Ok(None) };
    let events = match claim.parking {
        Parking::Stands => Vec::new(),
        Parking::None => ledger.reader().after_in(&mut transaction, of.org, claim.position, UNDER_THE_FENCE).await?,
        Parking::TriedByOthers => return Ok(None),
    };
    if events.len() as u64 == u64::from(UNDER_THE_FENCE) {
        return Ok(None);
    }
    if let Some(last) = events.last() {
        match fold(&mut transaction, ledger, group, of, &events).await {
            Ok(()) => move_checkpoint(&mut transaction, group.name, of, last.position).await?,
            Err(error) if error.fault() == Fault::Poison => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    activate(&mut transaction, group.name, of).await?;
    transaction.commit().await?;
    Ok(Some(events.len() as u64))
}
