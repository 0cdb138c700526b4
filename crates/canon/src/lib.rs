//! One text per value: the exact characters that are hashed, stored and handed to an auditor.
//!
//! The text is RFC 8785 (JCS), narrowed so that every language reads the same value back: no fractions (decimals are
//! strings), no integer beyond ±(2^53 − 1), no U+0000. What cannot be said that way is refused here, at the door.
#![warn(missing_docs)]

mod digest;
mod text;

pub use digest::{Digest, NotADigest, leaf_hash, sha256};
pub use text::{LARGEST_INTEGER, NotCanonical, canonical_text, canonical_text_of};
