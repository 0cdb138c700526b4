//! What somebody decided, as it stands with the thing they decided on.

use countersign_domain::approval::{Given, Refusal};
use countersign_domain::envelope::Principal;
use countersign_domain::values::{Note, Timestamp};
use serde::{Deserialize, Serialize};

/// One person's decision on a revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// On which revision.
    pub revision: u32,
    /// What they said.
    pub verdict: Verdict,
    /// Who.
    pub by: Principal,
    /// When.
    pub at: Timestamp,
    /// The note of an approval, or the reason of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// What somebody said to a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Approved,
    /// No.
    Refused,
}

impl Decision {
    pub(crate) fn approved(given: &Given, at: Timestamp) -> Self {
        Self { revision: given.revision, verdict: Verdict::Approved, by: given.by, at, note: given.note.clone() }
    }

    pub(crate) fn refused(refusal: &Refusal, at: Timestamp) -> Self {
        Self {
            revision: refusal.revision,
            verdict: Verdict::Refused,
            by: refusal.by,
            at,
            note: Some(refusal.reason.clone()),
        }
    }
}
