//! Tasks: what can follow from an event. Stored as ids and codes; personal values are looked up when a task is done.

use countersign_domain::access::Right;
use countersign_domain::envelope::{Provenance, Recorded};
use countersign_domain::ids::{EventId, InvitationId, InvoiceId, PersonId, PortalUserId, ProjectId};
use countersign_domain::values::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// When the event is said to have happened, if its ledger is simulated: what follows happens then, too.
    pub simulated_at: Option<Timestamp>,
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
            simulated_at: simulated.then_some(event.recorded_at),
        }
    }
}
