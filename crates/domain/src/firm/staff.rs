//! A member of the firm's staff.
//!
//! `Invited -> Active -> Inactive`, and back; who never joined comes back as Awaiting, until invited again.
//!
//! 1. Staff are never portal users: one address is one identity within an organization (F4.26).
//! 2. Nobody switches off or demotes themself. Whoever does it to another is an active admin and stays one, so an
//!    organization that has an admin always keeps one; nobody but the operator could take the last.
//! 3. An auditor reads everything and writes nothing (F2.23); a level is one level, never two.
//! 4. At most one invitation is live; only that one, while its time is not over, lets somebody join, once.

use crate::access::{Action, Denied, Facts as AccessFacts, Subject};
use crate::clients::mailbox::Mailbox;
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{ObjectKind, ObjectRef, Principal, Role};
use crate::ids::{InvitationId, MailboxId, StaffId};
use crate::personal::Personal;
use crate::portal::StreamKind;
use crate::values::{Email, Label, Timestamp};
use serde::{Deserialize, Serialize};

/// The aggregate.
#[derive(Debug)]
pub struct Staff;

/// Access levels (F2). Wire names, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything in the organization, but no word in a client's name (F2.18).
    Admin,
    /// Full rights on the projects they manage (F2.7).
    ProjectManager,
    /// Reads everything, writes nothing (F2.23).
    Auditor,
}

impl Level {
    /// Every level there is.
    pub const ALL: [Self; 3] = [Self::Admin, Self::ProjectManager, Self::Auditor];

    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ProjectManager => "project_manager",
            Self::Auditor => "auditor",
        }
    }

    /// The level with a wire name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}

/// What may be asked of a staff member.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Add somebody, with the invitation with which they set a password.
    Add {
        /// Their access level.
        level: Level,
        /// Their name.
        name: Personal<Label>,
        /// Their address.
        email: Personal<Email>,
        /// The same address, as the ledger names it.
        mailbox: MailboxId,
        /// Their invitation.
        invitation: Invitation,
    },
    /// Send another invitation; it kills the one before it.
    Invite(Invitation),
    /// They set a password and join.
    Join {
        /// The invitation whose link they followed.
        invitation: InvitationId,
    },
    /// Give them another access level.
    SetLevel(Level),
    /// Switch the account off.
    Deactivate,
    /// Switch it on again.
    Reactivate,
}

/// An invitation to staff has the same shape as one to a guest.
pub type Invitation = crate::clients::portal_user::Invitation;

/// What can have happened to a staff member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Somebody was added.
    #[serde(rename = "staff.added")]
    Added {
        /// Their access level.
        level: Level,
        /// Their name.
        name: Personal<Label>,
        /// Their address.
        email: Personal<Email>,
        /// The same address, as the ledger names it.
        mailbox: MailboxId,
        /// Their invitation.
        invitation: Invitation,
    },
    /// Another invitation was issued.
    #[serde(rename = "staff.invited")]
    Invited {
        /// The address it goes to.
        mailbox: MailboxId,
        /// The invitation.
        invitation: Invitation,
        /// The one that it replaces and kills.
        replaces: Option<InvitationId>,
    },
    /// They joined.
    #[serde(rename = "staff.joined")]
    Joined {
        /// The invitation that they accepted.
        invitation: InvitationId,
    },
    /// Their access level was changed.
    #[serde(rename = "staff.level_set")]
    LevelSet {
        /// What it was.
        from: Level,
        /// What it is.
        to: Level,
    },
    /// The account was switched off.
    #[serde(rename = "staff.deactivated")]
    Deactivated {},
    /// The account was switched on again.
    #[serde(rename = "staff.reactivated")]
    Reactivated {},
}

/// What the rules remember of a staff member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Nobody yet.
    #[default]
    Unknown,
    /// Somebody.
    Known {
        /// Their access level.
        level: Level,
        /// Their address.
        mailbox: MailboxId,
        /// The invitation that they accepted, if they did.
        accepted: Option<InvitationId>,
        /// Where they stand.
        phase: Phase,
    },
}

/// Where a staff member stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Never joined, and no invitation is live: switched off before joining, and on again.
    Awaiting,
    /// Invited, has not joined yet.
    Invited(Invitation),
    /// At work.
    Active,
    /// Switched off.
    Inactive,
}

/// What the rules about staff must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// When.
    pub at: Timestamp,
    /// Who asks.
    pub access: AccessFacts,
    /// Whether whoever asks is the staff member in question.
    pub oneself: bool,
    /// Whether the address in question is claimed for this staff member.
    pub holds_mailbox: bool,
}

