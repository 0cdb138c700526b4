//! What somebody was shown, as a digest: exactly the fields that they may see of a revision (D14).

use crate::access::{Action, Facts, Right, Rights, decide};
use crate::values::Timestamp;
use countersign_canon::{Digest, canonical_text, sha256};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A random text per revision, so that a digest of what was shown cannot be guessed back. 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Salt(String);

/// The text was no salt.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a salt is 32 lower-case hexadecimal digits")]
pub struct NotASalt;

impl Salt {
    /// A salt of random bytes.
    pub fn new(random: [u8; 16]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Stands for a free text in what is digested: it neither reveals the text nor dies with its erasure.
    pub fn commitment(&self, text: &str) -> Digest {
        sha256(&[self.0.as_bytes(), text.as_bytes()])
    }
}

impl TryFrom<String> for Salt {
    type Error = NotASalt;
    fn try_from(text: String) -> Result<Self, NotASalt> {
        let sound = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if sound { Ok(Self(text)) } else { Err(NotASalt) }
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> String {
        salt.0
    }
}

/// The digest of what somebody was shown of a revision. A field that is masked is left out before, never blanked.
pub fn shown_digest(salt: &Salt, shown: &impl Serialize) -> Digest {
    let text = canonical_text(&json!({ "salt": salt, "shown": shown })).expect("what is shown has a canonical text");
    sha256(&[text.as_bytes()])
}

/// How much of a thing that is put up for approval somebody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// All of it.
    Nothing,
    /// Not the contract amounts, rates and values (F6.4 to F6.8).
    Financials,
}

impl Mask {
    /// What is masked from whoever asks, at a moment.
    pub fn of(access: &Facts, at: Timestamp) -> Self {
        if decide(access, Action::ViewFinancials, at).allowed { Self::Nothing } else { Self::Financials }
    }

    /// A financial field, where it may be seen.
    pub fn financial<T>(self, field: T) -> Option<T> {
        match self {
            Self::Nothing => Some(field),
            Self::Financials => None,
        }
    }

    /// The rights that made it.
    pub fn rights(self) -> Rights {
        self.financial(Right::FinancialVisibility).into_iter().collect()
    }
}
