//! A person as the access row knows them at the moment of asking.

use countersign_domain::envelope::Principal;
use countersign_domain::ids::{ClientId, PortalUserId, StaffId};
use uuid::Uuid;

/// Somebody who is active, and what access starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A member of the firm's staff.
    Staff {
        /// Who.
        id: StaffId,
        /// Their access level, by the name that the access row carries.
        level: String,
    },
    /// A person at a client.
    PortalUser {
        /// Who.
        id: PortalUserId,
        /// The client for which they act.
        client: ClientId,
    },
}

impl Subject {
    /// The person.
    pub fn principal(&self) -> Principal {
        match self {
            Self::Staff { id, .. } => Principal::Staff(*id),
            Self::PortalUser { id, .. } => Principal::PortalUser(*id),
        }
    }

    /// Reads an access row. A row that lacks what its kind always has is damage, not a person without rights.
    pub(crate) fn read(kind: &str, id: Uuid, level: Option<String>, client: Option<Uuid>) -> Result<Self, sqlx::Error> {
        match read_principal(kind, id)? {
            Principal::Staff(id) => {
                let level = level.ok_or_else(|| damaged("a staff member without access level"))?;
                Ok(Self::Staff { id, level })
            }
            Principal::PortalUser(id) => {
                let client = client.ok_or_else(|| damaged("a portal user without client"))?;
                Ok(Self::PortalUser { id, client: ClientId(client) })
            }
        }
    }
}

/// The person that two columns name.
pub(crate) fn read_principal(kind: &str, id: Uuid) -> Result<Principal, sqlx::Error> {
    match kind {
        "staff" => Ok(Principal::Staff(StaffId(id))),
        "portal_user" => Ok(Principal::PortalUser(PortalUserId(id))),
        _ => Err(damaged("a person of unknown kind")),
    }
}

/// The two columns that name a person.
pub(crate) fn principal_columns(principal: Principal) -> (&'static str, Uuid) {
    match principal {
        Principal::Staff(id) => ("staff", id.0),
        Principal::PortalUser(id) => ("portal_user", id.0),
    }
}

pub(crate) fn damaged(what: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}
