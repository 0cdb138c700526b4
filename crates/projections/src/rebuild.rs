//! Another generation of a group, built beside the one that is read, and put in its place whole.
//!
//! Per organization: fold from position zero, follow until little is left, then hold the ledger still for a moment,
//! fold the rest and put the organization's readers over. Reads go on from the old generation until that moment.

use crate::engine::{EVENTS_AT_A_TIME, claim, fold, move_checkpoint};
use crate::error::ProjectionError;
use crate::group::Group;
use crate::scope::Generation;
use countersign_eventstore::{Ledger, fence, scoped};
use sqlx::PgConnection;
use std::time::Duration;

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
}

/// Rebuilds a group for every organization from position zero. `progress` hears of every batch: how many events it had.
pub async fn rebuild(
    ledger: &Ledger,
    group: &Group,
    progress: impl Fn(u64) + Send + Sync,
) -> Result<RebuildReport, ProjectionError> {
    let number = create_generation(ledger, group.name).await?;
    let mut report = RebuildReport { group: group.name, generation: number, organizations: 0, events: 0 };
    loop {
        let heads = ledger.reader().heads().await?;
        for (org, _) in &heads {
            report.events += rebuild_one(ledger, group, Generation { org: *org, number }, &progress).await?;
        }
        report.organizations = heads.len();
        // Organizations that were opened meanwhile began on the old generation.
        if finish_generation(ledger, group.name, number).await? {
            return Ok(report);
        }
    }
}

/// A new, empty generation of a group.
pub(crate) async fn create_generation(ledger: &Ledger, group: &str) -> Result<i32, ProjectionError> {
    let row = sqlx::query!(r#"SELECT read.create_generation($1) AS "number!""#, group)
        .fetch_one(ledger.reader().pool())
        .await?;
    Ok(row.number)
}

/// Ends a rebuild, if every organization is on the new generation by now; the old ones go.
pub(crate) async fn finish_generation(ledger: &Ledger, group: &str, number: i32) -> Result<bool, ProjectionError> {
    let row = sqlx::query!(r#"SELECT read.finish_generation($1, $2) AS "finished!""#, group, number)
        .fetch_one(ledger.reader().pool())
        .await?;
    if row.finished {
        drop_retired(ledger, group).await?;
    }
    Ok(row.finished)
}

/// One table a transaction, and again where a reader took too long: nobody waits for long, and nobody for ever.
async fn drop_retired(ledger: &Ledger, group: &str) -> Result<(), ProjectionError> {
    loop {
        let dropped =
            sqlx::query!(r#"SELECT read.drop_retired($1) AS "more!""#, group).fetch_one(ledger.reader().pool()).await;
        match dropped {
            Ok(row) if row.more => {}
            Ok(_) => return Ok(()),
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                tokio::time::sleep(PATIENCE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
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
    loop {
        let batch = follow(ledger, group, of).await?;
        folded += batch;
        progress(batch);
        if batch == u64::from(EVENTS_AT_A_TIME) {
            continue;
        }
        if let Some(rest) = cut_over(ledger, group, of).await? {
            progress(rest);
            return Ok(folded + rest);
        }
    }
}

/// Folds the next batch into the new generation; how many events it had.
async fn follow(ledger: &Ledger, group: &Group, of: Generation) -> Result<u64, ProjectionError> {
    let mut transaction = scoped(ledger.reader().pool(), of.org).await?;
    let Some(from) = claim(&mut transaction, group.name, of).await? else { return Ok(0) };
    let events = ledger.reader().after_in(&mut transaction, of.org, from, EVENTS_AT_A_TIME).await?;
    if let Some(last) = events.last() {
        fold(&mut transaction, ledger, group, of, &events).await?;
        move_checkpoint(&mut transaction, group.name, of, from, last.position).await?;
    }
    transaction.commit().await?;
    Ok(events.len() as u64)
}

/// With the ledger held still: the last few events, then the readers. `None` where too much was left or no lock was
/// had.
async fn cut_over(ledger: &Ledger, group: &Group, of: Generation) -> Result<Option<u64>, ProjectionError> {
    let Some(mut transaction) = fence(ledger.reader().pool(), of.org, PATIENCE).await? else { return Ok(None) };
    let Some(from) = claim(&mut transaction, group.name, of).await? else { return Ok(None) };
    let events = ledger.reader().after_in(&mut transaction, of.org, from, EVENTS_AT_A_TIME).await?;
    if events.len() as u64 == u64::from(EVENTS_AT_A_TIME) {
        return Ok(None);
    }
    if let Some(last) = events.last() {
        fold(&mut transaction, ledger, group, of, &events).await?;
        move_checkpoint(&mut transaction, group.name, of, from, last.position).await?;
    }
    activate(&mut transaction, group.name, of).await?;
    transaction.commit().await?;
    Ok(Some(events.len() as u64))
}
