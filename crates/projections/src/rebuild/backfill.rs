//! Ledgers folded in memory, several at once, and their rows written by `COPY` apart from the tables that are read.
//!
//! Each ledger is read once for all groups that are rebuilt together. Rows, checkpoint and the word that a ledger is done
//! are one commit: whoever is killed leaves whole organizations behind or nothing. What cannot be folded in memory is left
//! to the engine, which parks it at exactly the event that is to blame.

use super::copy::copy;
use super::cut_over::is_lost;
use super::error::RebuildError;
use super::job::Rebuild;
use super::replay::{PageOfEvents, Replay};
use super::work::be_quick;
use super::{Progress, Rebuilds, Told, nobody_watches, standing};
use crate::columns::signed_position;
use crate::error::{Fault, ProjectionError};
use crate::line::Lines;
use crate::scope::Generation;
use countersign_domain::ids::OrgId;
use countersign_postgres::spanning;
use sqlx::PgConnection;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// One transaction writes the rows of ledgers with so many events together, or of one that has more: a step of some tenths
/// of a second.
const EVENTS_AT_A_TIME: u64 = 4_000;
/// What is only added to is written as soon as it is so large, whole or not.
const BYTES_AT_A_TIME: usize = 32 << 20;

/// A ledger that is to be folded.
#[derive(Clone)]
struct Task {
    org: OrgId,
    events: u64,
    /// For which rebuilds, and behind which position in each.
    parts: Vec<(usize, u64)>,
}

/// What is being folded of a ledger for one rebuild.
struct Part {
    rebuild: usize,
    from: u64,
    /// Gone where an event could not be folded.
    replay: Option<Replay>,
    is_only_added_to: bool,
}

