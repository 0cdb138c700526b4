//! What a lane sends for while it goes on deciding for others: heads, cold streams, keys, other nodes' events, the lock.

use crate::error::ExecuteError;
use crate::fence;
use crate::load::{Folded, Head, PAGE, events_after, find_head, fold_stream};
use crate::scope::scoped;
use crate::vault::{OrgKey, Vault};
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::{OrgId, PersonId};
use countersign_domain::portal::StreamId;
use sqlx::{PgPool, Postgres, Transaction};

/// What an organization's commands wait for.
#[derive(Debug)]
pub(crate) enum Errand {
    /// The organization is new here: where does its ledger stand? These streams will be asked for.
    Arrive { streams: Vec<StreamId> },
    /// Streams folded up to the head, and people's keys.
    Fetch { streams: Vec<StreamId>, people: Vec<PersonId>, head: u64 },
    /// What others appended after the head.
    CatchUp { head: u64 },
    /// The ledger's lock, however long it takes, and what others appended until it was had.
    Lock { head: u64 },
}

/// What an errand brings.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) arrived: Option<(Head, OrgKey)>,
    pub(crate) folded: Vec<(StreamId, Folded)>,
    pub(crate) newer: Vec<Newer>,
    pub(crate) under_lock: Option<Transaction<'static, Postgres>>,
}

/// An event that somebody else appended.
pub(crate) struct Newer {
    pub(crate) recorded: Recorded,
    pub(crate) bytes: usize,
}

/// Runs an errand. It never waits for a connection while it holds one: errands are many, connections few.
pub(crate) async fn load(pool: &PgPool, vault: &Vault, org: OrgId, errand: Errand) -> Result<Loaded, ExecuteError> {
    let mut loaded = Loaded::default();
    if let Errand::Fetch { people, .. } = &errand {
        bring(vault, org, people).await?;
    }
    let mut transaction = scoped(pool, org).await.map_err(unavailable)?;
    match errand {
        Errand::Arrive { streams } => {
            let head = find_head(&mut transaction, org).await?.ok_or(ExecuteError::UnknownOrganization)?;
            loaded.folded = fetch(&mut transaction, org, &streams, head.position).await?;
            transaction.commit().await.map_err(unavailable)?;
            let key = vault.org_key(org).await.map_err(|error| ExecuteError::from(crate::StoreError::from(error)))?;
            loaded.arrived = Some((head, key));
        }
        Errand::Fetch { streams, head, .. } => {
            loaded.folded = fetch(&mut transaction, org, &streams, head).await?;
            transaction.commit().await.map_err(unavailable)?;
        }
        Errand::CatchUp { head } => {
            loaded.newer = catch_up(&mut transaction, org, head).await?;
            transaction.commit().await.map_err(unavailable)?;
        }
        Errand::Lock { head } => {
            fence::take(&mut transaction, org).await.map_err(unavailable)?;
            loaded.newer = catch_up(&mut transaction, org, head).await?;
            loaded.under_lock = Some(transaction);
        }
    }
    Ok(loaded)
}

/// Brings people's keys to hand.
pub(crate) async fn bring(vault: &Vault, org: OrgId, people: &[PersonId]) -> Result<(), ExecuteError> {
    if people.is_empty() {
        return Ok(());
    }
    vault.bring(org, people).await.map_err(|error| ExecuteError::from(crate::StoreError::from(error)))
}

/// Streams folded up to a head.
pub(crate) async fn fetch(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    streams: &[StreamId],
    head: u64,
) -> Result<Vec<(StreamId, Folded)>, ExecuteError> {
    let mut folded = Vec::with_capacity(streams.len());
    for stream in streams {
        folded.push((*stream, fold_stream(transaction, org, *stream, head).await?));
    }
    Ok(folded)
}

async fn catch_up(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    head: u64,
) -> Result<Vec<Newer>, ExecuteError> {
    let mut newer: Vec<Newer> = Vec::new();
    loop {
        let from = newer.last().map_or(head, |last| last.recorded.position);
        let page = events_after(transaction, org, from, PAGE).await?;
        let full = page.len() as i64 == PAGE;
        for stored in page {
            newer.push(Newer { bytes: stored.envelope.len(), recorded: stored.read()? });
        }
        if !full {
            return Ok(newer);
        }
    }
}

fn unavailable(error: sqlx::Error) -> ExecuteError {
    ExecuteError::from(crate::StoreError::from(error))
}
