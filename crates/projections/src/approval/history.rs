//! Who approved what, when, with which right and on which revision: a row for every word, never changed.

mod query;
mod table;

pub use query::{ApprovalEntry, ApprovalFilter, approvals};

use crate::approval::approvable::Approvable;
use crate::approval::said::{AutoSend, Said, Step};
use crate::projector::{Keys, Projector, Rows};
use countersign_canon::Digest;
use countersign_domain::access::{Right, Rights};
use countersign_domain::approval::{Asked, Given, Recalled, Refusal};
use countersign_domain::envelope::{Actor, Principal, Recorded};
use countersign_domain::ids::{ClientId, ProjectId};
use countersign_domain::values::{Note, Timestamp};
use serde::{Deserialize, Serialize};

/// The read model.
#[derive(Debug)]
pub struct ApprovalHistory;

/// One word, as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApprovalHistoryRow {
    what: Approvable,
    project: ProjectId,
    client: ClientId,
    decided: Decided,
    by: Principal,
    at: Timestamp,
    word: Word,
}

/// What was decided about something approvable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// Approval was asked.
    Asked,
    /// Somebody agreed; others must, too.
    Given,
    /// Somebody agreed, and all is approved.
    Approved,
    /// Somebody refused.
    Refused,
    /// The question was taken back.
    Recalled,
}

/// Everything around a word that an auditor wants to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Word {
    actor: Actor,
    revision: u32,
    right: Option<Right>,
    seeing: Option<Rights>,
    digest: Option<Digest>,
    policy: Option<String>,
    policy_version: Option<u32>,
    stage: Option<u32>,
    meaning: Option<String>,
    note: Option<Note>,
    auto_send: bool,
}

impl Projector for ApprovalHistory {
    /// A place in the ledger.
    type Key = u64;
    type Row = ApprovalHistoryRow;

    fn keys(event: &Recorded) -> Keys<u64> {
        Step::of(event).map_or_else(Keys::none, |_| Keys::one(event.position))
    }

    fn project(rows: &mut Rows<u64, ApprovalHistoryRow>, event: &Recorded) {
        let Some(Step { what, project, client, said }) = Step::of(event) else { return };
        let actor = event.actor.clone();
        let (decided, by, word) = match said {
            Said::Asked(asked) => (Decided::Asked, asked.author, Word::asked(actor, asked)),
            Said::Given(given) => (Decided::Given, given.by, Word::given(actor, given)),
            Said::Approved(given, auto_send) => {
                let word = Word { auto_send: auto_send == AutoSend::Yes, ..Word::given(actor, given) };
                (Decided::Approved, given.by, word)
            }
            Said::Refused(refusal) => (Decided::Refused, refusal.by, Word::refused(actor, refusal)),
            Said::Recalled(recalled) => (Decided::Recalled, recalled.by, Word::recalled(actor, recalled)),
        };
        let at = event.recorded_at;
        rows.put(event.position, ApprovalHistoryRow { what, project, client, decided, by, at, word });
    }
}

impl Word {
    fn on(actor: Actor, revision: u32) -> Self {
        Self {
            actor,
            revision,
            right: None,
            seeing: None,
            digest: None,
            policy: None,
            policy_version: None,
            stage: None,
            meaning: None,
            note: None,
            auto_send: false,
        }
    }

    fn asked(actor: Actor, asked: &Asked) -> Self {
        Self {
            digest: Some(asked.digest),
            policy: Some(asked.policy.name().to_owned()),
            policy_version: Some(asked.policy.version()),
            ..Self::on(actor, asked.revision)
        }
    }

    fn given(actor: Actor, given: &Given) -> Self {
        Self {
            right: Some(given.right),
            seeing: Some(given.seeing.clone()),
            digest: Some(given.digest),
            policy: Some(given.policy.clone()),
            policy_version: Some(given.policy_version),
            stage: Some(given.stage),
            meaning: Some(given.meaning.clone()),
            note: given.note.clone(),
            ..Self::on(actor, given.revision)
        }
    }

    fn refused(actor: Actor, refusal: &Refusal) -> Self {
        Self {
            right: Some(refusal.right),
            seeing: Some(refusal.seeing.clone()),
            digest: Some(refusal.digest),
            policy: Some(refusal.policy.clone()),
            policy_version: Some(refusal.policy_version),
            stage: Some(refusal.stage),
            note: Some(refusal.reason.clone()),
            ..Self::on(actor, refusal.revision)
        }
    }

    fn recalled(actor: Actor, recalled: &Recalled) -> Self {
        Self::on(actor, recalled.revision)
    }
}
