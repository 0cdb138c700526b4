//! The `approval` blocks of events: the same four shapes, whatever is approved.

use crate::access::{Right, Rights};
use crate::approval::{Policy, Progress, Request, Vote};
use crate::envelope::Principal;
use crate::values::Note;
use countersign_canon::Digest;
use serde::{Deserialize, Serialize};

/// The `approval` block of an event that asks for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Which revision.
    pub revision: u32,
    /// The digest of everything there is to see of it.
    pub digest: Digest,
    /// The policy in force.
    pub policy: Policy,
    /// Who asked.
    pub author: Principal,
}

/// The `approval` block of an event that gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Which revision.
    pub revision: u32,
    /// The digest of what this person was shown.
    pub digest: Digest,
    /// Who gave it.
    pub by: Principal,
    /// The right with which they gave it.
    pub right: Right,
    /// What they could see of it at that moment: the rights that made the mask.
    pub seeing: Rights,
    /// The policy by which it counts.
    pub policy: String,
    /// That policy's version.
    pub policy_version: u32,
    /// The stage it counts in, from 0.
    pub stage: u32,
    /// Where it leaves the request.
    pub leaves: Progress,
    /// What it means, in words (F17.5).
    pub meaning: String,
    /// What they wrote with it.
    pub note: Option<Note>,
}

/// The `approval` block of an event that refuses it. The reason is mandatory (D13, F8.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Which revision.
    pub revision: u32,
    /// The digest of what this person was shown.
    pub digest: Digest,
    /// Who refused.
    pub by: Principal,
    /// The right with which they refused.
    pub right: Right,
    /// What they could see of it at that moment: the rights that made the mask.
    pub seeing: Rights,
    /// The policy by which it counts.
    pub policy: String,
    /// That policy's version.
    pub policy_version: u32,
    /// The stage in which they refused, from 0.
    pub stage: u32,
    /// Why.
    pub reason: Note,
}

/// The `approval` block of an event with which whoever asked takes the question back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recalled {
    /// Which revision.
    pub revision: u32,
    /// Who took it back.
    pub by: Principal,
}

/// Somebody's word on a revision, before it is known whether it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Whose.
    pub by: Principal,
    /// The right with which they speak.
    pub right: Right,
    /// What they can see of it: the rights that make the mask.
    pub seeing: Rights,
    /// The digest of what they were shown.
    pub digest: Digest,
}

impl Word {
    /// The word as an approval, with its meaning in words (F17.5).
    pub fn given(self, request: &Request, vote: Vote, meaning: &str, note: Option<Note>) -> Given {
        let Self { by, right, seeing, digest } = self;
        Given {
            revision: request.revision,
            digest,
            by,
            right,
            seeing,
            policy: request.policy.name().to_owned(),
            policy_version: request.policy.version(),
            stage: vote.stage,
            leaves: vote.leaves,
            meaning: meaning.to_owned(),
            note,
        }
    }

    /// The word as a refusal at a stage, with its reason.
    pub fn refusal(self, request: &Request, stage: u32, reason: Note) -> Refusal {
        let Self { by, right, seeing, digest } = self;
        Refusal {
            revision: request.revision,
            digest,
            by,
            right,
            seeing,
            policy: request.policy.name().to_owned(),
            policy_version: request.policy.version(),
            stage,
            reason,
        }
    }
}

impl Given {
    /// What this word did.
    pub fn vote(&self) -> Vote {
        Vote { stage: self.stage, leaves: self.leaves }
    }
}

impl From<&Asked> for Request {
    fn from(asked: &Asked) -> Self {
        Self::ask(asked.revision, asked.policy.clone(), asked.author)
    }
}
