//! A rebuild as a job that outlives whoever works on it: what was asked for, how far it is, and who is at it.

use super::access::ACCESS;
use super::error::RebuildError;
use crate::columns::{read_word, word};
use crate::groups::code_digest;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use countersign_postgres::spanning;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// For how long a worker is not replaced after its last sign of life.
const HELD_SECONDS: f64 = 10.0;
/// What Postgres answers where another rebuild of the group is under way.
const UNIQUE_VIOLATION: &str = "23505";

/// Where a rebuild stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebuildState {
    /// Ledgers are folded in memory and their rows written apart from the tables that are read.
    Backfilling,
    /// The new generation is part of the tables, and follows the ledgers.
    Tailing,
    /// Organization by organization, readers are put over.
    CuttingOver,
    /// Everybody is over; the generation before is kept up to date, so that one can go back.
    InRollbackWindow,
    /// Organization by organization, readers are put back.
    RollingBack,
    /// Everybody is over, and there is no way back.
    Done,
    /// Everybody is back, and the new generation is gone.
    RolledBack,
    /// It was given up: nobody is on the new generation.
    Failed,
}

/// What is to be rebuilt, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which group.
    pub group: String,
    /// Only this organization; everybody where there is none.
    pub only: Option<OrgId>,
    /// Who is put over first, and compared with a replay before anybody else is.
    pub canaries: Vec<OrgId>,
    /// How long the generation before is kept up to date behind the cut-over.
    pub keep: Duration,
    /// Who works on it.
    pub by: Workers,
}

/// Who works on a rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// Whoever asked for it.
    Asker,
    /// Any node that serves.
    Nodes,
}

/// A rebuild.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rebuild {
    /// Its id.
    pub id: Uuid,
    /// Which group.
    pub group: String,
    /// The generation that is built.
    pub generation: i32,
    /// The generation that was read before.
    pub before: i32,
    /// Where it stands.
    pub state: RebuildState,
    /// Only this organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<OrgId>,
    /// Who is put over first.
    pub canaries: Vec<OrgId>,
    /// For how long one can go back when it is done, in seconds.
    pub keep_seconds: u64,
    /// Whether these folds are those that it is for. What other folds began, they cannot end.
    #[serde(skip)]
    pub is_ours: bool,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
    /// Until when one can go back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<Timestamp>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

struct Stored {
    rebuild_id: Uuid,
    group: String,
    generation: i32,
    before: i32,
    state: String,
    only_org: Option<Uuid>,
    canaries: Vec<Uuid>,
    keep_seconds: i64,
    code: String,
    asked_at: chrono::DateTime<chrono::Utc>,
    changed_at: chrono::DateTime<chrono::Utc>,
    kept_until: Option<chrono::DateTime<chrono::Utc>>,
    reason: Option<String>,
}

impl RebuildState {
    /// Work is left to be done.
    pub(crate) const UNDER_WAY: [Self; 4] = [Self::Backfilling, Self::Tailing, Self::CuttingOver, Self::RollingBack];

    /// Before everybody is over.
    pub(crate) const FORWARD: [Self; 3] = [Self::Backfilling, Self::Tailing, Self::CuttingOver];
}

impl Stored {
    fn into_rebuild(self) -> Result<Rebuild, sqlx::Error> {
        Ok(Rebuild {
            id: self.rebuild_id,
            group: self.group,
            generation: self.generation,
            before: self.before,
            state: read_word("state", self.state)?,
            only: self.only_org.map(OrgId),
            canaries: self.canaries.into_iter().map(OrgId).collect(),
            keep_seconds: self.keep_seconds.unsigned_abs(),
            is_ours: self.code == code_digest(),
            asked_at: self.asked_at.into(),
            changed_at: self.changed_at.into(),
            kept_until: self.kept_until.map(Into::into),
            reason: self.reason,
        })
    }
}

