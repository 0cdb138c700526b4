//! The usual step: new events of several organizations into the rows of every group at once. An organization's events
//! are read once, for all groups that stand at the same position; and rows and checkpoints of all of them move in one
//! transaction, so that a thousand small ledgers, an event each, cost little more than one with a thousand events.
//!
//! A group that stands elsewhere, or stumbles, goes on alone (`engine`) until it has caught up. Where something stumbles
//! and it is not known whose events it was about, every organization goes by itself.

use crate::columns::signed_position;
use crate::engine::{EVENTS_AT_A_TIME, fold_recorded, read_all};
use crate::error::ProjectionError;
use crate::group::Group;
use crate::lease::Lease;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Ledger, StoreError, StoredEvent};
use countersign_postgres::{fault, following};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many events of each organization a step of several takes: who has more of them than that goes by itself.
const EVENTS_OF_EACH: u32 = 32;

/// An organization with the groups in which this node may follow it, each under a lease.
#[derive(Clone, Debug)]
pub(crate) struct Follows<'a> {
    pub(crate) org: OrgId,
    pub(crate) groups: Vec<(&'a Group, Lease)>,
}

/// What became of a step of one organization.
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

/// What became of a step of several organizations.
#[derive(Debug)]
pub(crate) enum Strides {
    /// Each of them came so far.
    Made(Vec<(OrgId, Stride)>),
    /// Nothing was written: each has to go by itself.
    Apart,
}

/// A group at the position at which most of an organization's groups stand.
struct Member<'a> {
    group: &'a Group,
    generation: i32,
    lease: Lease,
}

/// Where an organization's groups stand, as far as nobody else is at them.
struct Standing<'a> {
    org: OrgId,
    position: u64,
    abreast: Vec<Member<'a>>,
    alone: Vec<&'static str>,
}

/// What is to be folded of one organization.
struct Step<'a> {
    standing: Standing<'a>,
    events: Vec<StoredEvent>,
    folded: Vec<Recorded>,
    more: bool,
}

/// Takes each of these organizations one batch further, in all of its groups that stand together.
pub(crate) async fn advance_abreast(ledger: &Ledger, follows: &[Follows<'_>]) -> Result<Strides, ProjectionError> {
    let orgs: Vec<OrgId> = follows.iter().map(|one| one.org).collect();
    let mut transaction = following(ledger.reader().pool(), &orgs).await?;
    let standing = stand(&mut transaction, follows).await?;
    let (steps, mut strides) = read(&mut transaction, ledger, standing).await?;
    if steps.is_empty() {
        transaction.rollback().await?;
        return Ok(Strides::Made(strides));
    }
    if let Err(stumbled) = fold_abreast(&mut transaction, ledger, &steps).await {
        transaction.rollback().await?;
        return Ok(by_itself(steps, strides, |stride| Stride {
            alone: stride.alone.into_iter().chain([stumbled]).collect(),
            more: true,
            ..Stride::default()
        }));
    }
    fault::reached("projection.folded").await;
    if !move_abreast(&mut transaction, &steps).await? {
        transaction.rollback().await?;
        let refused = |stride: Stride| Stride { alone: stride.alone, refused: true, ..Stride::default() };
        return Ok(by_itself(steps, strides, refused));
    }
    transaction.commit().await?;
    strides.extend(steps.into_iter().map(Step::made));
    Ok(Strides::Made(strides))
}

/// What became of a step that was not made, if it was one organization's.
fn by_itself(
    steps: Vec<Step<'_>>,
    mut strides: Vec<(OrgId, Stride)>,
    became: impl FnOnce(Stride) -> Stride,
) -> Strides {
    let mut steps = steps.into_iter();
    match (steps.next(), steps.next()) {
        (Some(only), None) => {
            let (org, stride) = only.made();
            strides.push((org, became(stride)));
            Strides::Made(strides)
        }
        (_, _) => Strides::Apart,
    }
}

impl Step<'_> {
    fn made(self) -> (OrgId, Stride) {
        let Self { standing: Standing { org, abreast, alone, .. }, folded, more, .. } = self;
        let moved = abreast.iter().map(|member| member.group.name).collect();
        (org, Stride { folded, moved, alone, more, refused: false })
    }
}

