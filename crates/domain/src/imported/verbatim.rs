//! What another system wrote, kept as it stands.

use crate::values::{NotATimestamp, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A text of another system: an id, an activity, a role. 1 to 1,000 characters, not only white space, kept as it
/// stands.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Verbatim(String);

/// Why a text cannot be kept as it stands.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// Nothing but white space.
    #[error("the text is empty")]
    Blank,
    /// Longer than what is kept.
    #[error("the text is longer than 1,000 characters")]
    TooLong,
    /// The one character that no ledger holds.
    #[error("the text contains the character U+0000")]
    Nul,
}

/// When something happened by another system's record: the moment, and how that system wrote it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginalTime {
    text: String,
    moment: Timestamp,
}

impl Verbatim {
    /// Keeps a text as it stands.
    pub fn parse(text: &str) -> Result<Self, NotKept> {
        if text.trim().is_empty() {
            return Err(NotKept::Blank);
        }
        if text.chars().count() > 1_000 {
            return Err(NotKept::TooLong);
        }
        if text.contains('\0') {
            return Err(NotKept::Nul);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OriginalTime {
    /// Reads a time with its offset, like `2017-01-09T09:49:50.000+01:00`, and keeps how it was written.
    pub fn parse(text: &str) -> Result<Self, NotATimestamp> {
        if text.len() > 64 {
            return Err(NotATimestamp);
        }
        Ok(Self { moment: text.parse()?, text: text.to_owned() })
    }

    /// How the other system wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The moment.
    pub fn moment(&self) -> Timestamp {
        self.moment
    }
}

impl fmt::Display for Verbatim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Verbatim {
    type Error = NotKept;
    fn try_from(text: String) -> Result<Self, NotKept> {
        Self::parse(&text)
    }
}

impl From<Verbatim> for String {
    fn from(text: Verbatim) -> String {
        text.0
    }
}

impl TryFrom<String> for OriginalTime {
    type Error = NotATimestamp;
    fn try_from(text: String) -> Result<Self, NotATimestamp> {
        Self::parse(&text)
    }
}

impl From<OriginalTime> for String {
    fn from(time: OriginalTime) -> String {
        time.text
    }
}