/// Makes a new generation and the job that fills it, or neither. What was kept of the rebuild before is given up.
pub(crate) async fn insert(pool: &PgPool, wanted: &Wanted) -> Result<Uuid, RebuildError> {
    let is_inline = wanted.group == ACCESS;
    let id = Uuid::now_v7();
    let canaries: Vec<Uuid> = wanted.canaries.iter().map(|org| org.0).collect::<BTreeSet<_>>().into_iter().collect();
    // What is written by the append itself is never apart from what is read, and kept in one generation only.
    let (state, keep) = match is_inline {
        true => (RebuildState::Tailing, Duration::ZERO),
        false => (RebuildState::Backfilling, wanted.keep),
    };
    let mut transaction = spanning(pool).await?;
    sqlx::query!(
        r#"UPDATE read.rebuild SET state = 'done', changed_at = now()
           WHERE state = 'in_rollback_window' AND "group" = $1"#,
        wanted.group
    )
    .execute(&mut *transaction)
    .await?;
    let inserted = sqlx::query!(
        r#"INSERT INTO read.rebuild (rebuild_id, "group", generation, before, state, only_org, canaries, keep_seconds,
               in_background, code)
           SELECT $1, $2, CASE WHEN $3 THEN read.create_generation($2) ELSE read.create_detached($2) END,
                  max(g.generation), $4, $5, $6, $7, $8, $9
           FROM read.generation g WHERE g."group" = $2 AND g.state = 'active'"#,
        id,
        wanted.group,
        is_inline,
        word(&state),
        wanted.only.map(|org| org.0),
        &canaries,
        i64::try_from(keep.as_secs()).unwrap_or(i64::MAX),
        wanted.by == Workers::Nodes,
        code_digest()
    )
    .execute(&mut *transaction)
    .await;
    match inserted {
        Ok(_) => transaction.commit().await?,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNIQUE_VIOLATION) => {
            return Err(RebuildError::UnderWay(wanted.group.clone()));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(id)
}

