//! One step of a projection: a batch of one ledger's events into the rows of one group, and the checkpoint with them.
//!
//! Where a batch cannot be folded, what stands before the event that is to blame is folded all the same; the
//! organization is then parked in the group at exactly that event (`parked`), unless another build would know it.

use crate::columns::signed_position;
use crate::error::{Fault, ProjectionError, words_of};
use crate::group::Group;
use crate::lease::Lease;
use crate::parked::{Parking, forget, park, parking};
use crate::scope::Generation;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Ledger, StoreError, StoredEvent};
use countersign_postgres::scoped;
use futures::FutureExt;
use sqlx::{Connection, Executor, PgConnection, Postgres, Transaction};
use std::panic::AssertUnwindSafe;

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

/// By what right a step moves a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// By hand: for as long as nobody else has locked its row.
    Hand,
    /// Under a lease, for as long as that is good.
    Lease(Lease),
}

/// The same with how many events it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) became: Advance,
    pub(crate) events: u64,
}

/// The next events of a ledger.
struct Batch {
    events: Vec<StoredEvent>,
    /// Why they end where they end, if the ledger is damaged there.
    damage: Option<ProjectionError>,
}

/// A checkpoint, held for a transaction.
pub(crate) struct Claim {
    pub(crate) position: u64,
    pub(crate) parking: Parking,
}

/// Takes one organization one batch further in one group. Rows and checkpoint move together or not at all. What cannot be
/// projected is parked; what another build parked is tried again.
pub async fn advance(ledger: &Ledger, group: &Group, org: OrgId) -> Result<Advance, ProjectionError> {
    advance_by(By::Hand, ledger, group, org).await.map(|step| step.became)
}

/// The same, by some right.
pub(crate) async fn advance_by(by: By, ledger: &Ledger, group: &Group, org: OrgId) -> Result<Step, ProjectionError> {
    let mut transaction = scoped(ledger.reader().pool(), org).await?;
    let Some(number) = active_generation(&mut transaction, group.name, org).await? else {
        return Err(ProjectionError::NoGeneration { org, group: group.name });
    };
    step_by(by, transaction, ledger, group, Generation { org, number }).await
}

/// One batch into one generation, in this transaction.
pub(crate) async fn step(
    transaction: Transaction<'static, Postgres>,
    ledger: &Ledger,
    group: &Group,
    of: Generation,
) -> Result<Step, ProjectionError> {
    step_by(By::Hand, transaction, ledger, group, of).await
}

async fn step_by(
    by: By,
    mut transaction: Transaction<'static, Postgres>,
    ledger: &Ledger,
    group: &Group,
    of: Generation,
) -> Result<Step, ProjectionError> {
    by.be_brief(&mut transaction).await?;
    let Some(claim) = claim(&mut transaction, group, of).await? else { return Ok(Step::none(Advance::Elsewhere)) };
    if claim.parking == Parking::Stands {
        transaction.rollback().await?;
        return Ok(Step::none(Advance::Parked));
    }
    let Batch { events, damage } = next_batch(&mut transaction, ledger, of.org, claim.position).await?;
    let folded = match damage {
        Some(damage) => Err(damage),
        None => fold(&mut transaction, ledger, group, of, &events).await,
    };
    match folded {
        Ok(()) => finish(by, transaction, group, of, &claim, events.len()).await,
        Err(error) => {
            // Postgres takes nothing more in this transaction: what stands before the event is folded in another one.
            let let_go = transaction.rollback().await;
            if error.fault() == Fault::Passing {
                return Err(error);
            }
            let_go?;
            up_to_the_fault(by, ledger, group, of).await
        }
    }
}

/// Moves the checkpoint behind the events that were folded.
async fn finish(
    by: By,
    mut transaction: Transaction<'static, Postgres>,
    group: &Group,
    of: Generation,
    claim: &Claim,
    folded: usize,
) -> Result<Step, ProjectionError> {
    if claim.parking == Parking::TriedByOthers {
        forget(&mut transaction, group.name, of).await?;
    }
    if folded == 0 {
        transaction.commit().await?;
        return Ok(Step::none(Advance::UpToDate));
    }
    let to = claim.position + folded as u64;
    if !move_by(by, &mut transaction, group.name, of, to).await? {
        transaction.rollback().await?;
        return Ok(Step::none(Advance::Elsewhere));
    }
    transaction.commit().await?;
    Ok(Step { became: Advance::To(to), events: folded as u64 })
}

