//! The usual step: an organization's new events into the rows of every group at once, because all of them stand at the
//! same position. The events are read once, and rows and checkpoints move in one transaction.
//!
//! A group that stands elsewhere, or stumbles, goes on alone (`engine`) until it has caught up.

use crate::columns::signed_position;
use crate::engine::{EVENTS_AT_A_TIME, fold_recorded, read_all};
use crate::error::ProjectionError;
use crate::group::Group;
use crate::lease::Lease;
use crate::scope::Generation;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Ledger, StoreError, StoredEvent};
use countersign_postgres::{fault, scoped};
use sqlx::PgConnection;

/// A group with the lease under which it is followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Follows<'a> {
    pub(crate) group: &'a Group,
    pub(crate) lease: Lease,
}

/// What became of a step of several groups.
#[derive(Debug, Default)]
pub(crate) struct Stride {
    /// The events that were folded.
    pub(crate) folded: Vec<Recorded>,
    /// The names of the groups whose rows have them now.
    pub(crate) moved: Vec<&'static str>,
    /// The names of the groups that must go on alone.
    pub(crate) alone: Vec<&'static str>,
    /// Whether there may be more events.
    pub(crate) more: bool,
    /// Whether the step was refused: a lease is over, or somebody else was faster.
    pub(crate) refused: bool,
}

/// A group at the position at which most of them stand.
struct Member<'a> {
    group: &'a Group,
    of: Generation,
    epoch: i64,
}

/// Where an organization's groups stand, as far as nobody else is at them.
struct Standing<'a> {
    position: u64,
    abreast: Vec<Member<'a>>,
    alone: Vec<&'static str>,
}

