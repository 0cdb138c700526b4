//! The operator's token: whoever sends it is the operator.

use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// The fewest characters: nobody tries so many out.
const SHORTEST: usize = 32;

/// The operator's token, as its digest: the token itself is in its file only.
pub struct OperatorToken {
    digest: [u8; 32],
}

/// Why a text is no operator's token.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an operator's token has at least {SHORTEST} printable ASCII characters and no space")]
pub struct OperatorTokenError;

impl OperatorToken {
    /// Reads a token; a line break behind it is the file's.
    pub fn parse(text: &str) -> Result<Self, OperatorTokenError> {
        let token = text.trim_end_matches(['\r', '\n']);
        if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OperatorTokenError);
        }
        Ok(Self { digest: Sha256::digest(token).into() })
    }

    /// Whether an `Authorization` header carries it. Takes as long for a wrong one as for a nearly right one.
    pub(super) fn opens(&self, header: &str) -> bool {
        let Some((scheme, token)) = header.split_once(' ') else { return false };
        let digest: [u8; 32] = Sha256::digest(token.trim()).into();
        scheme.eq_ignore_ascii_case("bearer") & bool::from(digest.ct_eq(&self.digest))
    }
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn only_the_whole_token_as_a_bearers_opens() {
        let token = OperatorToken::parse(&format!("{TOKEN}\n")).unwrap();
        assert!(token.opens(&format!("Bearer {TOKEN}")));
        assert!(token.opens(&format!("bearer {TOKEN}")));
        let wrong = ["", "Bearer", "Bearer ", TOKEN, &format!("Basic {TOKEN}"), &format!("Bearer {}", &TOKEN[1..])];
        assert!(wrong.iter().all(|header| !token.opens(header)));
    }

    #[test]
    fn a_token_that_could_be_tried_out_or_does_not_fit_a_header_is_refused() {
        for text in ["", "changeme", &TOKEN[1..], &format!("{TOKEN} {TOKEN}"), &"ä".repeat(32)] {
            assert_eq!(OperatorToken::parse(text).err(), Some(OperatorTokenError), "{text}");
        }
        assert!(!format!("{:?}", OperatorToken::parse(TOKEN).unwrap()).contains(TOKEN));
    }
}
