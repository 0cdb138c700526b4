//! What a lane sends for while it goes on deciding for others: heads, cold streams, keys, other nodes' events, the lock.

use crate::connection::within_limit;
use crate::error::{ExecuteError, StoreError};
use crate::fence::fence_in_turns;
use crate::folded::Folded;
use crate::load::{FoldedStream, Head, PAGE, events_after, find_head, fold_streams};
use crate::snapshot;
use crate::vault::{OrgKey, Vault};
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::{OrgId, PersonId};
use countersign_domain::portal::StreamId;
use countersign_postgres::{fault, scoped};
use sqlx::{PgPool, Postgres, Transaction};
use std::time::Duration;

/// How long a ledger's lock is waited for, in turns after each of which the server gives up by itself: somebody who only stops
/// listening leaves a connection waiting.
const LOCK_PATIENCE: Duration = Duration::from_secs(15);

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
    /// Streams folded up to the head, with the lock held.
    FetchUnderLock { transaction: Transaction<'static, Postgres>, streams: Vec<StreamId>, head: u64 },
}

/// What an errand brings.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) arrived: Option<(Head, OrgKey)>,
    pub(crate) folded: Vec<(StreamId, Folded)>,
    pub(crate) newer: Vec<Newer>,
    pub(crate) under_lock: Option<Transaction<'static, Postgres>>,
    /// Streams that took long to fold, and up to which head they were.
    long: Vec<StreamId>,
    head: u64,
}

/// An event that somebody else appended.
pub(crate) struct Newer {
    pub(crate) recorded: Recorded,
    pub(crate) text_bytes: usize,
}

impl Errand {
    /// Whether it takes the ledger's lock, or has it already.
    pub(crate) fn locks(&self) -> bool {
        match self {
            Self::Lock { .. } | Self::FetchUnderLock { .. } => true,
            Self::Arrive { .. } | Self::Fetch { .. } | Self::CatchUp { .. } => false,
        }
    }
}

impl Loaded {
    fn take(&mut self, folded: Vec<FoldedStream>, head: u64) {
        self.head = head;
        self.long = folded.iter().filter(|one| one.is_long()).map(|one| one.stream).collect();
        self.folded = folded.into_iter().map(|one| (one.stream, one.folded)).collect();
    }
}

/// Runs an errand. It never waits for a connection while it holds one: errands are many, connections few.
pub(crate) async fn load(pool: &PgPool, vault: &Vault, org: OrgId, errand: Errand) -> Result<Loaded, ExecuteError> {
    let loaded = within_limit(run(pool, vault, org, errand)).await?;
    keep_the_long(pool, org, &loaded).await;
    Ok(loaded)
}

async fn run(pool: &PgPool, vault: &Vault, org: OrgId, errand: Errand) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    match errand {
        Errand::Arrive { streams } => {
            let mut transaction = scoped(pool, org).await?;
            let head = find_head(&mut transaction, org).await?.ok_or(LoadError::UnknownOrganization)?;
            let folded = fold_streams(&mut transaction, org, &streams, head.position).await?;
            transaction.commit().await?;
            loaded.take(folded, head.position);
            loaded.arrived = Some((head, vault.org_key(org).await.map_err(StoreError::from)?));
        }
        Errand::Fetch { streams, people, head } => {
            let mut transaction = scoped(pool, org).await?;
            let keys = if people.is_empty() {
                None
            } else {
                Some(vault.find_or_make(&mut transaction, org, &people).await.map_err(StoreError::from)?)
            };
            let folded = fold_streams(&mut transaction, org, &streams, head).await?;
            if keys.is_some() {
                fault::reached("keys.made").await;
            }
            transaction.commit().await?;
            if let Some(keys) = keys {
                fault::reached("keys.stored").await;
                vault.remember(keys);
            }
            loaded.take(folded, head);
        }
        Errand::CatchUp { head } => {
            let mut transaction = scoped(pool, org).await?;
            loaded.newer = catch_up(&mut transaction, org, head).await?;
            transaction.commit().await?;
        }
        Errand::Lock { head } => {
            let mut transaction = fence_in_turns(pool, org, LOCK_PATIENCE).await?;
            loaded.newer = catch_up(&mut transaction, org, head).await?;
            loaded.under_lock = Some(transaction);
        }
        Errand::FetchUnderLock { mut transaction, streams, head } => {
            let folded = fold_streams(&mut transaction, org, &streams, head).await?;
            loaded.folded = folded.into_iter().map(|one| (one.stream, one.folded)).collect();
            loaded.under_lock = Some(transaction);
        }
    }
    Ok(loaded)
}

/// Keeps snapshots of the streams that took long to fold.
async fn keep_the_long(pool: &PgPool, org: OrgId, loaded: &Loaded) {
    for (stream, folded) in loaded.folded.iter().filter(|(stream, _)| loaded.long.contains(stream)) {
        if let Err(error) = within_limit(snapshot::keep(pool, org, *stream, loaded.head, folded)).await {
            tracing::warn!(%org, %error, "a snapshot could not be kept; the stream will be folded from further back");
        }
    }
}

async fn catch_up(
    transaction: &mut Transaction<'static, Postgres>,
    org: OrgId,
    head: u64,
) -> Result<Vec<Newer>, StoreError> {
    let mut newer: Vec<Newer> = Vec::new();
    loop {
        let from = newer.last().map_or(head, |last| last.recorded.position);
        let page = events_after(transaction, org, from, PAGE).await?;
        let full = page.len() as i64 == PAGE;
        for stored in page {
            newer.push(Newer { text_bytes: stored.envelope.len(), recorded: stored.read()? });
        }
        if !full {
            return Ok(newer);
        }
    }
}

/// Why an errand brings nothing.
#[derive(Debug)]
enum LoadError {
    UnknownOrganization,
    Store(StoreError),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for LoadError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<LoadError> for ExecuteError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::UnknownOrganization => Self::UnknownOrganization,
            LoadError::Store(error) => error.into(),
        }
    }
}
