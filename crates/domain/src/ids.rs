//! Typed identifiers. Each is a UUID that cannot be mistaken for another kind's.
//!
//! New ids are made outside this crate (it has no randomness) and arrive as arguments.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

ids! {
    /// The firm: the tenant, and the boundary of every ledger.
    OrgId;
    /// A member of the firm's staff.
    StaffId;
    /// A company the firm serves.
    ClientId;
    /// A person at a client, with or without portal access. The subject of personal data.
    ContactId;
    /// A contact with portal access: guest, client user and requester are one and the same.
    PortalUserId;
    /// One invitation; a resend is a new one, which kills the earlier one's link.
    InvitationId;
    /// One address within an organization, named by a keyed hash of it.
    MailboxId;
    /// A project of the firm for a client.
    ProjectId;
    /// A line of a project's contract: what hours are booked on, at which rate.
    ContractLineId;
    /// One entry of time worked.
    TimeEntryId;
    /// One invoice.
    InvoiceId;
    /// One series of invoice numbers in one year.
    NumberSeriesId;
    /// One imported case of another system's history.
    CaseId;
    /// One recorded event.
    EventId;
    /// One command; the same id again is the same command again.
    CommandId;
}

/// A person of whom the ledger may hold personal data, each under a key of its own (F18.8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub Uuid);

impl From<ContactId> for PersonId {
    fn from(id: ContactId) -> Self {
        Self(id.0)
    }
}

impl From<StaffId> for PersonId {
    fn from(id: StaffId) -> Self {
        Self(id.0)
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