/// Rows that wait to be written, and which ledgers are done with them.
#[derive(Default)]
struct Batch {
    rows: BTreeMap<(usize, &'static str), Lines>,
    kept: BTreeMap<usize, Kept>,
}

/// Ledgers that were folded for a rebuild, a column each.
#[derive(Default)]
struct Kept {
    orgs: Vec<Uuid>,
    froms: Vec<i64>,
    tos: Vec<i64>,
    wholes: Vec<bool>,
}

/// Folds every ledger that is not yet folded for these rebuilds.
pub(crate) async fn backfill(
    by: &Rebuilds,
    rebuilds: Arc<Vec<Rebuild>>,
    progress: &Progress,
) -> Result<(), RebuildError> {
    let tasks = tasks(by, &rebuilds).await?;
    progress(Told::Begun { events: tasks.iter().map(|task| task.events).sum() });
    let waiting = Arc::new(Mutex::new(batches(tasks)));
    let mut workers: JoinSet<Result<(), RebuildError>> = JoinSet::new();
    for _ in 0..by.abreast {
        let (by, rebuilds, waiting, progress) = (by.clone(), rebuilds.clone(), waiting.clone(), progress.clone());
        workers.spawn(async move {
            loop {
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(batch) = next else { return Ok(()) };
                fold_and_write(&by, &rebuilds, batch, &progress).await?;
            }
        });
    }
    while let Some(worked) = workers.join_next().await {
        worked.map_err(|error| RebuildError::Fell(error.to_string()))??;
    }
    Ok(())
}

async fn tasks(by: &Rebuilds, rebuilds: &[Rebuild]) -> Result<Vec<Task>, RebuildError> {
    let mut tasks: BTreeMap<OrgId, Task> = BTreeMap::new();
    for (index, rebuild) in rebuilds.iter().enumerate() {
        for standing in standing::find(by.pool(), rebuild.id).await?.into_iter().filter(|standing| !standing.is_whole) {
            let task = tasks.entry(standing.org).or_insert(Task { org: standing.org, events: 0, parts: Vec::new() });
            task.events = task.events.max(standing.head.saturating_sub(standing.backfilled));
            task.parts.push((index, standing.backfilled));
        }
    }
    Ok(tasks.into_values().collect())
}

/// The largest ledgers first, so that nobody waits for one at the end.
fn batches(mut tasks: Vec<Task>) -> VecDeque<Vec<Task>> {
    tasks.sort_by_key(|task| std::cmp::Reverse(task.events));
    let (mut batches, mut open, mut events) = (VecDeque::new(), Vec::new(), 0);
    for task in tasks {
        events += task.events;
        open.push(task);
        if events >= EVENTS_AT_A_TIME {
            batches.push_back(std::mem::take(&mut open));
            events = 0;
        }
    }
    if !open.is_empty() {
        batches.push_back(open);
    }
    batches
}

/// Folds ledgers and writes their rows; where the database refuses a row, each ledger by itself, and the one that is to
/// blame not at all: the engine will find the event.
async fn fold_and_write(
    by: &Rebuilds,
    rebuilds: &[Rebuild],
    mut tasks: Vec<Task>,
    progress: &Progress,
) -> Result<(), RebuildError> {
    match fold_and_write_once(by, rebuilds, &mut tasks, progress).await {
        Err(RebuildError::Projection(error)) if error.fault() == Fault::Poison => {
            tracing::warn!(error = ?error, "rows of some organizations were refused; trying each by itself");
        }
        done => return done,
    }
    for task in &mut tasks {
        match fold_and_write_once(by, rebuilds, std::slice::from_mut(task), &nobody_watches()).await {
            Err(RebuildError::Projection(error)) if error.fault() == Fault::Poison => {
                left_to_the_engine(task.org, &error);
                let mut batch = Batch::default();
                task.parts.iter().for_each(|(rebuild, from)| batch.keep(*rebuild, task.org, (*from, *from), true));
                write(by, rebuilds, batch).await?;
            }
            done => done?,
        }
    }
    Ok(())
}

async fn fold_and_write_once(
    by: &Rebuilds,
    rebuilds: &[Rebuild],
    tasks: &mut [Task],
    progress: &Progress,
) -> Result<(), RebuildError> {
    let mut batch = Batch::default();
    for task in tasks {
        fold(by, rebuilds, task, &mut batch, progress).await?;
    }
    write(by, rebuilds, batch).await
}

/// Folds one ledger to its end, for all who want it.
async fn fold(
    by: &Rebuilds,
    rebuilds: &[Rebuild],
    task: &mut Task,
    batch: &mut Batch,
    progress: &Progress,
) -> Result<(), RebuildError> {
    let mut parts = Vec::with_capacity(task.parts.len());
    for &(index, from) in &task.parts {
        let built = by.built(&rebuilds[index].group)?;
        let is_only_added_to = built.is_only_added_to();
        parts.push(Part { rebuild: index, from, replay: Some(Replay::after(built, from)), is_only_added_to });
    }
    while let Some(position) = parts.iter().filter_map(|part| Some(part.replay.as_ref()?.position)).min() {
        let begun = Instant::now();
        let page = match PageOfEvents::after(&by.ledger, task.org, position).await {
            Err(error) if error.fault() == Fault::Poison => {
                left_to_the_engine(task.org, &error);
                parts.iter_mut().for_each(|part| part.replay = None);
                break;
            }
            page => page?,
        };
        for part in &mut parts {
            let Some(replay) = &mut part.replay else { continue };
            match replay.take(&by.ledger, &page).await {
                Err(error) if error.fault() == Fault::Poison => {
                    left_to_the_engine(task.org, &error);
                    part.replay = None;
                }
                taken => taken?,
            }
        }
        by.give_way(begun).await;
        progress(Told::Folded { events: page.len() as u64 });
        if page.is_last() {
            break;
        }
        if write_what_only_grows(by, rebuilds, task.org, &mut parts, batch).await? {
            // Should it have to begin again, it begins behind that.
            task.parts = parts.iter().map(|part| (part.rebuild, part.from)).collect();
        }
    }
    for part in parts {
        let rebuild = &rebuilds[part.rebuild];
        part.end(task.org, rebuild, batch);
    }
    Ok(())
}

/// What a fold says of an event may repeat it: the error is told by whoever parks.
fn left_to_the_engine(org: OrgId, error: &ProjectionError) {
    tracing::warn!(%org, fault = error.reason(false), "a ledger cannot be folded at once; it is followed step by step");
}

/// A long ledger's rows that will not change again need not wait in memory for its end. Whether any were written.
async fn write_what_only_grows(
    by: &Rebuilds,
    rebuilds: &[Rebuild],
    org: OrgId,
    parts: &mut [Part],
    batch: &mut Batch,
) -> Result<bool, RebuildError> {
    let mut bytes = 0;
    for part in parts.iter_mut().filter(|part| part.is_only_added_to) {
        let Some(replay) = &mut part.replay else { continue };
        let generation = Generation { org, number: rebuilds[part.rebuild].generation };
        replay.lines(generation).into_iter().for_each(|lines| batch.add(part.rebuild, lines));
        bytes += batch.bytes_of(part.rebuild);
    }
    if bytes < BYTES_AT_A_TIME {
        return Ok(false);
    }
    for part in parts.iter_mut().filter(|part| part.is_only_added_to) {
        let Some(to) = part.replay.as_ref().map(|replay| replay.position) else { continue };
        batch.keep(part.rebuild, org, (part.from, to), false);
        part.from = to;
    }
    write(by, rebuilds, std::mem::take(batch)).await?;
    Ok(true)
}

impl Part {
    /// What stands in memory is to be written; where there is nothing, the engine goes on from where this began.
    fn end(mut self, org: OrgId, rebuild: &Rebuild, batch: &mut Batch) {
        let mut to = self.from;
        if let Some(replay) = &mut self.replay {
            let generation = Generation { org, number: rebuild.generation };
            replay.lines(generation).into_iter().for_each(|lines| batch.add(self.rebuild, lines));
            to = replay.position;
        }
        batch.keep(self.rebuild, org, (self.from, to), true);
    }
}

impl Batch {
    fn add(&mut self, rebuild: usize, lines: Lines) {
        let begun = self.rows.entry((rebuild, lines.table));
        begun.and_modify(|rows| rows.bytes.extend_from_slice(&lines.bytes)).or_insert(lines);
    }

