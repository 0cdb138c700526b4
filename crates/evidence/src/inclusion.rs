//! That an event is in a log.

use crate::head::{TreeHead, node, root, split};
use crate::path::{Ascent, Sibling};
use countersign_canon::Digest;
use serde::{Deserialize, Serialize};

/// Shows that a leaf is at a place of a log, by the hashes that lead from it to the root: about log2 of the size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// The leaf's place, from 0: an event's position less one.
    pub index: u64,
    /// The siblings on the way up, the lowest first.
    pub path: Vec<Digest>,
}

/// Why a proof does not show that a leaf is in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIncluded {
    /// The log ends before that place.
    #[error("the log has {size} leaves and none at place {index}")]
    BeyondTheLog {
        /// The place.
        index: u64,
        /// How many leaves there are.
        size: u64,
    },
    /// More or fewer hashes than lead from that place to the root.
    #[error("the path has not as many hashes as lead from its place to the root")]
    PathLength,
    /// The path leads to another root.
    #[error("the path does not lead from this leaf to this root")]
    OtherRoot,
}

impl InclusionProof {
    /// The proof for one of these leaves; `None` where there is none at that place. Hashes all leaves once.
    pub fn of(leaves: &[Digest], index: u64) -> Option<Self> {
        let place = usize::try_from(index).ok().filter(|place| *place < leaves.len())?;
        Some(Self { index, path: path(leaves, place) })
    }

    /// Whether this leaf is at the place in the log with this head.
    pub fn verify(&self, leaf: Digest, head: &TreeHead) -> Result<(), NotIncluded> {
        let Self { index, path } = self;
        let last = head.size.checked_sub(1).filter(|last| index <= last);
        let last = last.ok_or(NotIncluded::BeyondTheLog { index: *index, size: head.size })?;
        let mut ascent = Ascent::from(*index, last);
        let mut hash = leaf;
        for sibling in path {
            hash = match ascent.next().ok_or(NotIncluded::PathLength)? {
                Sibling::Left => node(sibling, &hash),
                Sibling::Right => node(&hash, sibling),
            };
        }
        if ascent.next().is_some() {
            return Err(NotIncluded::PathLength);
        }
        if hash == head.root { Ok(()) } else { Err(NotIncluded::OtherRoot) }
    }
}

/// RFC 6962, section 2.1.1, as it is written there.
fn path(leaves: &[Digest], place: usize) -> Vec<Digest> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut below, sibling) = match place.checked_sub(left.len()) {
        None => (path(left, place), root(right)),
        Some(place) => (path(right, place), root(left)),
    };
    below.push(sibling);
    below
}
