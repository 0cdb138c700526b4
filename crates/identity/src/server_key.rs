//! The server's key: what it makes proofs with that it need not store.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// 32 secret bytes that every node of an installation shares. Wiped when dropped, and never printed.
pub struct ServerKey(Zeroizing<[u8; 32]>);

/// A key for one purpose, derived from the server's.
pub struct DerivedKey(Zeroizing<[u8; 32]>);

impl ServerKey {
    /// The key as the caller keeps it.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key for one purpose; what it signs says nothing about any other purpose's key.
    pub fn derive(&self, label: &str) -> DerivedKey {
        DerivedKey(Zeroizing::new(keyed(&self.0, &[label.as_bytes()]).finalize().into_bytes().into()))
    }
}

impl DerivedKey {
    /// HMAC-SHA256 over parts; each is preceded by its length, so that no two lists of parts run together.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        keyed(&self.0, parts).finalize().into_bytes().into()
    }

    /// Whether `mac` is the HMAC over the parts; takes as long for a near miss as for a wild guess.
    pub fn verifies(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        keyed(&self.0, parts).verify_slice(mac).is_ok()
    }
}

fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKey(…)")
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_for_two_purposes_have_nothing_in_common() {
        let key = ServerKey::new([7; 32]);
        assert_ne!(key.derive("one").mac(&[b"text"]), key.derive("two").mac(&[b"text"]));
        assert_eq!(key.derive("one").mac(&[b"text"]), ServerKey::new([7; 32]).derive("one").mac(&[b"text"]));
    }

    #[test]
    fn moving_a_byte_from_one_part_to_the_next_is_another_text() {
        let key = ServerKey::new([7; 32]).derive("one");
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
    }

    #[test]
    fn a_proof_holds_for_its_own_text_only() {
        let key = ServerKey::new([7; 32]).derive("one");
        let proof = key.mac(&[b"text"]);
        assert!(key.verifies(&[b"text"], &proof));
        assert!(!key.verifies(&[b"test"], &proof));
        assert!(!key.verifies(&[b"text"], &proof[..31]));
    }

    #[test]
    fn the_key_is_never_printed() {
        let key = ServerKey::new([7; 32]);
        assert_eq!(format!("{key:?} {:?}", key.derive("one")), "ServerKey(…) DerivedKey(…)");
    }
}
