//! What somebody would write by hand who wants one row for each stream and nothing else: one pass over the events in
//! batches, one upsert a batch, one connection. No leases, no generations, no digests, nothing sealed is opened.

use crate::Fallible;
use serde::Deserialize;
use sqlx::{Executor, PgConnection};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// So many events are read and written at a time: more made it no faster.
const BATCH: i64 = 2_000;

/// What is read of an event's text; the rest is passed over.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    recorded_at: &'a str,
}

/// An event's place, its stream, and its text.
type Event = (Uuid, i64, Uuid, String);

/// What is kept of a stream.
#[derive(Default)]
struct Summary {
    events: i64,
    last_position: i64,
    last_name: String,
    last_at: String,
}

/// How many events there are.
pub(crate) async fn count(owner: &mut PgConnection) -> Fallible<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM ledger.event").fetch_one(owner).await?)
}

/// Folds all ledgers into a table that is empty at first; says how long that took.
pub(crate) async fn fold(owner: &mut PgConnection) -> Fallible<Duration> {
    owner
        .execute(
            "CREATE SCHEMA IF NOT EXISTS bench;
             CREATE TABLE bench.summary (
                 org_id uuid, stream_id uuid, events bigint NOT NULL, last_position bigint NOT NULL,
                 last_name text NOT NULL, last_at timestamptz NOT NULL, PRIMARY KEY (org_id, stream_id)
             )",
        )
        .await?;
    let began = Instant::now();
    let mut after = (Uuid::nil(), 0);
    loop {
        let events = read(owner, after).await?;
        let Some((org, position, ..)) = events.last() else { return Ok(began.elapsed()) };
        after = (*org, *position);
        write(owner, &summed_up(&events)?).await?;
    }
}

async fn read(owner: &mut PgConnection, (org, position): (Uuid, i64)) -> Fallible<Vec<Event>> {
    let events = sqlx::query_as(
        "SELECT org_id, position, stream_id, envelope FROM ledger.event
         WHERE (org_id, position) > ($1, $2) ORDER BY org_id, position LIMIT $3",
    );
    Ok(events.bind(org).bind(position).bind(BATCH).fetch_all(owner).await?)
}

fn summed_up(events: &[Event]) -> Fallible<HashMap<(Uuid, Uuid), Summary>> {
    let mut rows: HashMap<_, Summary> = HashMap::new();
    for (org, position, stream, envelope) in events {
        let Envelope { name, recorded_at } = serde_json::from_str(envelope)?;
        let row = rows.entry((*org, *stream)).or_default();
        row.events += 1;
        row.last_position = *position;
        name.clone_into(&mut row.last_name);
        recorded_at.clone_into(&mut row.last_at);
    }
    Ok(rows)
}

async fn write(owner: &mut PgConnection, rows: &HashMap<(Uuid, Uuid), Summary>) -> Fallible<()> {
    let (orgs, streams): (Vec<Uuid>, Vec<Uuid>) = rows.keys().copied().unzip();
    let (events, positions): (Vec<i64>, Vec<i64>) = rows.values().map(|row| (row.events, row.last_position)).unzip();
    let (names, times): (Vec<&str>, Vec<&str>) = rows.values().map(|row| (&*row.last_name, &*row.last_at)).unzip();
    let upsert = sqlx::query(
        "INSERT INTO bench.summary (org_id, stream_id, events, last_position, last_name, last_at)
         SELECT org_id, stream_id, events, last_position, last_name, last_at::timestamptz
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
              folded (org_id, stream_id, events, last_position, last_name, last_at)
         ON CONFLICT (org_id, stream_id) DO UPDATE
         SET events = summary.events + excluded.events, last_position = excluded.last_position,
             last_name = excluded.last_name, last_at = excluded.last_at",
    );
    upsert.bind(orgs).bind(streams).bind(events).bind(positions).bind(names).bind(times).execute(owner).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firm::register_many;
    use crate::installation::ledger_over;
    use countersign_eventstore::MasterKey;
    use sqlx::PgPool;

    #[sqlx::test(migrations = "../../migrations")]
    async fn what_is_folded_by_hand_is_every_event_once(pool: PgPool) {
        register_many(&ledger_over(pool.clone(), &MasterKey::generate()).unwrap(), 3).await.unwrap();
        let mut owner = pool.acquire().await.unwrap();
        fold(&mut owner).await.unwrap();
        let (streams, events): (i64, i64) = sqlx::query_as("SELECT count(*), sum(events)::bigint FROM bench.summary")
            .fetch_one(&mut *owner)
            .await
            .unwrap();
        assert_eq!(events, count(&mut owner).await.unwrap());
        let there = "SELECT count(DISTINCT (org_id, stream_id)) FROM ledger.event";
        assert_eq!(streams, sqlx::query_scalar::<_, i64>(there).fetch_one(&mut *owner).await.unwrap());
    }
}
