//! A contact: a person at a client, with or without portal access.
//!
//! `Known`, for ever.
//!
//! 1. A contact is at exactly one client, which must be there first (F3.2, F3.4).
//! 2. A project manager adds people only at the client of a project of their own (F4.4, F4.5).

use crate::access::{Action, Denied, Facts as AccessFacts};
use crate::clients::client::Client;
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{ObjectKind, ObjectRef, Role};
use crate::ids::{ClientId, ContactId, MailboxId, ProjectId};
use crate::personal::Personal;
use crate::portal::StreamKind;
use crate::values::{Email, Label, Timestamp};
use serde::{Deserialize, Serialize};

/// The aggregate.
#[derive(Debug)]
pub struct Contact;

/// What may be asked of a contact.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Put the person on record (F4.5).
    Add {
        /// The client at which they are.
        client: ClientId,
        /// Their name.
        name: Personal<Label>,
        /// Their address.
        email: Personal<Email>,
        /// The same address, as the ledger names it.
        mailbox: MailboxId,
        /// The project for which a project manager adds them; an admin needs none (F4.4).
        project: Option<ProjectId>,
    },
}

/// What can have happened to a contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// The person was put on record.
    #[serde(rename = "contact.added")]
    Added {
        /// The client at which they are.
        client: ClientId,
        /// Their name.
        name: Personal<Label>,
        /// Their address.
        email: Personal<Email>,
        /// The same address, as the ledger names it.
        mailbox: MailboxId,
    },
}

/// What the rules remember of a contact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Nobody yet.
    #[default]
    Unknown,
    /// Somebody.
    Known {
        /// The client at which they are.
        client: ClientId,
        /// Their address.
        mailbox: MailboxId,
    },
}

/// What the rules about a contact must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// When.
    pub at: Timestamp,
    /// Who asks, and the project in question.
    pub access: AccessFacts,
    /// Whether the client named is there.
    pub client_is_open: bool,
}

/// Why something may not be done with a contact.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The client is not there.
    #[error("there is no such client")]
    UnknownClient,
    /// The project named is another client's.
    #[error("this person is not at the client that the project is for")]
    ClientDiffers,
    /// Another person is on record under this id.
    #[error("this contact is somebody else")]
    SomebodyElse,
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::UnknownClient => "contact.unknown_client",
            Self::ClientDiffers => "contact.client_differs",
            Self::SomebodyElse => "contact.somebody_else",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::UnknownClient | Self::ClientDiffers | Self::SomebodyElse => RejectionKind::Rule,
        }
    }
}

impl Decider for Contact {
    const KIND: StreamKind = StreamKind::Contact;
    type Id = ContactId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(_: ContactId, _: &State, command: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let Command::Add { client, project, .. } = command;
        Ok(Facts {
            at: ledger.moment().at,
            access: AccessFacts::pull(ledger, *project)?,
            client_is_open: ledger.state::<Client>(*client)?.is_open(),
        })
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Add { client, name, email, mailbox, .. } => {
                facts.may_add_at(client)?;
                add(state, facts, Event::Added { client, name, email, mailbox })
            }
        }
    }

    fn evolve(_: State, event: &Event) -> State {
        match event {
            Event::Added { client, mailbox, .. } => State::Known { client: *client, mailbox: *mailbox },
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        match event {
            Event::Added { client, mailbox, .. } => vec![
                ObjectRef::new(ObjectKind::Client, *client, Role::Client),
                ObjectRef::new(ObjectKind::Mailbox, *mailbox, Role::Mailbox),
            ],
        }
    }
}

/// A person is put on record once; the same person again, however their name is written, changes nothing.
fn add(state: &State, facts: &Facts, added: Event) -> Result<Vec<Event>, Rejection> {
    let same = Contact::evolve(State::Unknown, &added);
    match state {
        State::Known { .. } if *state == same => Ok(vec![]),
        State::Known { .. } => Err(Rejection::SomebodyElse),
        State::Unknown if !facts.client_is_open => Err(Rejection::UnknownClient),
        State::Unknown => Ok(vec![added]),
    }
}

impl Facts {
    /// A project manager adds people for an own project, and only at that project's client (F4.4).
    fn may_add_at(&self, client: ClientId) -> Result<(), Rejection> {
        self.access.may(Action::ManageGuests, Action::ViewDirectory, self.at)?;
        match &self.access.project {
            Some(project) if project.client != client => Err(Rejection::ClientDiffers),
            Some(_) | None => Ok(()),
        }
    }
}

impl State {
    /// The client at which they are, if there is anybody.
    pub fn client(&self) -> Option<ClientId> {
        match self {
            Self::Unknown => None,
            Self::Known { client, .. } => Some(*client),
        }
    }
}
