//! How an object is named in a question: its kind and its id, as `invoice:0199…`.

use countersign_domain::envelope::{ObjectKind, Principal};
use countersign_domain::ids::{InvoiceId, PortalUserId, StaffId, TimeEntryId};
use countersign_projections::approval::Approvable;
use serde::Deserialize;
use uuid::Uuid;

/// An object of any kind, `kind:id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ObjectName {
    pub(crate) kind: ObjectKind,
    pub(crate) id: Uuid,
}

/// Something that can be put up for approval, `kind:id`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "ObjectName")]
pub(crate) struct ApprovableName(pub(crate) Approvable);

/// A person who can hold rights, `kind:id`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "ObjectName")]
pub(crate) struct PersonName(pub(crate) Principal);

/// Why a text names nothing of the kind that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAName {
    #[error("name an object by kind and id, like invoice:01890a5d-ac96-774b-bcce-b302099a8057")]
    Object,
    #[error("approval is asked for invoice:ID and time_entry:ID")]
    Approvable,
    #[error("a person is staff:ID or portal_user:ID")]
    Person,
}

impl TryFrom<String> for ObjectName {
    type Error = NotAName;
    fn try_from(text: String) -> Result<Self, NotAName> {
        let (kind, id) = text.split_once(':').ok_or(NotAName::Object)?;
        let kind = serde_json::from_value(kind.into()).map_err(|_| NotAName::Object)?;
        Ok(Self { kind, id: id.parse().map_err(|_| NotAName::Object)? })
    }
}

impl TryFrom<ObjectName> for ApprovableName {
    type Error = NotAName;
    fn try_from(name: ObjectName) -> Result<Self, NotAName> {
        if name.kind == ObjectKind::Invoice {
            Ok(Self(Approvable::Invoice(InvoiceId(name.id))))
        } else if name.kind == ObjectKind::TimeEntry {
            Ok(Self(Approvable::TimeEntry(TimeEntryId(name.id))))
        } else {
            Err(NotAName::Approvable)
        }
    }
}

impl TryFrom<ObjectName> for PersonName {
    type Error = NotAName;
    fn try_from(name: ObjectName) -> Result<Self, NotAName> {
        if name.kind == ObjectKind::Staff {
            Ok(Self(Principal::Staff(StaffId(name.id))))
        } else if name.kind == ObjectKind::PortalUser {
            Ok(Self(Principal::PortalUser(PortalUserId(name.id))))
        } else {
            Err(NotAName::Person)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_by_its_kind_and_id() {
        let id = Uuid::from_u128(7);
        let name = ObjectName::try_from(format!("invoice:{id}"));
        assert_eq!(name, Ok(ObjectName { kind: ObjectKind::Invoice, id }));
        for bad in ["invoice", "invoice:7", "Invoice:00000000-0000-0000-0000-000000000007", ":", "house:1"] {
            assert_eq!(ObjectName::try_from(bad.to_owned()), Err(NotAName::Object), "{bad}");
        }
    }
}
