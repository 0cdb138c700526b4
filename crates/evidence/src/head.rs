//! The one hash that stands for a whole log.

use countersign_canon::{Digest, sha256};
use serde::{Deserialize, Serialize};

/// A log at one size: how many leaves it has, and the hash over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeHead {
    /// How many leaves.
    pub size: u64,
    /// The hash over all of them, in order.
    pub root: Digest,
}

/// The head of a log with these leaves. Reads all of them; `Frontier` keeps a head up to date.
pub fn tree_head(leaves: &[Digest]) -> TreeHead {
    TreeHead { size: leaves.len() as u64, root: root(leaves) }
}

/// RFC 6962, section 2.1, as it is written there.
pub(crate) fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        leaves => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// A node above two others. The byte in front keeps it from ever being the hash of a leaf.
pub(crate) fn node(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[0x01], &left.0, &right.0])
}

/// How many of at least two leaves are in the left half: the largest power of two that leaves some for the right.
pub(crate) fn split(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}