/// The rebuilds of these ids; all where none is named, the newest first, at most so many.
pub(crate) async fn find(pool: &PgPool, ids: &[Uuid], at_most: i64) -> Result<Vec<Rebuild>, RebuildError> {
    let mut transaction = spanning(pool).await?;
    let found = sqlx::query_as!(
        Stored,
        r#"SELECT rebuild_id, "group", generation, before, state, only_org, canaries, keep_seconds, code, asked_at,
                  changed_at, kept_until,
                  reason
           FROM read.rebuild
           WHERE cardinality($1::uuid[]) = 0 OR rebuild_id = ANY ($1)
           ORDER BY asked_at DESC, rebuild_id LIMIT $2"#,
        ids,
        at_most
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(found.into_iter().map(Stored::into_rebuild).collect::<Result<_, _>>()?)
}

/// The rebuild of a group in one of these states; there is one of these at most.
pub(crate) async fn find_in(
    pool: &PgPool,
    group: &str,
    states: &[RebuildState],
) -> Result<Option<Rebuild>, RebuildError> {
    let states: Vec<String> = states.iter().map(word).collect();
    let mut transaction = spanning(pool).await?;
    let found = sqlx::query_as!(
        Stored,
        r#"SELECT rebuild_id, "group", generation, before, state, only_org, canaries, keep_seconds, code, asked_at,
                  changed_at, kept_until,
                  reason
           FROM read.rebuild WHERE "group" = $1 AND state = ANY ($2) ORDER BY asked_at DESC LIMIT 1"#,
        group,
        &states
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(found.map(Stored::into_rebuild).transpose()?)
}

/// What nodes that serve may take of these groups: jobs for them, and for these folds, that nobody is at.
pub(crate) async fn find_waiting(pool: &PgPool, groups: &[&str]) -> Result<Vec<Uuid>, RebuildError> {
    let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
    let mut transaction = spanning(pool).await?;
    let found = sqlx::query_scalar!(
        r#"SELECT rebuild_id FROM read.rebuild
           WHERE in_background AND "group" = ANY ($1)
             AND (state = 'rolling_back' OR code = $2 AND state IN ('backfilling', 'tailing', 'cutting_over'))
             AND (worker_until IS NULL OR worker_until < now())
           ORDER BY asked_at"#,
        &groups,
        code_digest()
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(found)
}

/// Takes jobs that nobody is at: how many of them it has now.
pub(crate) async fn take(pool: &PgPool, ids: &[Uuid], worker: Uuid) -> Result<u64, RebuildError> {
    let mut transaction = spanning(pool).await?;
    let held = sqlx::query!(
        "UPDATE read.rebuild SET worker = $2, worker_until = clock_timestamp() + make_interval(secs => $3)
         WHERE rebuild_id = ANY ($1) AND (worker = $2 OR worker_until IS NULL OR worker_until < clock_timestamp())",
        ids,
        worker,
        HELD_SECONDS
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(held.rows_affected())
}

/// Goes on holding what it has taken: how many of them it has still. What somebody else took meanwhile is theirs, even
/// where they are done with it.
pub(crate) async fn renew(pool: &PgPool, ids: &[Uuid], worker: Uuid) -> Result<u64, RebuildError> {
    let mut transaction = spanning(pool).await?;
    let held = sqlx::query!(
        "UPDATE read.rebuild SET worker_until = clock_timestamp() + make_interval(secs => $3)
         WHERE rebuild_id = ANY ($1) AND worker = $2",
        ids,
        worker,
        HELD_SECONDS
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(held.rows_affected())
}

/// Makes sure that a job is held, and in one of these states, until the transaction ends.
pub(crate) async fn must_hold(
    connection: &mut PgConnection,
    id: Uuid,
    worker: Uuid,
    states: &[RebuildState],
) -> Result<(), RebuildError> {
    let states: Vec<String> = states.iter().map(word).collect();
    let held = sqlx::query!(
        "SELECT rebuild_id FROM read.rebuild WHERE rebuild_id = $1 AND worker = $2 AND state = ANY ($3) FOR SHARE",
        id,
        worker,
        &states
    )
    .fetch_optional(connection)
    .await?;
    held.map(drop).ok_or(RebuildError::Lost)
}

/// Lets go of every job, so that somebody else may go on with them.
pub(crate) async fn let_go(pool: &PgPool, worker: Uuid) -> Result<(), RebuildError> {
    let mut transaction = spanning(pool).await?;
    sqlx::query!("UPDATE read.rebuild SET worker = NULL, worker_until = NULL WHERE worker = $1", worker)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

/// Moves a job on that this worker holds, in a transaction of its own.
pub(crate) async fn enter(
    pool: &PgPool,
    id: Uuid,
    worker: Uuid,
    (from, to): (&[RebuildState], RebuildState),
    reason: Option<&str>,
) -> Result<(), RebuildError> {
    let mut transaction = spanning(pool).await?;
    enter_in(&mut transaction, id, worker, (from, to), reason).await?;
    Ok(transaction.commit().await?)
}

/// Moves a job on that this worker holds; an error where it does not any more.
pub(crate) async fn enter_in(
    connection: &mut PgConnection,
    id: Uuid,
    worker: Uuid,
    (from, to): (&[RebuildState], RebuildState),
    reason: Option<&str>,
) -> Result<(), RebuildError> {
    let from: Vec<String> = from.iter().map(word).collect();
    let moved = sqlx::query!(
        "UPDATE read.rebuild
         SET state = $3, reason = $4, changed_at = now(),
             kept_until = CASE WHEN $3 = 'in_rollback_window' THEN now() + make_interval(secs => keep_seconds) END
         WHERE rebuild_id = $1 AND worker = $2 AND state = ANY ($5)",
        id,
        worker,
        word(&to),
        reason,
        &from
    )
    .execute(connection)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(RebuildError::Lost) }
}

/// Begins to go back, for as long as that is possible; whoever is at it still finds that out.
pub(crate) async fn enter_rollback(pool: &PgPool, id: Uuid, by: Workers) -> Result<bool, RebuildError> {
    let mut transaction = spanning(pool).await?;
    let moved = sqlx::query!(
        "UPDATE read.rebuild SET state = 'rolling_back', changed_at = now(), in_background = $2
         WHERE rebuild_id = $1 AND state IN ('in_rollback_window', 'backfilling', 'tailing', 'cutting_over')",
        id,
        by == Workers::Nodes
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(moved.rows_affected() == 1)
}

/// Ends the windows that are over.
pub(crate) async fn end_windows(pool: &PgPool) -> Result<(), RebuildError> {
    let mut transaction = spanning(pool).await?;
    sqlx::query!(
        "UPDATE read.rebuild SET state = 'done', changed_at = now()
         WHERE state = 'in_rollback_window' AND kept_until <= now()"
    )
    .execute(&mut *transaction)
    .await?;
    Ok(transaction.commit().await?)
}

/// The groups of which something is kept.
pub(crate) async fn find_kept(pool: &PgPool) -> Result<Vec<String>, RebuildError> {
    let mut transaction = spanning(pool).await?;
    let found = sqlx::query_scalar!(r#"SELECT "group" FROM read.rebuild WHERE state = 'in_rollback_window'"#)
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(found)
}