/// Why something may not be done with a staff member.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is nobody with this id.
    #[error("there is no such staff member")]
    Unknown,
    /// Another person was added under this id.
    #[error("this staff member is somebody else")]
    SomebodyElse,
    /// The address is not theirs: never claimed, or given to somebody else meanwhile (F4.26).
    #[error("the address is not claimed for this staff member")]
    MailboxNotTheirs,
    /// Invariant 2.
    #[error("nobody may switch off their own account or change their own access level")]
    NotOneself,
    /// A newer invitation took its place, or the account was switched off.
    #[error("this invitation was replaced by a newer one or taken back")]
    InvitationNoLongerCounts,
    /// Its time is over.
    #[error("this invitation expired")]
    InvitationExpired,
    /// They have joined already; there is nothing left to invite to.
    #[error("this staff member has joined already")]
    AlreadyJoined,
    /// The account is switched off: reactivate it first.
    #[error("this staff member is inactive")]
    Inactive,
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Unknown => "not_found",
            Self::SomebodyElse => "staff.somebody_else",
            Self::MailboxNotTheirs => "staff.mailbox_not_theirs",
            Self::NotOneself => "staff.not_oneself",
            Self::InvitationNoLongerCounts => "invitation.no_longer_counts",
            Self::InvitationExpired => "invitation.expired",
            Self::AlreadyJoined => "invitation.already_accepted",
            Self::Inactive => "staff.switched_off",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Unknown => RejectionKind::Unseen,
            Self::SomebodyElse
            | Self::MailboxNotTheirs
            | Self::NotOneself
            | Self::InvitationNoLongerCounts
            | Self::InvitationExpired
            | Self::AlreadyJoined
            | Self::Inactive => RejectionKind::Rule,
        }
    }
}

impl Decider for Staff {
    const KIND: StreamKind = StreamKind::Staff;
    type Id = StaffId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(id: StaffId, state: &State, command: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let mailbox = match command {
            Command::Add { mailbox, .. } => Some(*mailbox),
            Command::Reactivate => state.mailbox(),
            Command::Invite(_) | Command::Join { .. } | Command::SetLevel(_) | Command::Deactivate => None,
        };
        let oneself = Principal::Staff(id);
        let holds_mailbox = match mailbox {
            Some(mailbox) => ledger.state::<Mailbox>(mailbox)?.holder() == Some(oneself),
            None => false,
        };
        let access = AccessFacts::pull(ledger, None)?;
        Ok(Facts {
            at: ledger.moment().at,
            oneself: access.subject.principal() == Some(oneself),
            access,
            holds_mailbox,
        })
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Add { level, name, email, mailbox, invitation } => {
                add(state, facts, mailbox, Event::Added { level, name, email, mailbox, invitation })
            }
            Command::Invite(invitation) => invite(state, facts, invitation),
            Command::Join { invitation } => join(state, facts, invitation),
            Command::SetLevel(level) => set_level(state, facts, level),
            Command::Deactivate => deactivate(state, facts),
            Command::Reactivate => reactivate(state, facts),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::Added { level, mailbox, invitation, .. } => State::Known {
                level: *level,
                mailbox: *mailbox,
                accepted: None,
                phase: Phase::Invited(invitation.clone()),
            },
            Event::Invited { invitation, .. } => state.in_phase(Phase::Invited(invitation.clone())),
            Event::Joined { invitation } => match state.in_phase(Phase::Active) {
                State::Known { level, mailbox, phase, .. } => {
                    State::Known { level, mailbox, accepted: Some(*invitation), phase }
                }
                State::Unknown => State::Unknown,
            },
            Event::LevelSet { to, .. } => match state {
                State::Known { mailbox, accepted, phase, .. } => State::Known { level: *to, mailbox, accepted, phase },
                State::Unknown => State::Unknown,
            },
            Event::Deactivated {} => state.in_phase(Phase::Inactive),
            Event::Reactivated {} => match state.accepted() {
                Some(_) => state.in_phase(Phase::Active),
                None => state.in_phase(Phase::Awaiting),
            },
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        let mailbox = |id: &MailboxId| ObjectRef::new(ObjectKind::Mailbox, *id, Role::Mailbox);
        let invitation = |id: &InvitationId| ObjectRef::new(ObjectKind::Invitation, *id, Role::Invitation);
        match event {
            Event::Added { mailbox: m, invitation: i, .. } => vec![mailbox(m), invitation(&i.id)],
            Event::Invited { mailbox: m, invitation: i, replaces } => {
                let mut objects = vec![mailbox(m), invitation(&i.id)];
                objects.extend(replaces.iter().map(invitation));
                objects
            }
            Event::Joined { invitation: i } => vec![invitation(i)],
            Event::LevelSet { .. } | Event::Deactivated {} | Event::Reactivated {} => vec![],
        }
    }
}

/// Somebody is added once, under an address of their own; adding the same person again changes nothing.
fn add(state: &State, facts: &Facts, mailbox: MailboxId, added: Event) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_staff()?;
    match state.mailbox() {
        Some(theirs) if theirs == mailbox => Ok(vec![]),
        Some(_) => Err(Rejection::SomebodyElse),
        None if !facts.holds_mailbox => Err(Rejection::MailboxNotTheirs),
        None => Ok(vec![added]),
    }
}

