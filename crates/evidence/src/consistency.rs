//! That a later log only added to an earlier one.

use crate::head::{TreeHead, node, root, split};
use crate::path::{Ascent, Sibling};
use countersign_canon::{Digest, sha256};
use serde::{Deserialize, Serialize};

/// Shows that a log begins with all leaves of an earlier one, unchanged and in order: about log2 of the size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    /// What both roots are made of, the lowest first.
    pub path: Vec<Digest>,
}

/// Why a proof does not show that one log continues another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConsistent {
    /// The heads are the wrong way round.
    #[error("the later log has {later} leaves, fewer than the {earlier} of the earlier one")]
    Shrunk {
        /// How many leaves there were.
        earlier: u64,
        /// How many there are.
        later: u64,
    },
    /// More or fewer hashes than two logs of these sizes share.
    #[error("the path has not as many hashes as two logs of these sizes share")]
    PathLength,
    /// The path does not lead to the earlier root.
    #[error("the path does not lead to the earlier root")]
    OtherEarlierRoot,
    /// The path does not lead to the later root.
    #[error("the path does not lead to the later root")]
    OtherLaterRoot,
}

impl ConsistencyProof {
    /// The proof that these leaves continue their own first `earlier` ones; `None` where there are not so many. Hashes
    /// all leaves once.
    pub fn of(leaves: &[Digest], earlier: u64) -> Option<Self> {
        let earlier = usize::try_from(earlier).ok().filter(|earlier| *earlier <= leaves.len())?;
        // Everything continues the empty log, and a log continues itself: nothing to show.
        let path = if earlier == 0 { Vec::new() } else { subproof(leaves, earlier, Known::Yes) };
        Some(Self { path })
    }

    /// Whether the later head's log begins with the earlier head's.
    pub fn verify(&self, earlier: &TreeHead, later: &TreeHead) -> Result<(), NotConsistent> {
        if later.size < earlier.size {
            return Err(NotConsistent::Shrunk { earlier: earlier.size, later: later.size });
        }
        if earlier.size == 0 || earlier.size == later.size {
            return self.verify_without_path(earlier, later);
        }
        let is_whole_tree = earlier.size.is_power_of_two();
        // An earlier log that is one complete tree is its own beginning of the path.
        let (start, rest) = match (is_whole_tree, self.path.split_first()) {
            (true, _) => (&earlier.root, self.path.as_slice()),
            (false, Some((start, rest))) => (start, rest),
            (false, None) => return Err(NotConsistent::PathLength),
        };
        let (earlier_root, later_root) = climb(*start, rest, earlier.size - 1, later.size - 1)?;
        if earlier_root != earlier.root {
            return Err(NotConsistent::OtherEarlierRoot);
        }
        if later_root == later.root { Ok(()) } else { Err(NotConsistent::OtherLaterRoot) }
    }

    fn verify_without_path(&self, earlier: &TreeHead, later: &TreeHead) -> Result<(), NotConsistent> {
        if !self.path.is_empty() {
            return Err(NotConsistent::PathLength);
        }
        let expected = if earlier.size == 0 { sha256(&[]) } else { later.root };
        if earlier.root != expected {
            return Err(NotConsistent::OtherEarlierRoot);
        }
        let is_empty = later.size == 0;
        if is_empty && later.root != expected { Err(NotConsistent::OtherLaterRoot) } else { Ok(()) }
    }
}

/// The two roots to which a path leads: siblings to the left belong to both logs, those to the right to the later one.
fn climb(start: Digest, path: &[Digest], place: u64, last: u64) -> Result<(Digest, Digest), NotConsistent> {
    let mut ascent = Ascent::from_highest(place, last);
    let (mut earlier, mut later) = (start, start);
    for sibling in path {
        match ascent.next().ok_or(NotConsistent::PathLength)? {
            Sibling::Left => (earlier, later) = (node(sibling, &earlier), node(sibling, &later)),
            Sibling::Right => later = node(&later, sibling),
        }
    }
    if ascent.next().is_some() { Err(NotConsistent::PathLength) } else { Ok((earlier, later)) }
}

/// Whether the verifier knows the root of these leaves already, because it is the earlier head's.
#[derive(Clone, Copy)]
enum Known {
    Yes,
    No,
}

/// RFC 6962, section 2.1.2, as it is written there.
fn subproof(leaves: &[Digest], earlier: usize, known: Known) -> Vec<Digest> {
    if earlier == leaves.len() {
        return match known {
            Known::Yes => Vec::new(),
            Known::No => vec![root(leaves)],
        };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut below, sibling) = match earlier.checked_sub(left.len()) {
        None | Some(0) => (subproof(left, earlier, known), root(right)),
        Some(earlier) => (subproof(right, earlier, Known::No), root(left)),
    };
    below.push(sibling);
    below
}