/// The slow way, for a batch with an event in it that cannot be folded: everything up to that one, and the organization
/// parked at exactly there. Where only this build does not know the event, it is left to those that do.
async fn up_to_the_fault(by: By, ledger: &Ledger, group: &Group, of: Generation) -> Result<Step, ProjectionError> {
    let mut transaction = scoped(ledger.reader().pool(), of.org).await?;
    by.be_brief(&mut transaction).await?;
    let Some(claim) = claim(&mut transaction, group, of).await? else { return Ok(Step::none(Advance::Elsewhere)) };
    if claim.parking == Parking::Stands {
        transaction.rollback().await?;
        return Ok(Step::none(Advance::Parked));
    }
    let Batch { events, damage } = next_batch(&mut transaction, ledger, of.org, claim.position).await?;
    let (folded, fault) = fold_in_parts(&mut transaction, ledger, group, of, &events).await?;
    match fault.or(damage) {
        None => finish(by, transaction, group, of, &claim, folded).await,
        Some(error) if error.fault() == Fault::Poison => {
            let last = claim.position + folded as u64;
            // Nobody is parked by whoever has lost the lease, not even where nothing was folded.
            let may = move_by(by, &mut transaction, group.name, of, last).await?;
            if !may || !park(&mut transaction, group, of, last + 1, &error).await? {
                // Or the generation was retired under our hands, its tables with it: that was the trouble.
                transaction.rollback().await?;
                return Ok(Step::none(Advance::Elsewhere));
            }
            transaction.commit().await?;
            let (group, org) = (group.name, of.org);
            tracing::error!(group, %org, position = last + 1, error = ?error, "an organization is parked in a group");
            Ok(Step { became: Advance::Parked, events: folded as u64 })
        }
        Some(error) if folded == 0 => {
            transaction.rollback().await?;
            Err(error)
        }
        Some(_) => finish(by, transaction, group, of, &claim, folded).await,
    }
}

/// Folds by halves: how many events stand before the first that cannot be folded, and why it cannot.
async fn fold_in_parts(
    transaction: &mut Transaction<'static, Postgres>,
    ledger: &Ledger,
    group: &Group,
    of: Generation,
    events: &[StoredEvent],
) -> Result<(usize, Option<ProjectionError>), ProjectionError> {
    let (mut folded, mut at_once) = (0, events.len());
    while folded < events.len() {
        let until = events.len().min(folded + at_once);
        let mut part = Connection::begin(&mut **transaction).await?;
        match fold(&mut part, ledger, group, of, &events[folded..until]).await {
            Ok(()) => {
                part.commit().await?;
                folded = until;
            }
            Err(error) if error.fault() == Fault::Passing => return Err(error),
            Err(error) => {
                part.rollback().await?;
                if until - folded == 1 {
                    return Ok((folded, Some(error)));
                }
                at_once = (until - folded) / 2;
            }
        }
    }
    Ok((folded, None))
}

/// The events after a position, as far as the ledger is whole.
async fn next_batch(
    transaction: &mut Transaction<'static, Postgres>,
    ledger: &Ledger,
    org: OrgId,
    from: u64,
) -> Result<Batch, ProjectionError> {
    match ledger.reader().after_in(transaction, org, from, EVENTS_AT_A_TIME).await {
        Ok(events) => Ok(Batch { events, damage: None }),
        Err(StoreError::Damaged { org, position, what }) => {
            let whole = u32::try_from(position.saturating_sub(from + 1)).unwrap_or(EVENTS_AT_A_TIME);
            let events = ledger.reader().after_in(transaction, org, from, whole).await?;
            Ok(Batch { events, damage: Some(StoreError::Damaged { org, position, what }.into()) })
        }
        Err(error) => Err(error.into()),
    }
}

impl By {
    /// Rows are found by their keys, however small a table is when its statement is planned. And a node that stops in the
    /// middle of a transaction must not keep its successor waiting, and need not wait for the disk: what the machine loses
    /// of rows and checkpoints, it loses together.
    async fn be_brief(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let brief = match self {
            Self::Hand => "SET LOCAL enable_seqscan = off",
            Self::Lease(_) => {
                "SET LOCAL enable_seqscan = off; SET LOCAL idle_in_transaction_session_timeout = '4s';
                 SET LOCAL synchronous_commit = off"
            }
        };
        connection.execute(brief).await.map(drop)
    }
}

