//! A mailbox: an address within the organization, and the one identity that signs in with it.
//!
//! `Free <-> Held`.
//!
//! 1. An address is one identity's at a time, staff or portal user, never two (F4.26).
//! 2. It is given back only once its holder is switched off.

use crate::access::{Action, Denied, Facts as AccessFacts};
use crate::clients::portal_user::PortalUser;
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{ObjectRef, Principal, Role};
use crate::firm::staff::Staff;
use crate::ids::{MailboxId, ProjectId};
use crate::portal::StreamKind;
use crate::values::Timestamp;
use serde::{Deserialize, Serialize};

/// The aggregate.
#[derive(Debug)]
pub struct Mailbox;

/// What may be asked of a mailbox.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Make it somebody's.
    Claim {
        /// Whose.
        by: Principal,
        /// The project for which a project manager invites its owner; an admin needs none (F4.4).
        project: Option<ProjectId>,
    },
    /// Give it back.
    Release {
        /// Whose it was.
        by: Principal,
    },
}

/// What can have happened to a mailbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It became somebody's.
    #[serde(rename = "mailbox.claimed")]
    Claimed {
        /// Whose.
        by: Principal,
    },
    /// It was given back.
    #[serde(rename = "mailbox.released")]
    Released {
        /// Whose it was.
        by: Principal,
    },
}

/// What the rules remember of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Nobody's.
    #[default]
    Free,
    /// Somebody's.
    Held {
        /// Whose.
        by: Principal,
    },
}

/// What the rules about a mailbox must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// When.
    pub at: Timestamp,
    /// Who asks, and the project in question.
    pub access: AccessFacts,
    /// Whether whoever is to give it back still needs it.
    pub still_needed: bool,
}

/// Why something may not be done with a mailbox.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is somebody else's.
    #[error("this address belongs to somebody else in the organization")]
    InUse {
        /// Whose; only staff ever gets this far.
        by: Principal,
    },
    /// Its holder is not switched off.
    #[error("whoever signs in with this address is not switched off")]
    StillNeeded,
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::InUse { .. } => "mailbox.in_use",
            Self::StillNeeded => "mailbox.still_needed",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::InUse { .. } | Self::StillNeeded => RejectionKind::Rule,
        }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::InUse { by } => {
                let holder = ObjectRef::principal(*by, Role::Holder);
                vec![("holder_kind", holder.kind.as_str().to_owned()), ("holder_id", holder.id.to_string())]
            }
            Self::Denied(_) | Self::StillNeeded => vec![],
        }
    }
}

impl Decider for Mailbox {
    const KIND: StreamKind = StreamKind::Mailbox;
    type Id = MailboxId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(_: MailboxId, _: &State, command: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let (project, still_needed) = match command {
            Command::Claim { project, .. } => (*project, false),
            Command::Release { by: Principal::Staff(id) } => (None, ledger.state::<Staff>(*id)?.needs_mailbox()),
            Command::Release { by: Principal::PortalUser(id) } => {
                (None, ledger.state::<PortalUser>(*id)?.needs_mailbox())
            }
        };
        Ok(Facts { at: ledger.moment().at, access: AccessFacts::pull(ledger, project)?, still_needed })
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Claim { by, .. } => claim(state, facts, by),
            Command::Release { by } => release(state, facts, by),
        }
    }

    fn evolve(_: State, event: &Event) -> State {
        match event {
            Event::Claimed { by } => State::Held { by: *by },
            Event::Released { .. } => State::Free,
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        match event {
            Event::Claimed { by } | Event::Released { by } => vec![ObjectRef::principal(*by, Role::Holder)],
        }
    }
}

fn claim(mailbox: &State, facts: &Facts, by: Principal) -> Result<Vec<Event>, Rejection> {
    facts.may_decide_about(by)?;
    match mailbox {
        State::Free => Ok(vec![Event::Claimed { by }]),
        State::Held { by: holder } if *holder == by => Ok(vec![]),
        State::Held { by: holder } => Err(Rejection::InUse { by: *holder }),
    }
}

fn release(mailbox: &State, facts: &Facts, by: Principal) -> Result<Vec<Event>, Rejection> {
    facts.may_decide_about(by)?;
    match mailbox {
        State::Free => Ok(vec![]),
        State::Held { by: holder } if *holder != by => Err(Rejection::InUse { by: *holder }),
        State::Held { .. } if facts.still_needed => Err(Rejection::StillNeeded),
        State::Held { .. } => Ok(vec![Event::Released { by }]),
    }
}

impl Facts {
    /// Whoever may add a person may decide which address is theirs.
    fn may_decide_about(&self, person: Principal) -> Result<(), Rejection> {
        let action = match person {
            Principal::Staff(_) => Action::ManageOrganization,
            Principal::PortalUser(_) => Action::ManageGuests,
        };
        self.access.may(action, Action::ViewDirectory, self.at)?;
        Ok(())
    }
}

impl State {
    /// Whose it is.
    pub fn holder(&self) -> Option<Principal> {
        match self {
            Self::Free => None,
            Self::Held { by } => Some(*by),
        }
    }
}
