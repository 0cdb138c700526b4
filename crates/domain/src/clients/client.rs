//! A client: a company that the firm serves.
//!
//! `Open`.
//!
//! 1. Only the firm's admins open and rename clients; a project manager works for those that are there.

use crate::access::{Action, Denied, Facts as AccessFacts};
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::ObjectRef;
use crate::ids::ClientId;
use crate::portal::StreamKind;
use crate::values::{Label, Timestamp};
use serde::{Deserialize, Serialize};

/// The aggregate.
#[derive(Debug)]
pub struct Client;

/// What may be asked of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Take it on.
    Open {
        /// Its name.
        name: Label,
    },
    /// Call it otherwise.
    Rename {
        /// Its new name.
        to: Label,
    },
}

/// What can have happened to a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// The firm took it on.
    #[serde(rename = "client.opened")]
    Opened {
        /// Its name.
        name: Label,
    },
    /// It is called otherwise.
    #[serde(rename = "client.renamed")]
    Renamed {
        /// What it was called.
        from: Label,
        /// What it is called.
        to: Label,
    },
}

/// What the rules remember of a client.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Not there yet.
    #[default]
    Unopened,
    /// There.
    Open {
        /// What it is called.
        name: Label,
    },
}

/// What the rules about a client must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// When.
    pub at: Timestamp,
    /// Who asks.
    pub access: AccessFacts,
}

/// Why something may not be done with a client.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no client with this id.
    #[error("there is no such client")]
    Unknown,
    /// Another client was opened under this id.
    #[error("another client was opened under this id")]
    AnotherClient,
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Unknown => "not_found",
            Self::AnotherClient => "client.another",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Unknown => RejectionKind::Unseen,
            Self::AnotherClient => RejectionKind::Rule,
        }
    }
}

impl Decider for Client {
    const KIND: StreamKind = StreamKind::Client;
    type Id = ClientId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(_: ClientId, _: &State, _: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        Ok(Facts { at: ledger.moment().at, access: AccessFacts::pull(ledger, None)? })
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Open { name } => open(state, facts, name),
            Command::Rename { to } => rename(state, facts, to),
        }
    }

    fn evolve(_: State, event: &Event) -> State {
        match event {
            Event::Opened { name } | Event::Renamed { to: name, .. } => State::Open { name: name.clone() },
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        match event {
            Event::Opened { .. } | Event::Renamed { .. } => vec![],
        }
    }
}

fn open(state: &State, facts: &Facts, name: Label) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_clients()?;
    match state {
        State::Unopened => Ok(vec![Event::Opened { name }]),
        State::Open { name: known } if *known == name => Ok(vec![]),
        State::Open { .. } => Err(Rejection::AnotherClient),
    }
}

fn rename(state: &State, facts: &Facts, to: Label) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_clients()?;
    match state {
        State::Unopened => Err(Rejection::Unknown),
        State::Open { name } if *name == to => Ok(vec![]),
        State::Open { name } => Ok(vec![Event::Renamed { from: name.clone(), to }]),
    }
}

impl Facts {
    fn may_manage_clients(&self) -> Result<(), Rejection> {
        self.access.may(Action::ManageOrganization, Action::ViewDirectory, self.at)?;
        Ok(())
    }
}

impl State {
    /// Whether the firm serves it.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Unopened => false,
            Self::Open { .. } => true,
        }
    }
}