/// Takes one organization one batch further in all groups that stand together.
pub(crate) async fn advance_abreast(
    ledger: &Ledger,
    follows: &[Follows<'_>],
    org: OrgId,
) -> Result<Stride, ProjectionError> {
    let mut transaction = scoped(ledger.reader().pool(), org).await?;
    let Standing { position, abreast, mut alone } = stand(&mut transaction, follows, org).await?;
    if abreast.is_empty() {
        transaction.rollback().await?;
        return Ok(Stride { alone, ..Stride::default() });
    }
    let events = match ledger.reader().after_in(&mut transaction, org, position, EVENTS_AT_A_TIME).await {
        Ok(events) => events,
        Err(StoreError::Damaged { .. }) => return Ok(Stride::all_alone(&abreast, alone)),
        Err(error) => return Err(error.into()),
    };
    if events.is_empty() {
        transaction.rollback().await?;
        return Ok(Stride { alone, ..Stride::default() });
    }
    let more = events.len() == EVENTS_AT_A_TIME as usize;
    let folded: Vec<Recorded> = match events.iter().map(StoredEvent::read).collect() {
        Ok(read) => read,
        Err(_) => return Ok(Stride::all_alone(&abreast, alone)),
    };
    if let Err(stumbled) = fold_abreast(&mut transaction, ledger, &abreast, &events, &folded).await {
        transaction.rollback().await?;
        alone.push(stumbled);
        return Ok(Stride { alone, more: true, ..Stride::default() });
    }
    fault::reached("projection.folded").await;
    if !move_abreast(&mut transaction, &abreast, follows[0].lease, position, position + events.len() as u64).await? {
        transaction.rollback().await?;
        return Ok(Stride { alone, refused: true, ..Stride::default() });
    }
    transaction.commit().await?;
    let moved = abreast.iter().map(|member| member.group.name).collect();
    Ok(Stride { folded, moved, alone, more, refused: false })
}

impl Stride {
    /// Each of them finds for itself how far it comes.
    fn all_alone(abreast: &[Member<'_>], mut alone: Vec<&'static str>) -> Self {
        alone.extend(abreast.iter().map(|member| member.group.name));
        Self { alone, ..Self::default() }
    }
}

/// Folds events into the rows of every group, or says which one cannot take them, for whatever reason: alone it will be
/// told that reason.
async fn fold_abreast(
    connection: &mut PgConnection,
    ledger: &Ledger,
    abreast: &[Member<'_>],
    events: &[StoredEvent],
    sealed: &[Recorded],
) -> Result<(), &'static str> {
    for Member { group, of, .. } in abreast {
        let folded = match group.opens_personal_values {
            true => match read_all(ledger, group, events).await {
                Ok(opened) => fold_recorded(connection, group, *of, &opened).await,
                Err(error) => Err(error),
            },
            false => fold_recorded(connection, group, *of, sealed).await,
        };
        folded.map_err(|_| group.name)?;
    }
    Ok(())
}

/// Locks the checkpoints that nobody else has locked, and finds those that stand together: where most has been folded,
/// because whoever is far behind must hold nobody up.
///
/// The transaction is told two things with that. It may not be idle for long: a node that stops in the middle of it must
/// not keep its successor waiting. And its commit need not wait for the disk: should the machine lose it, rows and
/// checkpoints go back together, and the events are folded again.
async fn stand<'a>(
    connection: &mut PgConnection,
    follows: &[Follows<'a>],
    org: OrgId,
) -> Result<Standing<'a>, sqlx::Error> {
    let names: Vec<String> = follows.iter().map(|followed| followed.group.name.to_owned()).collect();
    let codes: Vec<String> = follows.iter().map(|followed| followed.group.code.clone()).collect();
    let rows = sqlx::query!(
        r#"SELECT c."group", c.generation, c.position, parked.position IS NOT NULL AS "parked!",
                  coalesce(followed.code = ANY (parked.tried), false) AS "stands!",
                  set_config('idle_in_transaction_session_timeout', '4s', true) AS idle,
                  set_config('synchronous_commit', 'off', true) AS flushed
           FROM unnest($2::text[], $3::text[]) followed (name, code)
           JOIN read.active_generation active ON active.org_id = $1 AND active."group" = followed.name
           JOIN read.checkpoint c
             ON c.org_id = $1 AND c."group" = active."group" AND c.generation = active.generation
           LEFT JOIN read.parked
             ON parked.org_id = $1 AND parked."group" = c."group" AND parked.generation = c.generation
           FOR NO KEY UPDATE OF c SKIP LOCKED"#,
        org.0,
        &names,
        &codes
    )
    .fetch_all(connection)
    .await?;
    let position = rows.iter().filter(|row| !row.parked).map(|row| row.position).max().unwrap_or(0);
    let mut standing = Standing { position: position.unsigned_abs(), abreast: Vec::new(), alone: Vec::new() };
    for Follows { group, lease } in follows {
        match rows.iter().find(|row| row.group == group.name) {
            Some(row) if row.stands => {}
            Some(row) if !row.parked && row.position == position => {
                let of = Generation { org, number: row.generation };
                standing.abreast.push(Member { group, of, epoch: lease.epoch });
            }
            // Behind the others, parked by another build, locked by somebody, or never begun.
            Some(_) | None => standing.alone.push(group.name),
        }
    }
    Ok(standing)
}

/// Moves the checkpoints, each under its lease; false where one of them may not be moved.
async fn move_abreast(
    connection: &mut PgConnection,
    abreast: &[Member<'_>],
    Lease { node, shard, .. }: Lease,
    from: u64,
    to: u64,
) -> Result<bool, sqlx::Error> {
    let org = abreast[0].of.org;
    let groups: Vec<String> = abreast.iter().map(|member| member.group.name.to_owned()).collect();
    let generations: Vec<i32> = abreast.iter().map(|member| member.of.number).collect();
    let epochs: Vec<i64> = abreast.iter().map(|member| member.epoch).collect();
    let moved = sqlx::query!(
        r#"UPDATE read.checkpoint c SET position = $3, epoch = l.epoch
           FROM unnest($4::text[], $5::integer[], $6::bigint[]) step ("group", generation, epoch)
           JOIN node.lease l ON l.work = step."group" AND l.shard = $7 AND l.holder = $8 AND l.epoch = step.epoch
           JOIN node.member m ON m.node_id = l.holder AND m.expires_at > clock_timestamp()
           WHERE c.org_id = $1 AND c."group" = step."group" AND c.generation = step.generation
             AND c.position = $2 AND c.epoch <= step.epoch"#,
        org.0,
        signed_position(from),
        signed_position(to),
        &groups,
        &generations,
        &epochs,
        shard,
        node
    )
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == abreast.len() as u64)
}
