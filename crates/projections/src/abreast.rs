//! The usual step: new events of several organizations into the rows of every group at once. An organization's events
//! are read once, for all groups that stand at the same position; and rows and checkpoints of all of them move in one
//! transaction, so that a thousand small ledgers, an event each, cost little more than one with a thousand events.
//!
//! A group that stands far behind (`footing`), or stumbles, goes on alone (`engine`) until it has caught up. Where something
//! stumbles and it is not known whose events it was about, every organization goes by itself.
//!
//! Whoever has just taken a step remembers where it led, and the next one does not ask. What has become of an organization
//! since is found when its checkpoints are moved, which is before anything is folded: from where they were thought to
//! stand, in the generations that are read, under leases that are good, or not at all.

use crate::columns::signed_position;
use crate::engine::{EVENTS_AT_A_TIME, fold_recorded, read_all};
use crate::error::ProjectionError;
use crate::footing::{Follows, Footing, Member, Standing, stand};
use crate::group::Group;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Ledger, StoreError, StoredEvent};
use countersign_postgres::{fault, following};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many events of each organization a step of several takes: who has more of them than that goes by itself.
const EVENTS_OF_EACH: u32 = 32;

/// What became of a step of one organization.
#[derive(Debug, Default)]
pub(crate) struct Stride {
    /// The events that were folded.
    pub(crate) folded: Vec<Recorded>,
    /// The names of the groups whose rows have them now.
    pub(crate) moved: Vec<&'static str>,
    /// The names of the groups that must go on alone.
    pub(crate) alone: Vec<&'static str>,
    /// Where all of the groups stand now, if they stand together.
    pub(crate) footing: Option<Footing>,
    /// Whether there may be more events.
    pub(crate) more: bool,
    /// Whether the step was refused: a lease is over, or somebody else was faster.
    pub(crate) refused: bool,
}

impl Stride {
    /// Whether nothing was folded of what there is.
    pub(crate) fn is_put_off(&self) -> bool {
        self.folded.is_empty() && (self.refused || self.more)
    }
}

/// What became of a step of several organizations.
#[derive(Debug)]
pub(crate) enum Strides {
    /// Each of them came so far.
    Made(Vec<(OrgId, Stride)>),
    /// Nothing was written: each has to go by itself.
    Apart,
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
    if !move_abreast(&mut transaction, &steps).await? {
        transaction.rollback().await?;
        if let Some(asked) = forgetting(follows) {
            return Box::pin(advance_abreast(ledger, &asked)).await;
        }
        return Ok(by_itself(steps, strides, Step::refused));
    }
    if let Err(stumbled) = fold_abreast(&mut transaction, ledger, &steps).await {
        transaction.rollback().await?;
        return Ok(by_itself(steps, strides, |step| step.stumbled(stumbled)));
    }
    fault::reached("projection.folded").await;
    transaction.commit().await?;
    strides.extend(steps.into_iter().map(|step| (step.standing.org, step.made())));
    Ok(Strides::Made(strides))
}

/// What was remembered of one of them was wrong, and it is not known of which: all are asked. Not once more, if they were.
fn forgetting<'a>(follows: &[Follows<'a>]) -> Option<Vec<Follows<'a>>> {
    let asked = |one: &Follows<'a>| Follows { footing: None, ..one.clone() };
    follows.iter().any(|one| one.footing.is_some()).then(|| follows.iter().map(asked).collect())
}

/// What became of a step that was not made, if it was one organization's.
fn by_itself<'a>(
    steps: Vec<Step<'a>>,
    mut strides: Vec<(OrgId, Stride)>,
    became: impl FnOnce(Step<'a>) -> Stride,
) -> Strides {
    let mut steps = steps.into_iter();
    match (steps.next(), steps.next()) {
        (Some(only), None) => {
            strides.push((only.standing.org, became(only)));
            Strides::Made(strides)
        }
        (_, _) => Strides::Apart,
    }
}

impl Step<'_> {
    fn made(self) -> Stride {
        let Self { standing, folded, more, .. } = self;
        let moved = standing.abreast.iter().map(|member| member.group.name).collect();
        let footing = standing.footing_after(folded.len());
        Stride { folded, moved, alone: standing.alone, footing, more, refused: false }
    }

    /// One group could not take the events.
    fn stumbled(self, group: &'static str) -> Stride {
        let alone = self.standing.alone.into_iter().chain([group]).collect();
        Stride { alone, more: true, ..Stride::default() }
    }

    /// A checkpoint could not be moved.
    fn refused(self) -> Stride {
        Stride { alone: self.standing.alone, refused: true, ..Stride::default() }
    }
}

impl Standing<'_> {
    /// There is nothing to be done in those that stand together.
    fn rests(self) -> (OrgId, Stride) {
        let footing = self.footing_after(0);
        (self.org, Stride { alone: self.alone, footing, ..Stride::default() })
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
            Ok(mut events) => {
                let before_the_others = standing.until.map_or(usize::MAX, |until| (until - standing.position) as usize);
                events.truncate(before_the_others);
                events
            }
            Err(StoreError::Damaged { .. }) => {
                strides.push(standing.all_alone());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match events.iter().map(StoredEvent::read).collect() {
            Ok(folded) => {
                let more = events.len() == limit as usize || standing.until.is_some();
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

/// Moves the checkpoints, each under its lease and in the generation that is read; false where one of them may not be
/// moved. From here on they are locked. Whoever puts readers over to another generation after this has looked puts them at
/// a head that is no earlier than what was read for this step: they miss none of it.
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
             AND c.generation = (SELECT active.generation FROM read.active_generation active
                                 WHERE active.org_id = step.org_id AND active."group" = step."group")
             AND EXISTS (SELECT FROM node.member m WHERE m.node_id = $10 AND m.expires_at > clock_timestamp())
             AND cardinality($7::text[]) = (
                 SELECT count(*) FILTER (WHERE (l.work, l.shard, l.epoch) IN
                     (SELECT * FROM unnest($7::text[], $8::smallint[], $9::bigint[])))
                 FROM node.lease l WHERE l.work = ANY ($7::text[]) AND l.holder = $10)"#,
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
