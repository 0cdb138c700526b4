//! A token that means nothing but "look me up": its organization and 32 random bytes, in base64url.
//!
//! The organization stands in front, so that row security knows it before the token is looked up. Only the digest of the
//! whole is stored; a plain SHA-256 is enough, because nobody can try all random texts of 256 bits.

use crate::digest::{Digest, digest, random};
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::ids::OrgId;
use uuid::Uuid;
use zeroize::Zeroizing;

const LENGTH: usize = 16 + 32;

/// What can be told of a token without looking it up.
pub(crate) struct OpaqueToken {
    /// Whose rows it is to be looked up in.
    pub(crate) org: OrgId,
    /// What it is stored under.
    pub(crate) digest: Digest,
}

/// A fresh token, and what is stored of it.
pub(crate) fn mint(org: OrgId, prefix: &str) -> (Secret, Digest) {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    bytes[..16].copy_from_slice(org.0.as_bytes());
    bytes[16..].copy_from_slice(&*Zeroizing::new(random::<32>()));
    let mut text = String::with_capacity(prefix.len() + LENGTH * 4 / 3);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
    (Secret::new(text), digest(&*bytes))
}

/// Reads a token as it comes back; `None` for everything that [`mint`] cannot have made.
pub(crate) fn read(text: &str, prefix: &str) -> Option<OpaqueToken> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    let length = URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(prefix)?, &mut *bytes).ok()?;
    if length != LENGTH {
        return None;
    }
    let org = Uuid::from_slice(&bytes[..16]).ok()?;
    Some(OpaqueToken { org: OrgId(org), digest: digest(&*bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId(Uuid::from_u128(7));

    #[test]
    fn a_token_comes_back_to_its_organization_and_its_digest() {
        let (token, digest) = mint(ORG, "cst_");
        let read = read(token.reveal(), "cst_").unwrap();
        assert_eq!((read.org, read.digest), (ORG, digest));
        assert_eq!(token.reveal().len(), 4 + 64);
    }

    #[test]
    fn two_tokens_are_never_the_same() {
        assert_ne!(mint(ORG, ""), mint(ORG, ""));
    }

    #[test]
    fn what_we_cannot_have_made_is_no_token() {
        let (token, _) = mint(ORG, "");
        let text = token.reveal();
        for bad in [
            "",
            "cst_",
            "ä",
            &text[1..],
            &format!("{text}AAAA"),
            &format!("{text}="),
            &text.replace(&text[..4], "++++"),
        ] {
            assert!(read(bad, "").is_none(), "{bad:?}");
        }
        assert!(read(text, "cst_").is_none());
    }

    #[test]
    fn a_token_is_never_printed() {
        assert_eq!(format!("{:?}", mint(ORG, "").0), "Secret(…)");
    }
}