impl Standing<'_> {
    /// There is nothing to be done in those that stand together.
    fn rests(self) -> (OrgId, Stride) {
        (self.org, Stride { alone: self.alone, ..Stride::default() })
    }

    /// Each of them finds for itself how far it comes.
    fn all_alone(mut self) -> (OrgId, Stride) {
        self.alone.extend(self.abreast.iter().map(|member| member.group.name));
        self.rests()
    }
}

/// The events after where each of them stands, and what there is to say of those that have none to fold.
async fn read<'a>(
    connection: &mut PgConnection,
    ledger: &Ledger,
    standing: Vec<Standing<'a>>,
) -> Result<(Vec<Step<'a>>, Vec<(OrgId, Stride)>), ProjectionError> {
    let limit = if standing.len() == 1 { EVENTS_AT_A_TIME } else { EVENTS_OF_EACH };
    let (standing, resting): (Vec<_>, Vec<_>) = standing.into_iter().partition(|one| !one.abreast.is_empty());
    let mut strides: Vec<_> = resting.into_iter().map(Standing::rests).collect();
    let after: Vec<(OrgId, u64)> = standing.iter().map(|one| (one.org, one.position)).collect();
    if after.is_empty() {
        return Ok((Vec::new(), strides));
    }
    let read = ledger.reader().after_each_in(connection, &after, limit).await?;
    let mut steps = Vec::with_capacity(standing.len());
    for (standing, (_, events)) in standing.into_iter().zip(read) {
        let events = match events {
            Ok(events) if events.is_empty() => {
                strides.push(standing.rests());
                continue;
            }
            Ok(events) => events,
            Err(StoreError::Damaged { .. }) => {
                strides.push(standing.all_alone());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match events.iter().map(StoredEvent::read).collect() {
            Ok(folded) => {
                let more = events.len() == limit as usize;
                steps.push(Step { standing, events, folded, more });
            }
            Err(_) => strides.push(standing.all_alone()),
        }
    }
    Ok((steps, strides))
}

/// Folds events into the rows of every group, or says which one cannot take them, for whatever reason: alone it will be
/// told that reason.
async fn fold_abreast(connection: &mut PgConnection, ledger: &Ledger, steps: &[Step<'_>]) -> Result<(), &'static str> {
    let mut of_each: BTreeMap<(&'static str, i32), (&Group, Vec<&Step<'_>>)> = BTreeMap::new();
    for step in steps {
        for Member { group, generation, .. } in &step.standing.abreast {
            of_each.entry((group.name, *generation)).or_insert((group, Vec::new())).1.push(step);
        }
    }
    for ((_, generation), (group, steps)) in of_each {
        let folded = match group.opens_personal_values {
            true => match read_opened(ledger, group, &steps).await {
                Ok(opened) => fold_recorded(connection, group, generation, &opened.iter().collect::<Vec<_>>()).await,
                Err(error) => Err(error),
            },
            false => {
                let sealed: Vec<&Recorded> = steps.iter().flat_map(|step| &step.folded).collect();
                fold_recorded(connection, group, generation, &sealed).await
            }
        };
        if let Err(error) = folded {
            let (group, ledgers) = (group.name, steps.len());
            tracing::warn!(group, ledgers, error = ?error, "events could not be folded together; each ledger goes by itself");
            return Err(group);
        }
    }
    Ok(())
}

async fn read_opened(ledger: &Ledger, group: &Group, steps: &[&Step<'_>]) -> Result<Vec<Recorded>, ProjectionError> {
    let mut opened = Vec::new();
    for step in steps {
        opened.extend(read_all(ledger, group, &step.events).await?);
    }
    Ok(opened)
}

/// Locks the checkpoints that nobody else has locked, and finds of each organization those that stand together: where
/// most has been folded, because whoever is far behind must hold nobody up.
async fn stand<'a>(connection: &mut PgConnection, follows: &[Follows<'a>]) -> Result<Vec<Standing<'a>>, sqlx::Error> {
    let asked = || follows.iter().flat_map(|one| one.groups.iter().map(|(group, _)| (one.org, group.name)));
    let orgs: Vec<Uuid> = asked().map(|(org, _)| org.0).collect();
    let names: Vec<String> = asked().map(|(_, name)| name.to_owned()).collect();
    let rows = sqlx::query!(
        r#"SELECT c.org_id, c."group", c.generation, c.position, parked.tried AS "tried?"
           FROM unnest($1::uuid[], $2::text[]) followed (org_id, name)
           JOIN read.active_generation active ON active.org_id = followed.org_id AND active."group" = followed.name
           JOIN read.checkpoint c
             ON c.org_id = active.org_id AND c."group" = active."group" AND c.generation = active.generation
           LEFT JOIN read.parked
             ON parked.org_id = c.org_id AND parked."group" = c."group" AND parked.generation = c.generation
           FOR NO KEY UPDATE OF c SKIP LOCKED"#,
        &orgs,
        &names
    )
    .fetch_all(connection)
    .await?;
    let mut of_each: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    for row in rows {
        of_each.entry(row.org_id).or_default().push(row);
    }
    let stands = |Follows { org, groups }: &Follows<'a>| {
        let rows = of_each.remove(&org.0).unwrap_or_default();
        let position = rows.iter().filter(|row| row.tried.is_none()).map(|row| row.position).max().unwrap_or(0);
        let mut standing =
            Standing { org: *org, position: position.unsigned_abs(), abreast: Vec::new(), alone: Vec::new() };
        for &(group, lease) in groups {
            match rows.iter().find(|row| row.group == group.name) {
                // Parked, and these folds have failed already.
                Some(row) if row.tried.as_ref().is_some_and(|tried| tried.contains(&group.code)) => {}
                Some(row) if row.tried.is_none() && row.position == position => {
                    standing.abreast.push(Member { group, generation: row.generation, lease });
                }
                // Behind the others, parked by another build, locked by somebody, or never begun.
                Some(_) | None => standing.alone.push(group.name),
            }
        }
        standing
    };
    Ok(follows.iter().map(stands).collect())
}

/// Moves the checkpoints, each under its lease; false where one of them may not be moved.
async fn move_abreast(connection: &mut PgConnection, steps: &[Step<'_>]) -> Result<bool, sqlx::Error> {
    let moves: Vec<(&Step<'_>, &Member<'_>)> =
        steps.iter().flat_map(|step| step.standing.abreast.iter().map(move |member| (step, member))).collect();
    let orgs: Vec<Uuid> = moves.iter().map(|(step, _)| step.standing.org.0).collect();
    let groups: Vec<String> = moves.iter().map(|(_, member)| member.group.name.to_owned()).collect();
    let generations: Vec<i32> = moves.iter().map(|(_, member)| member.generation).collect();
    let epochs: Vec<i64> = moves.iter().map(|(_, member)| member.lease.epoch).collect();
    let from: Vec<i64> = moves.iter().map(|(step, _)| signed_position(step.standing.position)).collect();
    let counts: Vec<i64> = moves.iter().map(|(step, _)| step.folded.len() as i64).collect();
    let leases: BTreeSet<(&str, i16, i64)> =
        moves.iter().map(|(_, member)| (member.group.name, member.lease.shard, member.lease.epoch)).collect();
    let works: Vec<String> = leases.iter().map(|(work, ..)| (*work).to_owned()).collect();
    let shards: Vec<i16> = leases.iter().map(|(_, shard, _)| *shard).collect();
    let held: Vec<i64> = leases.iter().map(|(.., epoch)| *epoch).collect();
    let moved = sqlx::query!(
        r#"UPDATE read.checkpoint c SET position = c.position + step.events, epoch = step.epoch
           FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[])
                step (org_id, "group", generation, epoch, position, events)
           WHERE c.org_id = step.org_id AND c."group" = step."group" AND c.generation = step.generation
             AND c.position = step.position AND c.epoch <= step.epoch
             AND cardinality($7::text[]) = (
                 SELECT count(*) FROM unnest($7::text[], $8::smallint[], $9::bigint[]) held (work, shard, epoch)
                 JOIN node.lease l ON l.work = held.work AND l.shard = held.shard AND l.epoch = held.epoch
                 JOIN node.member m ON m.node_id = l.holder AND m.expires_at > clock_timestamp()
                 WHERE l.holder = $10)"#,
        &orgs,
        &groups,
        &generations,
        &epochs,
        &from,
        &counts,
        &works,
        &shards,
        &held,
        moves[0].1.lease.node
    )
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == moves.len() as u64)
}