    fn keep(&mut self, rebuild: usize, org: OrgId, (from, to): (u64, u64), is_whole: bool) {
        let kept = self.kept.entry(rebuild).or_default();
        kept.orgs.push(org.0);
        kept.froms.push(signed_position(from));
        kept.tos.push(signed_position(to));
        kept.wholes.push(is_whole);
    }

    fn bytes_of(&self, rebuild: usize) -> usize {
        self.rows.iter().filter(|((of, _), _)| *of == rebuild).map(|(_, lines)| lines.bytes.len()).sum()
    }
}

/// In a task of its own: a connection that is left in the middle of a `COPY` is of no use to anybody, and whoever works on
/// a rebuild may be stopped at any moment.
async fn write(by: &Rebuilds, rebuilds: &[Rebuild], batch: Batch) -> Result<(), RebuildError> {
    let begun = Instant::now();
    let (hands, rebuilds) = (by.clone(), rebuilds.to_vec());
    let written = tokio::spawn(async move { write_to_the_end(&hands, &rebuilds, batch).await });
    written.await.map_err(|error| RebuildError::Fell(error.to_string()))??;
    by.give_way(begun).await;
    Ok(())
}

async fn write_to_the_end(by: &Rebuilds, rebuilds: &[Rebuild], batch: Batch) -> Result<(), RebuildError> {
    let mut transaction = spanning(by.pool()).await?;
    be_quick(&mut transaction).await?;
    for ((rebuild, table), lines) in &batch.rows {
        copy(&mut transaction, &detached(table, rebuilds[*rebuild].generation), lines).await?;
    }
    for (rebuild, kept) in &batch.kept {
        keep(&mut transaction, rebuilds[*rebuild].id, by.worker, kept).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// A table of a generation that nobody reads yet.
fn detached(table: &str, generation: i32) -> String {
    format!("read.{table}_g{generation}")
}

async fn keep(connection: &mut PgConnection, rebuild: Uuid, worker: Uuid, kept: &Kept) -> Result<(), RebuildError> {
    let Kept { orgs, froms, tos, wholes } = kept;
    let written =
        sqlx::query!("SELECT read.keep_backfilled($1, $2, $3, $4, $5, $6)", rebuild, worker, orgs, froms, tos, wholes)
            .fetch_one(connection)
            .await;
    match written {
        Ok(_) => Ok(()),
        Err(error) if is_lost(&error) => Err(RebuildError::Lost),
        Err(error) => Err(ProjectionError::from(error).into()),
    }
}
