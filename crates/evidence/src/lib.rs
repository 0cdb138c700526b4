//! The Merkle log of a ledger, as RFC 6962 defines it: one hash that stands for every event, and short proofs about it.
//!
//! A leaf is the hash of an event's canonical text (`countersign_canon::leaf_hash`); leaf 0 is position 1. With a
//! [`TreeHead`] in hand, an [`InclusionProof`] shows that an event is in the log, and a [`ConsistencyProof`] that a later
//! log only added to an earlier one. A [`Frontier`] follows a growing log without keeping its leaves.
//!
//! 1. **No database, no network, no clock.** Whoever audits us can build this crate and `countersign-canon` alone.
//! 2. **A leaf can never pass for a node**: their hashes begin with different bytes.
//! 3. **Proofs are judged, never trusted.** Everything in them may come from whoever is being audited.
//! 4. **A head is only as good as where it came from.** Proofs tie events and heads to each other; that a head is ours is
//!    for a signature to say.
//!
//! ```
//! use countersign_canon::leaf_hash;
//! use countersign_evidence::{InclusionProof, tree_head};
//!
//! let leaves = ["invited", "accepted", "approved"].map(leaf_hash);
//! let head = tree_head(&leaves);
//! let proof = InclusionProof::of(&leaves, 2).expect("the log has three leaves");
//! assert_eq!(proof.verify(leaf_hash("approved"), &head), Ok(()));
//! assert!(proof.verify(leaf_hash("rejected"), &head).is_err());
//! ```
#![warn(missing_docs)]

mod consistency;
mod frontier;
mod head;
mod inclusion;
mod path;

#[cfg(test)]
mod properties_spec;
#[cfg(test)]
mod reference_spec;

pub use consistency::{ConsistencyProof, NotConsistent};
pub use frontier::Frontier;
pub use head::{TreeHead, tree_head};
pub use inclusion::{InclusionProof, NotIncluded};
