//! What a command came to, as it is answered and as it is stored.

use countersign_domain::decider::RejectionKind;
use countersign_domain::portal::Rejection;
use serde::{Deserialize, Serialize};

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was decided.
    pub verdict: Verdict,
    /// The ledger's head on which the answer rests: reading at this position or later shows it.
    pub position: u64,
    /// Whether this was decided earlier, under the same command id.
    pub replayed: bool,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It happened.
    Accepted {
        /// The position of its first event.
        first: u64,
        /// How many events it led to.
        count: u32,
    },
    /// It was so already.
    AlreadySo,
    /// It may not be.
    Rejected(Refusal),
}

/// A refusal, as it is stored: codes, numbers and ids, no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: String,
    /// How much of it the asker may learn.
    pub kind: RejectionKind,
    /// A sentence in business words.
    pub message: String,
    /// Numbers and ids that explain it, by name.
    pub details: Vec<(String, String)>,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self {
            code: rejection.code.to_owned(),
            kind: rejection.kind,
            message: rejection.message,
            details: rejection.details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }
}

/// The stored form. Wire names, for ever.
#[derive(Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
enum Stored {
    Accepted,
    AlreadySo,
    Rejected { code: String, kind: StoredKind, message: String, details: Vec<(String, String)> },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredKind {
    NotAllowed,
    Rule,
}

impl Verdict {
    /// The stored form; `None` for what is not stored.
    pub(crate) fn to_text(&self) -> Option<String> {
        let stored = match self {
            Self::Accepted { .. } => Stored::Accepted,
            Self::AlreadySo => Stored::AlreadySo,
            Self::Rejected(Refusal { code, kind, message, details }) => Stored::Rejected {
                code: code.clone(),
                kind: match kind {
                    RejectionKind::Unseen => return None,
                    RejectionKind::NotAllowed => StoredKind::NotAllowed,
                    RejectionKind::Rule => StoredKind::Rule,
                },
                message: message.clone(),
                details: details.clone(),
            },
        };
        Some(serde_json::to_string(&stored).expect("an outcome has string keys and serializes"))
    }

    /// Reads the stored form.
    pub(crate) fn from_text(text: &str, first: u64, count: u32) -> Result<Self, serde_json::Error> {
        Ok(match serde_json::from_str(text)? {
            Stored::Accepted => Self::Accepted { first, count },
            Stored::AlreadySo => Self::AlreadySo,
            Stored::Rejected { code, kind, message, details } => {
                let kind = match kind {
                    StoredKind::NotAllowed => RejectionKind::NotAllowed,
                    StoredKind::Rule => RejectionKind::Rule,
                };
                Self::Rejected(Refusal { code, kind, message, details })
            }
        })
    }
}
