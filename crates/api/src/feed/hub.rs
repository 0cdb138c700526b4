//! One watcher a node tells all open feeds that a ledger has grown, here or on another node; and how many are open.

use crate::error::ApiError;
use crate::request::Caller;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Committed, Feed, Ledger};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

/// How many hints a feed may fall behind; it looks again then.
const HINTS: usize = 1_024;

/// The feeds that are open on this node. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenFeeds {
    by_person: Arc<Mutex<HashMap<(OrgId, Principal), usize>>>,
    hints: Arc<OnceLock<broadcast::Sender<OrgId>>>,
    /// Whether the node is stopping.
    stopping: Arc<watch::Sender<bool>>,
}

/// An open feed's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    feeds: OpenFeeds,
    whose: (OrgId, Principal),
}

impl OpenFeeds {
    /// Takes a place for one more feed of a person.
    pub(crate) fn take_place(&self, caller: &Caller, most: usize) -> Result<Place, ApiError> {
        let whose = (caller.org, caller.principal());
        let mut open = self.by_person.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(whose).or_default();
        if *count >= most {
            return Err(ApiError::TooMany { retry_after_s: 1 });
        }
        *count += 1;
        Ok(Place { feeds: self.clone(), whose })
    }

    /// Ends all feeds: a node that stops waits for answers that are under way, and a feed is under way for ever.
    pub(crate) fn close(&self) {
        self.stopping.send_replace(true);
    }

    /// Turns true when the node stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Hints that a ledger has grown. The first to ask starts the watcher.
    pub(crate) fn hints(&self, ledger: &Ledger, look_again: Duration) -> broadcast::Receiver<OrgId> {
        let hints = self.hints.get_or_init(|| {
            let (sender, _) = broadcast::channel(HINTS);
            tokio::spawn(pass_on(ledger.committed(), sender.clone()));
            tokio::spawn(sweep(Feed::new(ledger.reader().pool().clone()), sender.clone(), look_again));
            sender
        });
        hints.subscribe()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.feeds.by_person.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.whose);
            }
        }
    }
}

/// What was appended here. Nobody need be listening.
async fn pass_on(mut committed: broadcast::Receiver<Committed>, hints: broadcast::Sender<OrgId>) {
    loop {
        match committed.recv().await {
            Ok(committed) => drop(hints.send(committed.org)),
            // The sweep finds what was missed.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// What other nodes appended; asked only while somebody listens.
async fn sweep(mut feed: Feed, hints: broadcast::Sender<OrgId>, look_again: Duration) {
    let mut again = tokio::time::interval(look_again);
    loop {
        again.tick().await;
        if hints.receiver_count() == 0 {
            continue;
        }
        match feed.sweep().await {
            Ok(grown) => grown.into_iter().for_each(|entry| drop(hints.send(entry.org))),
            Err(error) => tracing::warn!(error = ?error, "the commit feed could not be read; trying again"),
        }
    }
}
