//! Tasks: what can follow from an event. Stored as ids and codes; personal values are looked up when a task is done.

use countersign_domain::access::Right;
use countersign_domain::envelope::{Provenance, Recorded};
use countersign_domain::ids::{EventId, InvitationId, InvoiceId, PersonId, PortalUserId, ProjectId};
use countersign_domain::values::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The tasks that end in somebody's mailbox, as the agenda names them.
pub(crate) const MAILS: [&str; 3] = ["mail_invitation", "mail_approval_asked", "ask_for_approval"];

/// Something to do, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Follows from the event: the same event leads to the same item. A command's id, a mail's message id.
    pub id: Uuid,
    /// Not before.
    pub due_at: Timestamp,
    /// What.
    pub task: Task,
    /// What it follows from.
    pub cause: Cause,
}

/// What a task follows from: the event, and how it came to be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The event.
    pub event: EventId,
    /// The errand that it belongs to.
    pub correlation: Uuid,
    /// Its place in the ledger, so that whoever asks the read models knows when they know of it. Items of older versions
    /// do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// When the event is said to have happened, if its ledger is simulated: what follows happens then, too, or once its
    /// time has come.
    pub simulated_at: Option<Timestamp>,
}

/// What doing a task comes to: whatever goes out to a mail server waits for that, and nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A command, or only rows of our own.
    Here,
    /// Mail.
    Mail,
}

/// What is to be done. Wire names, for as long as an agenda holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// Send an invoice whose approval carries the right to (F10.6).
    SendInvoice {
        /// Which one.
        invoice: InvoiceId,
    },
    /// Record that an invitation's time is over (F4.23).
    ExpireInvitation {
        /// Whose.
        portal_user: PortalUserId,
        /// Which one.
        invitation: InvitationId,
    },
    /// Mail the link of an invitation (F4.9).
    MailInvitation(InvitationMail),
    /// Tell everybody who may decide that something waits for them (F16.3); becomes one mail a person.
    AskForApproval {
        /// On which project.
        project: ProjectId,
        /// What waits.
        waiting: Waiting,
    },
    /// Mail one person that something waits for them.
    MailApprovalAsked {
        /// To whom.
        portal_user: PortalUserId,
        /// On which project.
        project: ProjectId,
        /// What waits.
        waiting: Waiting,
    },
}

/// The link of an invitation, on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationMail {
    /// To whom.
    pub person: PersonId,
    /// Which one.
    pub invitation: InvitationId,
    /// What the link's secret is made from, together with the server's key.
    pub nonce: String,
    /// The first moment at which the link no longer counts.
    pub expires_at: Timestamp,
}

/// What waits for a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "id", rename_all = "snake_case")]
pub enum Waiting {
    /// An invoice.
    Invoice(InvoiceId),
    /// Time on a project.
    Time,
}

impl Errand {
    /// The kinds of tasks that are of this sort, as the agenda names them.
    pub(crate) fn kinds(self) -> Vec<String> {
        let kinds: &[&str] = match self {
            Self::Here => &["send_invoice", "expire_invitation", "ask_for_approval"],
            Self::Mail => &["mail_invitation", "mail_approval_asked"],
        };
        kinds.iter().map(|&kind| kind.to_owned()).collect()
    }
}

impl Waiting {
    /// The right that it takes to decide.
    pub fn right(self) -> Right {
        match self {
            Self::Invoice(_) => Right::ApproveInvoices,
            Self::Time => Right::ApproveTime,
        }
    }
}

impl Cause {
    /// An event as a cause.
    pub fn of(event: &Recorded) -> Self {
        let simulated = event.provenance == Provenance::Simulated;
        Self {
            event: event.event_id,
            correlation: event.correlation_id,
            position: Some(event.position),
            simulated_at: simulated.then_some(event.recorded_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new task says here, and in `Errand::kinds`, what doing it comes to.
    fn errand(task: &Task) -> Errand {
        match task {
            Task::SendInvoice { .. } | Task::ExpireInvitation { .. } | Task::AskForApproval { .. } => Errand::Here,
            Task::MailInvitation(_) | Task::MailApprovalAsked { .. } => Errand::Mail,
        }
    }

    /// A new task says here, and in `MAILS`, whether somebody is written to in the end.
    fn writes_to_somebody(task: &Task) -> bool {
        match task {
            Task::MailInvitation(_) | Task::MailApprovalAsked { .. } | Task::AskForApproval { .. } => true,
            Task::SendInvoice { .. } | Task::ExpireInvitation { .. } => false,
        }
    }

    #[test]
    fn every_task_is_found_under_the_kind_of_errand_that_it_is() {
        let (portal_user, project) = (PortalUserId(Uuid::nil()), ProjectId(Uuid::nil()));
        let mail = InvitationMail {
            person: PersonId(Uuid::nil()),
            invitation: InvitationId(Uuid::nil()),
            nonce: String::new(),
            expires_at: "2026-03-02T09:00:00Z".parse().unwrap(),
        };
        let tasks = [
            Task::SendInvoice { invoice: InvoiceId(Uuid::nil()) },
            Task::ExpireInvitation { portal_user, invitation: mail.invitation },
            Task::MailInvitation(mail),
            Task::AskForApproval { project, waiting: Waiting::Time },
            Task::MailApprovalAsked { portal_user, project, waiting: Waiting::Time },
        ];
        let found: usize = [Errand::Here, Errand::Mail].map(|errand| errand.kinds().len()).iter().sum();
        assert_eq!(found, tasks.len());
        for task in tasks {
            let kind = serde_json::to_value(&task).unwrap()["kind"].as_str().unwrap().to_owned();
            assert!(errand(&task).kinds().contains(&kind), "{kind}");
            assert_eq!(writes_to_somebody(&task), MAILS.contains(&kind.as_str()), "{kind}");
        }
    }
}
