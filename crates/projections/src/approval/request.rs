//! The last question asked about everything approvable: open, with the stage whose turn it is, or how it ended.

mod query;
#[cfg(test)]
mod spec;
mod table;

pub use query::{Awaiting, AwaitingApproval, awaiting_my_approval};

use crate::approval::approvable::Approvable;
use crate::approval::said::{Said, Step};
use crate::projector::{Keys, Projector, Rows};
use countersign_domain::approval::{Asked, Given, Policy, Progress, Stage};
use countersign_domain::envelope::{Principal, Recorded};
use countersign_domain::ids::{ClientId, ProjectId};
use countersign_domain::values::Timestamp;
use serde::{Deserialize, Serialize};

/// The read model.
#[derive(Debug)]
pub struct ApprovalRequest;

/// A question that is open, or how it ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApprovalRequestRow {
    project: ProjectId,
    client: ClientId,
    revision: u32,
    standing: Standing,
    asked_at: Timestamp,
    closed_at: Option<Timestamp>,
    question: Question,
}

/// What was asked, and how far it got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Question {
    asked_by: Principal,
    policy: Policy,
    /// The stage that is open, from 0; the number of stages once all are complete.
    stage: u32,
    /// Who has agreed so far.
    given: Vec<Principal>,
}

/// How a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Open,
    Approved,
    Refused,
    Recalled,
}

impl Projector for ApprovalRequest {
    type Key = Approvable;
    type Row = ApprovalRequestRow;

    fn keys(event: &Recorded) -> Keys<Approvable> {
        Step::of(event).map_or_else(Keys::none, |step| Keys::one(step.what))
    }

    fn project(rows: &mut Rows<Approvable, ApprovalRequestRow>, event: &Recorded) {
        let Some(Step { what, project, client, said }) = Step::of(event) else { return };
        let at = event.recorded_at;
        match said {
            Said::Asked(asked) => rows.put(what, ApprovalRequestRow::asked(project, client, asked, at)),
            Said::Given(given) => rows.change(&what, |row| row.count(given)),
            Said::Approved(given, _) => rows.change(&what, |row| {
                row.count(given);
                row.close(Standing::Approved, at);
            }),
            Said::Refused(_) => rows.change(&what, |row| row.close(Standing::Refused, at)),
            Said::Recalled(_) => rows.change(&what, |row| row.close(Standing::Recalled, at)),
        }
    }
}

impl ApprovalRequestRow {
    fn asked(project: ProjectId, client: ClientId, asked: &Asked, at: Timestamp) -> Self {
        let Asked { revision, policy, author, .. } = asked;
        let question = Question { asked_by: *author, policy: policy.clone(), stage: 0, given: Vec::new() };
        let (revision, standing) = (*revision, Standing::Open);
        Self { project, client, revision, standing, asked_at: at, closed_at: None, question }
    }

    fn count(&mut self, given: &Given) {
        self.question.given.push(given.by);
        self.question.stage = match given.leaves {
            Progress::StageOpen => given.stage,
            Progress::StageComplete => given.stage.saturating_add(1),
            Progress::Complete => self.question.policy.stage_count(),
        };
    }

    fn close(&mut self, standing: Standing, at: Timestamp) {
        self.standing = standing;
        self.closed_at = Some(at);
    }
}

impl Question {
    /// The stage whose turn it is, while there is one.
    fn open_stage(&self) -> Option<&Stage> {
        self.policy.stages().get(self.stage as usize)
    }
}
