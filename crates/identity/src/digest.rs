//! 32 bytes that stand for something secret, and the randomness that secrets are made of.

use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A SHA-256 value, plain or keyed: what is stored in place of a token, a device or a network address.
pub(crate) type Digest = [u8; 32];

/// The plain digest of bytes that are random enough to need no key.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// Fresh bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).expect("the operating system has randomness once it runs programs");
    bytes
}

/// A fresh random id.
pub(crate) fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(random()).into_uuid()
}
