//! A command on its way to the ledger.

use countersign_domain::envelope::{Actor, Principal, Provenance};
use countersign_domain::ids::{ClientId, CommandId, EventId, OrgId};
use countersign_domain::use_case::UseCase;
use countersign_domain::values::Timestamp;
use uuid::Uuid;

/// A command with everything that is recorded around it.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Whose ledger.
    pub org: OrgId,
    /// The command's id: the same id again is the same command again.
    pub command_id: CommandId,
    /// The request as it came in, canonical: two requests under one id must be equal here.
    pub request: Vec<u8>,
    /// What it comes to, step by step.
    pub use_case: UseCase,
    /// Who acts.
    pub actor: Actor,
    /// On whose behalf, where a token or a process acts.
    pub on_behalf_of: Option<Principal>,
    /// The client for which a portal user acts.
    pub acting_client: Option<ClientId>,
    /// The event that made a process send it.
    pub causation_id: Option<EventId>,
    /// What all commands and events of one errand share.
    pub correlation_id: Uuid,
    /// How the ledger comes to know of it.
    pub provenance: Provenance,
    /// When it is said to happen, in a simulated ledger; otherwise the clock tells.
    pub at: Option<Timestamp>,
}

impl Submission {
    /// A command of an actor, witnessed now, with no errand around it.
    pub fn new(org: OrgId, command_id: CommandId, actor: Actor, request: Vec<u8>, use_case: UseCase) -> Self {
        Self {
            org,
            command_id,
            request,
            use_case,
            actor,
            on_behalf_of: None,
            acting_client: None,
            causation_id: None,
            correlation_id: command_id.0,
            provenance: Provenance::Witnessed,
            at: None,
        }
    }
}
