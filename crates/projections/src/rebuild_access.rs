//! The access group, rebuilt: the append keeps its rows, so nobody follows; they are folded from position zero in
//! memory and put in their place whole.

use crate::error::ProjectionError;
use crate::rebuild::{RebuildReport, UNDER_THE_FENCE, activate, create_generation, finish_generation, is_there};
use crate::scope::Generation;
use countersign_domain::access_rows::{AccessRow, changed_row};
use countersign_domain::portal::{PortalEvent, StreamId, StreamState};
use countersign_eventstore::{Ledger, StoredEvent, fence};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use uuid::Uuid;

/// The group's name, as operators call it.
pub const ACCESS: &str = "access";

/// How many events one page reads.
const PAGE: u32 = 1_000;
/// How long a cut-over waits for the ledger's lock before it reads on and tries again.
const PATIENCE: Duration = Duration::from_millis(500);

/// Rebuilds the access group for every organization. `progress` hears of every page: how many events it had.
pub async fn rebuild_access(
    ledger: &Ledger,
    progress: impl Fn(u64) + Send + Sync,
) -> Result<RebuildReport, ProjectionError> {
    let number = create_generation(ledger, ACCESS).await?;
    let mut report =
        RebuildReport { group: ACCESS, generation: number, organizations: 0, events: 0, parked: Vec::new() };
    loop {
        let heads = ledger.reader().heads().await?;
        for (org, _) in &heads {
            report.events += rebuild_one(ledger, Generation { org: *org, number }, &progress).await?;
        }
        report.organizations = heads.len();
        // Organizations that were opened meanwhile began on the old generation.
        if finish_generation(ledger, ACCESS, number).await? {
            return Ok(report);
        }
    }
}

async fn rebuild_one(
    ledger: &Ledger,
    of: Generation,
    progress: &(impl Fn(u64) + Send + Sync),
) -> Result<u64, ProjectionError> {
    if is_there(ledger, ACCESS, of).await? {
        return Ok(0);
    }
    let mut folded = Folded::default();
    loop {
        let page = ledger.reader().after(of.org, folded.position, PAGE).await?;
        let full = page.len() as u64 == u64::from(PAGE);
        folded.take(&page)?;
        progress(page.len() as u64);
        if !full && cut_over(ledger, of, &mut folded).await? {
            return Ok(folded.position);
        }
    }
}

/// With the ledger held still: the last few events, then all rows, then the readers. False where too much was left or
/// the lock was not had.
async fn cut_over(ledger: &Ledger, of: Generation, folded: &mut Folded) -> Result<bool, ProjectionError> {
    let Some(mut transaction) = fence(ledger.reader().pool(), of.org, PATIENCE).await? else { return Ok(false) };
    let rest = ledger.reader().after_in(&mut transaction, of.org, folded.position, UNDER_THE_FENCE).await?;
    folded.take(&rest)?;
    if rest.len() as u64 == u64::from(UNDER_THE_FENCE) {
        return Ok(false);
    }
    fill(&mut transaction, of, &folded.rows).await?;
    activate(&mut transaction, ACCESS, of).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn fill(
    connection: &mut PgConnection,
    of: Generation,
    rows: &BTreeMap<RowKey, AccessRow>,
) -> Result<(), sqlx::Error> {
    let (mut subjects, mut projects, mut grants) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows.values() {
        match row {
            AccessRow::Subject(row) => subjects.push(crate::columns::json(row)),
            AccessRow::Project(row) => projects.push(crate::columns::json(row)),
            AccessRow::Grant(row) => grants.push(crate::columns::json(row)),
        }
    }
    sqlx::query!(
        "SELECT read.fill_access($1, $2, $3, $4, $5)",
        of.org.0,
        of.number,
        Value::Array(subjects),
        Value::Array(projects),
        Value::Array(grants)
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// What names a row of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RowKey {
    Subject(Uuid),
    Project(Uuid),
    Grant(Uuid, Uuid),
}

impl RowKey {
    fn of(row: &AccessRow) -> Self {
        match row {
            AccessRow::Subject(row) => Self::Subject(row.subject_id),
            AccessRow::Project(row) => Self::Project(row.project_id),
            AccessRow::Grant(row) => Self::Grant(row.project_id, row.portal_user_id),
        }
    }
}

/// A ledger's access rows as they stand at a position, with the states that the next event needs.
#[derive(Default)]
struct Folded {
    position: u64,
    states: HashMap<StreamId, StreamState>,
    rows: BTreeMap<RowKey, AccessRow>,
}

impl Folded {
    fn take(&mut self, events: &[StoredEvent]) -> Result<(), ProjectionError> {
        for stored in events {
            let recorded = stored.read()?;
            self.position = recorded.position;
            if changes_access(&recorded.event) {
                self.happen(recorded.stream, &recorded.event);
            }
        }
        Ok(())
    }

    /// The same derivation as the append's.
    fn happen(&mut self, stream: StreamId, event: &PortalEvent) {
        let before = self.states.remove(&stream).unwrap_or_else(|| StreamState::empty(stream.kind));
        let after = before.evolve(event);
        if let Some(row) = changed_row(stream, event, &after) {
            self.rows.insert(RowKey::of(&row), row);
        }
        self.states.insert(stream, after);
    }
}

/// Whether an event can change a row of the group: only those streams are kept in memory.
fn changes_access(event: &PortalEvent) -> bool {
    match event {
        PortalEvent::Staff(_) | PortalEvent::PortalUser(_) | PortalEvent::Project(_) => true,
        PortalEvent::Organization(_)
        | PortalEvent::Seats(_)
        | PortalEvent::Client(_)
        | PortalEvent::Contact(_)
        | PortalEvent::Mailbox(_)
        | PortalEvent::TimeEntry(_)
        | PortalEvent::Invoice(_)
        | PortalEvent::NumberSeries(_)
        | PortalEvent::ImportedCase(_) => false,
    }
}
