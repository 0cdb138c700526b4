//! The people at clients, as far as they may stand here: their names are in `person_card`.

mod query;
mod table;

pub use query::{ContactView, by_mailbox, list};

use crate::projector::{Keys, Projector, Rows};
use countersign_domain::clients::contact::Event;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::{ClientId, ContactId, MailboxId};
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::Timestamp;
use serde::Serialize;

/// The read model.
#[derive(Debug)]
pub struct Contact;

/// A contact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContactRow {
    client: ClientId,
    mailbox: MailboxId,
    added_at: Timestamp,
}

impl Projector for Contact {
    type Key = ContactId;
    type Row = ContactRow;

    fn keys(event: &Recorded) -> Keys<ContactId> {
        let PortalEvent::Contact(_) = &event.event else { return Keys::none() };
        Keys::one(event.stream.id.into())
    }

    fn project(rows: &mut Rows<ContactId, ContactRow>, event: &Recorded) {
        let PortalEvent::Contact(contact) = &event.event else { return };
        match contact {
            Event::Added { client, mailbox, .. } => {
                let row = ContactRow { client: *client, mailbox: *mailbox, added_at: event.recorded_at };
                rows.put(event.stream.id.into(), row);
            }
        }
    }
}
