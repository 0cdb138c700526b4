//! Whose rows, and for whom: what every statement on a read model takes first.

use countersign_domain::envelope::Principal;
use countersign_domain::ids::{ClientId, OrgId};
use uuid::Uuid;

/// One organization's rows in one generation of a group: what the engine works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Generation {
    /// Whose rows.
    pub org: OrgId,
    /// Which copy of the group.
    pub number: i32,
}

/// Who reads, and where: what every question takes first, so that one which forgets the tenant does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The organization.
    pub org: OrgId,
    /// Who asks.
    pub asker: Asker,
    /// The client for which a portal user acts.
    pub acting_client: Option<ClientId>,
}

/// Who asks a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A person: sees what the ledger lets them see at this moment.
    Person(Principal),
    /// Whoever operates the installation, at its command line.
    Operator,
}

impl Scope {
    /// A person's question.
    pub fn person(org: OrgId, who: Principal, acting_client: Option<ClientId>) -> Self {
        Self { org, asker: Asker::Person(who), acting_client }
    }

    /// The operator's question, at the command line.
    pub fn operator(org: OrgId) -> Self {
        Self { org, asker: Asker::Operator, acting_client: None }
    }

    /// The asker's kind, as the access rows name it.
    pub(crate) fn asker_kind(&self) -> &'static str {
        match self.asker {
            Asker::Person(Principal::Staff(_)) => "staff",
            Asker::Person(Principal::PortalUser(_)) => "portal_user",
            Asker::Operator => "operator",
        }
    }

    /// The asker's id; nobody's for the operator.
    pub(crate) fn asker_id(&self) -> Uuid {
        match self.asker {
            Asker::Person(Principal::Staff(id)) => id.0,
            Asker::Person(Principal::PortalUser(id)) => id.0,
            Asker::Operator => Uuid::nil(),
        }
    }
}