impl Step {
    fn none(became: Advance) -> Self {
        Self { became, events: 0 }
    }
}

/// Folds events into all rows of a group.
pub(crate) async fn fold(
    connection: &mut PgConnection,
    ledger: &Ledger,
    group: &Group,
    of: Generation,
    events: &[StoredEvent],
) -> Result<(), ProjectionError> {
    let recorded = read_all(ledger, group, events).await?;
    fold_recorded(connection, group, of.number, &recorded.iter().collect::<Vec<_>>()).await
}

/// Events as a group's folds must see them.
pub(crate) async fn read_all(
    ledger: &Ledger,
    group: &Group,
    events: &[StoredEvent],
) -> Result<Vec<Recorded>, ProjectionError> {
    Ok(match group.opens_personal_values {
        true => StoredEvent::read_all_opened(ledger.vault(), events).await?,
        false => events.iter().map(StoredEvent::read).collect::<Result<_, _>>()?,
    })
}

/// Folds events that have been read, of one ledger or several, into all rows of a group.
pub(crate) async fn fold_recorded(
    connection: &mut PgConnection,
    group: &Group,
    generation: i32,
    recorded: &[&Recorded],
) -> Result<(), ProjectionError> {
    let Some(first) = recorded.first().map(|event| event.position) else { return Ok(()) };
    for read_model in &group.read_models {
        let applied = AssertUnwindSafe(read_model.apply(connection, generation, recorded)).catch_unwind().await;
        applied.map_err(|panic| ProjectionError::Poison {
            read_model: read_model.name(),
            position: first,
            reason: words_of(&*panic),
        })??;
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

/// Takes the checkpoint for this transaction, or nothing if somebody else holds it.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    group: &Group,
    of: Generation,
) -> Result<Option<Claim>, ProjectionError> {
    sqlx::query!(
        r#"INSERT INTO read.checkpoint ("group", generation, org_id, position) VALUES ($1, $2, $3, 0)
           ON CONFLICT (org_id, "group", generation) DO NOTHING"#,
        group.name,
        of.number,
        of.org.0
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!(
        r#"SELECT position FROM read.checkpoint WHERE org_id = $1 AND "group" = $2 AND generation = $3
           FOR UPDATE SKIP LOCKED"#,
        of.org.0,
        group.name,
        of.number
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let parking = parking(connection, group, of).await?;
    Ok(Some(Claim { position: row.position.unsigned_abs(), parking }))
}

/// Moves a checkpoint that this transaction holds, if it may.
async fn move_by(
    by: By,
    connection: &mut PgConnection,
    group: &str,
    of: Generation,
    to: u64,
) -> Result<bool, sqlx::Error> {
    match by {
        By::Hand => move_checkpoint(connection, group, of, to).await.map(|()| true),
        By::Lease(lease) => move_under_lease(connection, lease, group, of, to).await,
    }
}

/// False where the lease is over, or somebody else's by now.
async fn move_under_lease(
    connection: &mut PgConnection,
    lease: Lease,
    group: &str,
    of: Generation,
    to: u64,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query!(
        r#"UPDATE read.checkpoint c SET position = $4, epoch = $5
           FROM node.lease l
           JOIN node.member m ON m.node_id = l.holder
           WHERE c.org_id = $1 AND c."group" = $2 AND c.generation = $3 AND c.epoch <= $5
             AND l.work = $2 AND l.shard = $6 AND l.holder = $7 AND l.epoch = $5 AND m.expires_at > clock_timestamp()"#,
        of.org.0,
        group,
        of.number,
        signed_position(to),
        lease.epoch,
        lease.shard,
        lease.node
    )
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Moves a checkpoint that this transaction holds.
pub(crate) async fn move_checkpoint(
    connection: &mut PgConnection,
    group: &str,
    of: Generation,
    to: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE read.checkpoint SET position = $4 WHERE org_id = $1 AND "group" = $2 AND generation = $3"#,
        of.org.0,
        group,
        of.number,
        signed_position(to)
    )
    .execute(connection)
    .await?;
    Ok(())
}
