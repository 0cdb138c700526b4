//! The envelope: everything that is recorded around what happened. Its names on the wire are for ever.

use crate::ids::{ClientId, CommandId, EventId, OrgId, PortalUserId, StaffId};
use crate::portal::{PortalEvent, StreamId};
use crate::values::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event as it stands in a ledger.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The organization whose ledger holds it.
    pub org: OrgId,
    /// Its place in the ledger: 1..n without gaps.
    pub position: u64,
    /// Its own id.
    pub event_id: EventId,
    /// The aggregate it happened to.
    pub stream: StreamId,
    /// Its place in that aggregate's stream: 1..n without gaps.
    pub version: u64,
    /// When it was recorded; never earlier than the event before it.
    pub recorded_at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// The client for which a portal user acted.
    pub acting_client: Option<ClientId>,
    /// On whose behalf a token or a process acted.
    pub on_behalf_of: Option<Principal>,
    /// The command that it came from.
    pub command_id: CommandId,
    /// The event that made a process send that command.
    pub causation_id: Option<EventId>,
    /// What all commands and events of one errand share.
    pub correlation_id: Uuid,
    /// How the ledger came to know of it.
    pub provenance: Provenance,
    /// Every object that it concerns, the aggregate itself first.
    pub objects: Vec<ObjectRef>,
    /// What happened.
    pub event: PortalEvent,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// A member of the firm's staff.
    Staff(StaffId),
    /// A person at a client.
    PortalUser(PortalUserId),
    /// An API token, on behalf of its owner.
    Token(Uuid),
    /// A process of ours, by name.
    Process(ProcessName),
    /// The import of another system's history.
    Importer,
    /// Whoever operates the installation, at its command line.
    Operator,
}

/// A person who can hold rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Principal {
    /// A member of the firm's staff.
    Staff(StaffId),
    /// A person at a client.
    PortalUser(PortalUserId),
}

/// Our processes, each with the name under which it stands in ledgers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessName {
    /// Sends an invoice when an approval that carries the right to do so is given (F10.6).
    AutoSend,
    /// Ends invitations whose time is over (F4.23).
    InvitationExpiry,
}

/// How the ledger came to know of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Provenance {
    /// Decided here, when it says.
    Witnessed,
    /// Taken over from another system's record (F18.9).
    Imported {
        /// Which record: the log's name.
        source: String,
        /// When it happened by that record, as the record writes it.
        original_time: Option<String>,
    },
    /// Made up, in a ledger whose first event says so: the demo's.
    Simulated,
}

/// An object that an event concerns, and as what.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// What it is.
    pub kind: ObjectKind,
    /// Which one.
    pub id: Uuid,
    /// The part it plays: `subject` is the aggregate itself; the others say what they are to it.
    pub role: Role,
}

/// Kinds of objects by which a history can be asked for. Wire names, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// The firm.
    Organization,
    /// A staff member.
    Staff,
    /// A client company.
    Client,
    /// A person at a client.
    Contact,
    /// A portal user.
    PortalUser,
    /// A mailbox.
    Mailbox,
    /// The seats of the plan.
    Seats,
    /// A project.
    Project,
    /// A contract line.
    ContractLine,
    /// A time entry.
    TimeEntry,
    /// An invoice.
    Invoice,
    /// A series of invoice numbers.
    NumberSeries,
    /// An invitation.
    Invitation,
    /// An imported case.
    Case,
}

/// The part an object plays in an event. Wire names, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The aggregate to which it happened.
    Subject,
    /// The client it is for.
    Client,
    /// The contact behind it.
    Contact,
    /// The project it belongs to.
    Project,
    /// The contract line it is booked on.
    ContractLine,
    /// The time that it charges.
    Charged,
    /// Who wrote or submitted it.
    Author,
    /// Who decided.
    Approver,
    /// Who gets or loses a right.
    Holder,
    /// Who manages it.
    Manager,
    /// The address it goes to.
    Mailbox,
    /// The invitation it is about.
    Invitation,
    /// The invoice it is about.
    Invoice,
    /// The series its number comes from.
    Series,
}

impl ObjectRef {
    /// An object in a role.
    pub fn new(kind: ObjectKind, id: impl Into<Uuid>, role: Role) -> Self {
        Self { kind, id: id.into(), role }
    }

    /// A person in a role.
    pub fn principal(principal: Principal, role: Role) -> Self {
        match principal {
            Principal::Staff(id) => Self::new(ObjectKind::Staff, id, role),
            Principal::PortalUser(id) => Self::new(ObjectKind::PortalUser, id, role),
        }
    }
}

impl ObjectKind {
    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Staff => "staff",
            Self::Client => "client",
            Self::Contact => "contact",
            Self::PortalUser => "portal_user",
            Self::Mailbox => "mailbox",
            Self::Seats => "seats",
            Self::Project => "project",
            Self::ContractLine => "contract_line",
            Self::TimeEntry => "time_entry",
            Self::Invoice => "invoice",
            Self::NumberSeries => "number_series",
            Self::Invitation => "invitation",
            Self::Case => "case",
        }
    }
}

impl Role {
    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Client => "client",
            Self::Contact => "contact",
            Self::Project => "project",
            Self::ContractLine => "contract_line",
            Self::Charged => "charged",
            Self::Author => "author",
            Self::Approver => "approver",
            Self::Holder => "holder",
            Self::Manager => "manager",
            Self::Mailbox => "mailbox",
            Self::Invitation => "invitation",
            Self::Invoice => "invoice",
            Self::Series => "series",
        }
    }
}

impl ProcessName {
    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AutoSend => "auto_send",
            Self::InvitationExpiry => "invitation_expiry",
        }
    }
}
