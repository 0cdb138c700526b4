//! What can be put up for approval.

use countersign_domain::access::Action;
use countersign_domain::envelope::ObjectKind;
use countersign_domain::ids::{InvoiceId, TimeEntryId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Something that can be put up for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "object_kind", content = "object_id", rename_all = "snake_case")]
pub enum Approvable {
    /// An invoice.
    Invoice(InvoiceId),
    /// A time entry.
    TimeEntry(TimeEntryId),
}

impl Approvable {
    /// What deciding on it is, to `access::decide`.
    pub fn action(self) -> Action {
        match self {
            Self::Invoice(_) => Action::ApproveInvoices,
            Self::TimeEntry(_) => Action::ApproveTime,
        }
    }

    /// Its kind.
    pub fn kind(self) -> ObjectKind {
        match self {
            Self::Invoice(_) => ObjectKind::Invoice,
            Self::TimeEntry(_) => ObjectKind::TimeEntry,
        }
    }

    /// Its id.
    pub fn id(self) -> Uuid {
        match self {
            Self::Invoice(id) => id.0,
            Self::TimeEntry(id) => id.0,
        }
    }

    /// What stands under a kind and an id, if that kind can be approved.
    pub(crate) fn of(kind: &str, id: Uuid) -> Result<Self, serde_json::Error> {
        serde_json::from_value(json!({ "object_kind": kind, "object_id": id }))
    }
}