/// A resend is a new invitation that kills the earlier one's link.
fn invite(state: &State, facts: &Facts, invitation: Invitation) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_staff()?;
    let State::Known { mailbox, phase, .. } = state else { return Err(Rejection::Unknown) };
    let replaces = match phase {
        Phase::Awaiting => None,
        Phase::Invited(live) if live.id == invitation.id => return Ok(vec![]),
        Phase::Invited(live) => Some(live.id),
        Phase::Active => return Err(Rejection::AlreadyJoined),
        Phase::Inactive => return Err(Rejection::Inactive),
    };
    Ok(vec![Event::Invited { mailbox: *mailbox, invitation, replaces }])
}

/// Whoever holds the live invitation may join with it; nobody else's right is asked.
fn join(state: &State, facts: &Facts, invitation: InvitationId) -> Result<Vec<Event>, Rejection> {
    let State::Known { accepted, phase, .. } = state else { return Err(Rejection::Unknown) };
    match phase {
        Phase::Active | Phase::Inactive if *accepted == Some(invitation) => Ok(vec![]),
        Phase::Invited(live) if live.id != invitation => Err(Rejection::InvitationNoLongerCounts),
        Phase::Invited(live) if live.expires_at <= facts.at => Err(Rejection::InvitationExpired),
        Phase::Invited(_) => Ok(vec![Event::Joined { invitation }]),
        Phase::Awaiting | Phase::Active | Phase::Inactive => Err(Rejection::InvitationNoLongerCounts),
    }
}

fn set_level(state: &State, facts: &Facts, to: Level) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_staff()?;
    let State::Known { level: from, .. } = *state else { return Err(Rejection::Unknown) };
    if from == to {
        return Ok(vec![]);
    }
    facts.not_to_oneself()?;
    Ok(vec![Event::LevelSet { from, to }])
}

fn deactivate(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_staff()?;
    match state {
        State::Unknown => Err(Rejection::Unknown),
        State::Known { phase: Phase::Inactive, .. } => Ok(vec![]),
        State::Known { .. } => {
            facts.not_to_oneself()?;
            Ok(vec![Event::Deactivated {}])
        }
    }
}

/// The way back needs the address: it may have become somebody else's meanwhile (F4.26).
fn reactivate(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_staff()?;
    match state {
        State::Unknown => Err(Rejection::Unknown),
        State::Known { phase: Phase::Inactive, .. } if !facts.holds_mailbox => Err(Rejection::MailboxNotTheirs),
        State::Known { phase: Phase::Inactive, .. } => Ok(vec![Event::Reactivated {}]),
        State::Known { .. } => Ok(vec![]),
    }
}

impl Facts {
    fn may_manage_staff(&self) -> Result<(), Rejection> {
        self.access.may(Action::ManageOrganization, Action::ViewDirectory, self.at)?;
        Ok(())
    }

    fn not_to_oneself(&self) -> Result<(), Rejection> {
        if self.oneself { Err(Rejection::NotOneself) } else { Ok(()) }
    }
}

impl State {
    /// The access level, if there is anybody.
    pub fn level(&self) -> Option<Level> {
        match self {
            Self::Unknown => None,
            Self::Known { level, .. } => Some(*level),
        }
    }

    /// Their address, if there is anybody.
    pub fn mailbox(&self) -> Option<MailboxId> {
        match self {
            Self::Unknown => None,
            Self::Known { mailbox, .. } => Some(*mailbox),
        }
    }

    /// The invitation that was accepted: the credential set with it counts, no other.
    pub fn accepted(&self) -> Option<InvitationId> {
        match self {
            Self::Unknown => None,
            Self::Known { accepted, .. } => *accepted,
        }
    }

    /// Whether they are at work.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Known { phase: Phase::Active, .. })
    }

    /// Whether their address must stay theirs: until they are switched off.
    pub fn needs_mailbox(&self) -> bool {
        match self {
            Self::Unknown | Self::Known { phase: Phase::Inactive, .. } => false,
            Self::Known { phase: Phase::Awaiting | Phase::Invited(_) | Phase::Active, .. } => true,
        }
    }

    /// Whether a project may be given to them to manage (F2.7).
    pub fn may_manage_projects(&self) -> bool {
        self.is_active() && matches!(self.level(), Some(Level::Admin | Level::ProjectManager))
    }

    /// As whom access is decided. Who is unknown is inactive, whatever the level.
    pub fn as_subject(&self, id: StaffId) -> Subject {
        Subject::Staff { id, level: self.level().unwrap_or(Level::Auditor), active: self.is_active() }
    }

    fn in_phase(self, phase: Phase) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Known { level, mailbox, accepted, .. } => Self::Known { level, mailbox, accepted, phase },
        }
    }
}

impl Phase {
    /// The status's wire name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Awaiting => "awaiting",
            Self::Invited(_) => "invited",
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}
