//! Puts what follows from events on record, in the transaction that moves the checkpoint.

use crate::react::react;
use crate::task::{Cause, Errand, Item, Task};
use async_trait::async_trait;
use countersign_canon::{Digest, sha256};
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use countersign_postgres::{scoped, spanning};
use countersign_projections::{Generation, Group, ProjectionError, ReadModel, code_digest};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// The group that feeds the agenda. It is followed like a read model and never rebuilt: what was done stays done.
pub fn agenda() -> Group {
    Group {
        name: "agenda",
        read_models: vec![Box::new(Agenda)],
        opens_personal_values: false,
        code: format!("{}.{}", code_digest(), env!("COUNTERSIGN_PROCESSES_DIGEST")),
    }
}

#[derive(Debug)]
struct Agenda;

/// The stored form of an item's task with its cause.
#[derive(Serialize, Deserialize)]
struct Stored {
    task: Task,
    cause: Cause,
    /// When it was due at first: the column moves when it is put off. Items of older versions do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
}

/// An item that this worker has taken, until the lease is over.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) org: OrgId,
    pub(crate) id: Uuid,
    pub(crate) task: Task,
    pub(crate) cause: Cause,
    /// When it was due at first, if that is known.
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) attempts: i32,
}

#[async_trait]
impl ReadModel for Agenda {
    fn name(&self) -> &'static str {
        "agenda"
    }

    async fn apply(&self, connection: &mut PgConnection, _: i32, events: &[&Recorded]) -> Result<(), ProjectionError> {
        let follows = |event: &&Recorded| react(event).into_iter().map(|item| (event.org, item)).collect::<Vec<_>>();
        Ok(put(connection, &events.iter().flat_map(follows).collect::<Vec<_>>()).await?)
    }

    /// What was done is no fold of the ledger: there is nothing to compare.
    async fn digest(&self, _: &mut PgConnection, _: Generation) -> Result<Digest, ProjectionError> {
        Ok(sha256(&[]))
    }
}

/// Puts items on organizations' agendas; one that is on it already stays as it is.
pub(crate) async fn put(connection: &mut PgConnection, items: &[(OrgId, Item)]) -> Result<(), sqlx::Error> {
    if items.is_empty() {
        return Ok(());
    }
    let orgs: Vec<Uuid> = items.iter().map(|(org, _)| org.0).collect();
    let ids: Vec<Uuid> = items.iter().map(|(_, item)| item.id).collect();
    let due_ats: Vec<_> = items.iter().map(|(_, item)| item.due_at.as_utc()).collect();
    let tasks: Vec<String> = items.iter().map(|(_, item)| to_text(item)).collect();
    sqlx::query!(
        "INSERT INTO process.agenda (org_id, item_id, due_at, task)
         SELECT item.org_id, item.item_id, item.due_at, item.task
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[]) item (org_id, item_id, due_at, task)
         ON CONFLICT (org_id, item_id) DO NOTHING",
        &orgs,
        &ids,
        &due_ats,
        &tasks
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is due of one sort, whosever it is.
pub(crate) async fn due(
    pool: &PgPool,
    errand: Errand,
    now: Timestamp,
    how_many: i32,
) -> Result<Vec<(OrgId, Uuid)>, sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id!", item_id AS "item_id!" FROM process.due_of($1, $2, $3)"#,
        &errand.kinds(),
        now.as_utc(),
        how_many
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows.into_iter().map(|row| (OrgId(row.org_id), row.item_id)).collect())
}

/// The same, in the shards of which a node holds the lease at this moment.
pub(crate) async fn due_for(
    pool: &PgPool,
    node: Uuid,
    errand: Errand,
    now: Timestamp,
    how_many: i32,
) -> Result<Vec<(OrgId, Uuid)>, sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id!", item_id AS "item_id!" FROM process.due_for($1, $2, $3, $4)"#,
        node,
        &errand.kinds(),
        now.as_utc(),
        how_many
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows.into_iter().map(|row| (OrgId(row.org_id), row.item_id)).collect())
}

/// Takes an item for a while, by the database's clock; `None` where somebody else has it, or it is done.
pub(crate) async fn take(
    pool: &PgPool,
    org: OrgId,
    item: Uuid,
    for_seconds: i64,
) -> Result<Option<Taken>, sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let row = sqlx::query!(
        "UPDATE process.agenda
         SET leased_until = clock_timestamp() + $3::bigint * interval '1 second', attempts = attempts + 1
         WHERE org_id = $1 AND item_id = $2 AND done_at IS NULL
           AND (leased_until IS NULL OR leased_until < clock_timestamp())
         RETURNING task, attempts",
        org.0,
        item,
        for_seconds
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let Some(row) = row else { return Ok(None) };
    let Stored { task, cause, due_at } =
        serde_json::from_str(&row.task).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Some(Taken { org, id: item, task, cause, due_at, attempts: row.attempts }))
}

/// Ticks an item off; new items that it became go on the agenda with it. False, and nothing happens, where somebody else
/// has taken it since: it is theirs to say what it came to.
pub(crate) async fn done(
    pool: &PgPool,
    taken: &Taken,
    now: Timestamp,
    outcome: &str,
    became: &[Item],
) -> Result<bool, sqlx::Error> {
    let mut transaction = scoped(pool, taken.org).await?;
    let ticked = sqlx::query!(
        "UPDATE process.agenda SET done_at = $3, outcome = $4, leased_until = NULL
         WHERE org_id = $1 AND item_id = $2 AND attempts = $5 AND done_at IS NULL",
        taken.org.0,
        taken.id,
        now.as_utc(),
        outcome,
        taken.attempts
    )
    .execute(&mut *transaction)
    .await?;
    let is_ours = ticked.rows_affected() == 1;
    if is_ours {
        let became: Vec<_> = became.iter().map(|item| (taken.org, item.clone())).collect();
        put(&mut transaction, &became).await?;
    }
    transaction.commit().await?;
    Ok(is_ours)
}

/// Puts an item off: it failed, and is tried again later. False where somebody else has taken it since.
pub(crate) async fn put_off(pool: &PgPool, taken: &Taken, until: Timestamp) -> Result<bool, sqlx::Error> {
    let mut transaction = scoped(pool, taken.org).await?;
    let put_off = sqlx::query!(
        "UPDATE process.agenda SET due_at = $3, leased_until = NULL
         WHERE org_id = $1 AND item_id = $2 AND attempts = $4 AND done_at IS NULL",
        taken.org.0,
        taken.id,
        until.as_utc(),
        taken.attempts
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(put_off.rows_affected() == 1)
}

fn to_text(item: &Item) -> String {
    let Item { task, cause, due_at, .. } = item.clone();
    serde_json::to_string(&Stored { task, cause, due_at: Some(due_at) }).expect("a task has string keys and serializes")
}
