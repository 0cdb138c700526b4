//! Errands about clients.

use crate::clients::client::{self, Client};
use crate::clients::contact::{self, Contact};
use crate::ids::{ClientId, ContactId, MailboxId, ProjectId};
use crate::personal::Personal;
use crate::use_case::UseCase;
use crate::values::{Email, Label};

/// Takes a client on.
pub fn open_client(client: ClientId, name: Label) -> UseCase {
    UseCase::single::<Client>("OpenClient", client, client::Command::Open { name })
}

/// Calls a client otherwise.
pub fn rename_client(client: ClientId, to: Label) -> UseCase {
    UseCase::single::<Client>("RenameClient", client, client::Command::Rename { to })
}

/// A person at a client, without access to the portal.
#[derive(Clone, Debug)]
pub struct AddContact {
    /// Who.
    pub contact: ContactId,
    /// The client at which they are.
    pub client: ClientId,
    /// Their name.
    pub name: Label,
    /// Their address.
    pub email: Email,
    /// The same address, as the ledger names it.
    pub mailbox: MailboxId,
    /// The project for which a project manager adds them; an admin needs none (F4.4).
    pub project: Option<ProjectId>,
}

/// Puts a person at a client on record (F3.1).
pub fn add_contact(command: AddContact) -> UseCase {
    let AddContact { contact, client, name, email, mailbox, project } = command;
    let name = Personal::about(contact, name);
    let email = Personal::about(contact, email);
    let add = contact::Command::Add { client, name, email, mailbox, project };
    UseCase::single::<Contact>("AddContact", contact, add)
}
