//! A growing log, of which only the edge is kept.

use crate::head::{TreeHead, node};
use countersign_canon::{Digest, sha256};

/// Follows a log leaf by leaf: a hash for each complete tree at its edge, at most 64 of them, whatever its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The roots of the complete trees, the largest first; one for each 1 in the binary form of the size.
    roots: Vec<Digest>,
}

impl Frontier {
    /// The edge of an empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next leaf: it completes as many trees as there are 1s at the end of the size so far.
    pub fn append(&mut self, leaf: Digest) {
        let mut completed = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().expect("there is a root for each 1 in the size");
            completed = node(&left, &completed);
        }
        self.roots.push(completed);
        self.size += 1;
    }

    /// The head of the log as it stands.
    pub fn head(&self) -> TreeHead {
        let joined = self.roots.iter().rev().copied().reduce(|right, left| node(&left, &right));
        TreeHead { size: self.size, root: joined.unwrap_or_else(|| sha256(&[])) }
    }
}
