//! The folded streams that a lane keeps at hand, bounded in bytes: the least recently used go first.

use crate::folded::Folded;
use countersign_domain::ids::OrgId;
use countersign_domain::portal::{PortalEvent, StreamId};
use lru::LruCache;
use std::collections::HashSet;

/// Streams of many organizations, each folded up to its organization's head as the lane knows it.
#[derive(Debug)]
pub(crate) struct Cache {
    streams: LruCache<(OrgId, StreamId), Folded>,
    bytes: usize,
    limit_bytes: usize,
}

impl Cache {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self { streams: LruCache::unbounded(), bytes: 0, limit_bytes }
    }

    /// A stream's state, without counting as a use: deciding only looks.
    pub(crate) fn peek(&self, org: OrgId, stream: StreamId) -> Option<&Folded> {
        self.streams.peek(&(org, stream))
    }

    /// Keeps a stream, and lets others go where there is no room.
    pub(crate) fn put(&mut self, org: OrgId, stream: StreamId, folded: Folded) {
        self.bytes += folded.bytes();
        if let Some(old) = self.streams.put((org, stream), folded) {
            self.bytes -= old.bytes();
        }
    }

    /// Counts as a use.
    pub(crate) fn touch(&mut self, org: OrgId, stream: StreamId) {
        self.streams.promote(&(org, stream));
    }

    /// Lets the least recently used go until the rest fits; what is needed by a command that still waits stays, so that
    /// it gets everything together even where there is room for nothing.
    pub(crate) fn shrink(&mut self, is_needed: impl Fn(OrgId) -> bool) {
        let mut needed = Vec::new();
        while self.bytes > self.limit_bytes {
            let Some((key, folded)) = self.streams.pop_lru() else { break };
            self.bytes -= folded.bytes();
            if is_needed(key.0) {
                needed.push((key, folded));
            }
        }
        for ((org, stream), folded) in needed {
            self.put(org, stream, folded);
        }
    }

    /// Applies an event that another node appended, if its stream is at hand.
    pub(crate) fn follow(&mut self, org: OrgId, stream: StreamId, event: &PortalEvent, text_bytes: usize) {
        let Some(folded) = self.streams.peek_mut(&(org, stream)) else { return };
        self.bytes -= folded.bytes();
        folded.evolve(event, text_bytes);
        self.bytes += folded.bytes();
    }

    /// Forgets everything of an organization: what is at hand may not be what is stored.
    pub(crate) fn forget(&mut self, org: OrgId) {
        self.forget_all(&HashSet::from([org]));
    }

    /// Forgets everything of some organizations. Looks at every stream at hand, so it is for rare occasions.
    pub(crate) fn forget_all(&mut self, orgs: &HashSet<OrgId>) {
        let theirs: Vec<_> = self.streams.iter().map(|(key, _)| *key).filter(|(of, _)| orgs.contains(of)).collect();
        for key in theirs {
            if let Some(folded) = self.streams.pop(&key) {
                self.bytes -= folded.bytes();
            }
        }
    }
}
