//! Positions as they go out: plain numbers to the staff, sealed to guests, who must not learn how busy the firm is.
//! Cursors are sealed alike: they may name a position.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use countersign_domain::ids::OrgId;
use countersign_identity::server_key::ServerKey;
use std::fmt;

const NONCE: usize = 24;

/// Seals what says too much and opens it again, with a key of the server's that serves nothing else.
#[derive(Clone)]
pub(crate) struct Seal(XChaCha20Poly1305);

impl Seal {
    pub(crate) fn new(key: &ServerKey) -> Self {
        let key = key.derive("seal of positions and cursors").mac(&[]);
        Self(XChaCha20Poly1305::new(&key.into()))
    }

    /// A text that says nothing to whoever has no key; two seals of the same differ.
    pub(crate) fn seal(&self, org: OrgId, clear: &[u8]) -> String {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: clear, aad: org.0.as_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).expect("a short text can be sealed");
        URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed, if the text is one of ours for this organization.
    pub(crate) fn open(&self, org: OrgId, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        self.0.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: org.0.as_bytes() }).ok()
    }

    /// A sealed position: all are of one length.
    pub(crate) fn seal_position(&self, org: OrgId, position: u64) -> String {
        self.seal(org, &position.to_be_bytes())
    }

    /// The position, if it is one.
    pub(crate) fn open_position(&self, org: OrgId, text: &str) -> Option<u64> {
        Some(u64::from_be_bytes(self.open(org, text)?.try_into().ok()?))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ORG: OrgId = OrgId(Uuid::from_u128(1));

    fn key() -> Seal {
        Seal::new(&ServerKey::new([1; 32]))
    }

    #[test]
    fn a_sealed_position_opens_for_its_own_organization_only() {
        let text = key().seal_position(ORG, 42);
        assert_eq!(key().open_position(ORG, &text), Some(42));
        assert_eq!(key().open_position(OrgId(Uuid::from_u128(2)), &text), None);
        assert_eq!(Seal::new(&ServerKey::new([2; 32])).open_position(ORG, &text), None);
    }

    #[test]
    fn two_positions_cannot_be_compared_by_their_seals() {
        let (one, same) = (key().seal_position(ORG, 42), key().seal_position(ORG, 42));
        assert_ne!(one, same);
        assert_eq!(one.len(), key().seal_position(ORG, u64::MAX).len());
    }

    #[test]
    fn what_we_did_not_seal_is_no_position() {
        let text = key().seal_position(ORG, 42);
        for bad in ["", "42", &text[1..], &format!("{text}A"), &text.replace(&text[40..44], "AAAA")] {
            assert_eq!(key().open_position(ORG, bad), None, "{bad}");
        }
    }
}
