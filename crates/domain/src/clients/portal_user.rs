//! A portal user: a contact with access to the portal. Guest, client user and requester are one and the same.
//!
//! `Awaiting -> Pending -> Active -> Inactive`, and back: an invitation that is revoked or expires leads from Pending
//! to Awaiting, reactivation from Inactive to what the user was before.
//!
//! 1. A portal user links to exactly one contact and is never staff (F3.1, F4.26, F4.28).
//! 2. At most one invitation is live; a resend kills the one before it (F4.23).
//! 3. Only an invitation that is live and whose time is not over can be accepted, once.
//! 4. Being anything but Active ends every right at once; grants stay recorded and wait (F4.17, D9).
//! 5. Until switched off, the user's address is theirs alone; coming back needs it again (F4.26).

use crate::access::{Action, Denied, Facts as AccessFacts, Key, Subject};
use crate::clients::contact::Contact;
use crate::clients::mailbox::Mailbox;
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{ObjectKind, ObjectRef, Principal, Role};
use crate::ids::{ClientId, ContactId, InvitationId, MailboxId, PortalUserId, ProjectId};
use crate::portal::StreamKind;
use crate::values::Timestamp;
use crate::work::project::Project;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The aggregate.
#[derive(Debug)]
pub struct PortalUser;

/// What may be asked of a portal user.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Save the account; nothing is sent (F4.12).
    Prepare {
        /// The contact behind it.
        contact: ContactId,
        /// The client for which they act (F3.2).
        client: ClientId,
        /// Their address.
        mailbox: MailboxId,
        /// The project for which a project manager invites; an admin needs none (F4.4).
        project: Option<ProjectId>,
    },
    /// Send an invitation, the first or another one (F4.10, F4.23).
    Invite {
        /// The invitation.
        invitation: Invitation,
        /// The project for which a project manager invites; an admin needs none (F4.4).
        project: Option<ProjectId>,
    },
    /// Take the live invitation back.
    RevokeInvitation {
        /// The project of theirs for which a project manager does it, and on whose roster the guest stands; an admin needs
        /// none (F6.2).
        project: Option<ProjectId>,
    },
    /// Record that an invitation's time is over.
    ExpireInvitation {
        /// Which one; another, newer one is left alone.
        invitation: InvitationId,
    },
    /// The guest accepts, having set a password.
    AcceptInvitation {
        /// The one whose link they followed.
        invitation: InvitationId,
    },
    /// Switch the account off (F4.17).
    Deactivate,
    /// Switch it on again (F4.18).
    Reactivate,
}

/// An invitation as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Which one.
    pub id: InvitationId,
    /// What its link's secret is made from, together with the server's key; no secret itself.
    pub nonce: String,
    /// The first moment at which it can no longer be accepted.
    pub expires_at: Timestamp,
}

/// What can have happened to a portal user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// The account was saved.
    #[serde(rename = "portal_user.prepared")]
    Prepared {
        /// The contact behind it.
        contact: ContactId,
        /// The client for which they act.
        client: ClientId,
        /// Their address.
        mailbox: MailboxId,
    },
    /// An invitation was issued; the mail follows.
    #[serde(rename = "invitation.sent")]
    Invited {
        /// The contact who gets it.
        contact: ContactId,
        /// The client for which they act.
        client: ClientId,
        /// The address it goes to.
        mailbox: MailboxId,
        /// The invitation.
        invitation: Invitation,
        /// The one that it replaces and kills.
        replaces: Option<InvitationId>,
    },
    /// The live invitation was taken back.
    #[serde(rename = "invitation.revoked")]
    InvitationRevoked {
        /// Which one.
        invitation: InvitationId,
    },
    /// An invitation's time was over.
    #[serde(rename = "invitation.expired")]
    InvitationExpired {
        /// Which one.
        invitation: InvitationId,
    },
    /// The guest accepted.
    #[serde(rename = "invitation.accepted")]
    InvitationAccepted {
        /// Which one.
        invitation: InvitationId,
        /// The contact who accepted.
        contact: ContactId,
        /// The client for which they act.
        client: ClientId,
    },
    /// The account was switched off.
    #[serde(rename = "portal_user.deactivated")]
    Deactivated {
        /// The contact behind it.
        contact: ContactId,
        /// The client for which they act.
        client: ClientId,
    },
    /// The account was switched on again.
    #[serde(rename = "portal_user.reactivated")]
    Reactivated {
        /// The contact behind it.
        contact: ContactId,
        /// The client for which they act.
        client: ClientId,
    },
}

/// Where a portal user's life stands (F4.13 to F4.16).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Nobody yet.
    #[default]
    Unknown,
    /// Somebody.
    Known {
        /// Who they are.
        identity: Identity,
        /// The invitation that they accepted, if they ever did.
        accepted: Option<InvitationId>,
        /// What they may do now.
        phase: Phase,
    },
}

/// Who a portal user is; never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The contact.
    pub contact: ContactId,
    /// The client for which they act.
    pub client: ClientId,
    /// Their address.
    pub mailbox: MailboxId,
}

/// The four statuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Saved, no live invitation (F4.13).
    Awaiting,
    /// Invited, not accepted yet (F4.14).
    Pending(Invitation),
    /// Can use the portal (F4.15).
    Active,
    /// Switched off (F4.16).
    Inactive,
}

/// What the rules about a portal user must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// When.
    pub at: Timestamp,
    /// Who asks, and the project in question.
    pub access: AccessFacts,
    /// The client at which the contact named is.
    pub contact_client: Option<ClientId>,
    /// Whether the address in question is claimed for this portal user.
    pub holds_mailbox: bool,
    /// Whether this portal user stands on the roster of the project in question.
    pub on_roster: bool,
}

/// Why something may not be done with a portal user.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is nobody with this id.
    #[error("there is no such portal user")]
    Unknown,
    /// Another person was saved under this id.
    #[error("this portal user is somebody else")]
    SomebodyElse,
    /// The contact is not there, or at another client (F3.1, F3.2).
    #[error("there is no such contact at this client")]
    NoSuchContact,
    /// The address is not theirs: never claimed, or given to somebody else meanwhile (F4.26).
    #[error("the address is not claimed for this portal user")]
    MailboxNotTheirs,
    /// The project named is another client's.
    #[error("this person is not at the client that the project is for")]
    ClientDiffers,
    /// Nothing to revoke or to accept.
    #[error("there is no live invitation")]
    NoLiveInvitation,
    /// A newer invitation took its place.
    #[error("this invitation was replaced by a newer one or taken back")]
    InvitationNoLongerCounts,
    /// Its time is over.
    #[error("this invitation expired")]
    InvitationExpired,
    /// The guest has accepted already; there is nothing left to invite to.
    #[error("this portal user has accepted an invitation already")]
    AlreadyAccepted,
    /// The account is switched off: reactivate it first.
    #[error("this portal user is inactive")]
    Inactive,
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Unknown => "not_found",
            Self::SomebodyElse => "portal_user.somebody_else",
            Self::NoSuchContact => "portal_user.no_such_contact",
            Self::MailboxNotTheirs => "portal_user.mailbox_not_theirs",
            Self::ClientDiffers => "portal_user.client_differs",
            Self::NoLiveInvitation => "invitation.none_live",
            Self::InvitationNoLongerCounts => "invitation.no_longer_counts",
            Self::InvitationExpired => "invitation.expired",
            Self::AlreadyAccepted => "invitation.already_accepted",
            Self::Inactive => "portal_user.switched_off",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Unknown => RejectionKind::Unseen,
            Self::SomebodyElse
            | Self::NoSuchContact
            | Self::MailboxNotTheirs
            | Self::ClientDiffers
            | Self::NoLiveInvitation
            | Self::InvitationNoLongerCounts
            | Self::InvitationExpired
            | Self::AlreadyAccepted
            | Self::Inactive => RejectionKind::Rule,
        }
    }
}

impl Phase {
    /// The wire name of the status.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Awaiting => "awaiting",
            Self::Pending(_) => "pending",
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

impl Decider for PortalUser {
    const KIND: StreamKind = StreamKind::PortalUser;
    type Id = PortalUserId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(id: PortalUserId, state: &State, command: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let (contact, mailbox, project) = match command {
            Command::Prepare { contact, mailbox, project, .. } => (Some(*contact), Some(*mailbox), *project),
            Command::Invite { project, .. } | Command::RevokeInvitation { project } => (None, None, *project),
            Command::Reactivate => (None, state.identity().map(|identity| identity.mailbox), None),
            Command::ExpireInvitation { .. } | Command::AcceptInvitation { .. } | Command::Deactivate => {
                (None, None, None)
            }
        };
        let contact_client = match contact {
            Some(contact) => ledger.state::<Contact>(contact)?.client(),
            None => None,
        };
        let holds_mailbox = match mailbox {
            Some(mailbox) => ledger.state::<Mailbox>(mailbox)?.holder() == Some(Principal::PortalUser(id)),
            None => false,
        };
        let access = AccessFacts::pull(ledger, project)?;
        let on_roster = match project {
            Some(project) => ledger.state::<Project>(project)?.has_on_roster(id),
            None => false,
        };
        Ok(Facts { at: ledger.moment().at, access, contact_client, holds_mailbox, on_roster })
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Prepare { contact, client, mailbox, .. } => {
                prepare(state, facts, Identity { contact, client, mailbox })
            }
            Command::Invite { invitation, .. } => invite(state, facts, invitation),
            Command::RevokeInvitation { .. } => revoke_invitation(state, facts),
            Command::ExpireInvitation { invitation } => expire_invitation(state, facts, invitation),
            Command::AcceptInvitation { invitation } => accept_invitation(state, facts, invitation),
            Command::Deactivate => deactivate(state, facts),
            Command::Reactivate => reactivate(state, facts),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::Prepared { contact, client, mailbox } => State::Known {
                identity: Identity { contact: *contact, client: *client, mailbox: *mailbox },
                accepted: None,
                phase: Phase::Awaiting,
            },
            Event::Invited { invitation, .. } => state.in_phase(Phase::Pending(invitation.clone())),
            Event::InvitationRevoked { .. } | Event::InvitationExpired { .. } => state.in_phase(Phase::Awaiting),
            Event::InvitationAccepted { invitation, .. } => match state.in_phase(Phase::Active) {
                State::Known { identity, phase, .. } => State::Known { identity, accepted: Some(*invitation), phase },
                State::Unknown => State::Unknown,
            },
            Event::Deactivated { .. } => state.in_phase(Phase::Inactive),
            Event::Reactivated { .. } => match state.accepted() {
                Some(_) => state.in_phase(Phase::Active),
                None => state.in_phase(Phase::Awaiting),
            },
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        let contact = |id: &ContactId| ObjectRef::new(ObjectKind::Contact, *id, Role::Contact);
        let client = |id: &ClientId| ObjectRef::new(ObjectKind::Client, *id, Role::Client);
        let mailbox = |id: &MailboxId| ObjectRef::new(ObjectKind::Mailbox, *id, Role::Mailbox);
        let invitation = |id: &InvitationId| ObjectRef::new(ObjectKind::Invitation, *id, Role::Invitation);
        match event {
            Event::Prepared { contact: c, client: cl, mailbox: m } => vec![contact(c), client(cl), mailbox(m)],
            Event::Invited { contact: c, client: cl, mailbox: m, invitation: i, replaces } => {
                let mut objects = vec![contact(c), client(cl), mailbox(m), invitation(&i.id)];
                objects.extend(replaces.iter().map(invitation));
                objects
            }
            Event::InvitationRevoked { invitation: i } | Event::InvitationExpired { invitation: i } => {
                vec![invitation(i)]
            }
            Event::InvitationAccepted { invitation: i, contact: c, client: cl } => {
                vec![invitation(i), contact(c), client(cl)]
            }
            Event::Deactivated { contact: c, client: cl } | Event::Reactivated { contact: c, client: cl } => {
                vec![contact(c), client(cl)]
            }
        }
    }
}

/// A contact of the client becomes a portal user once, under an address of their own (F3.1, F3.2); saving the same person again changes nothing.
fn prepare(state: &State, facts: &Facts, who: Identity) -> Result<Vec<Event>, Rejection> {
    facts.may_invite_for(who.client)?;
    match state {
        State::Known { identity, .. } if *identity == who => Ok(vec![]),
        State::Known { .. } => Err(Rejection::SomebodyElse),
        State::Unknown if facts.contact_client != Some(who.client) => Err(Rejection::NoSuchContact),
        State::Unknown if !facts.holds_mailbox => Err(Rejection::MailboxNotTheirs),
        State::Unknown => {
            let Identity { contact, client, mailbox } = who;
            Ok(vec![Event::Prepared { contact, client, mailbox }])
        }
    }
}

/// A resend is a new invitation that kills the earlier one's link (F4.23).
fn invite(state: &State, facts: &Facts, invitation: Invitation) -> Result<Vec<Event>, Rejection> {
    let State::Known { identity, phase, .. } = state else {
        facts.may_manage_guests()?;
        return Err(Rejection::Unknown);
    };
    facts.may_invite_for(identity.client)?;
    let replaces = match phase {
        Phase::Awaiting => None,
        Phase::Pending(live) if live.id == invitation.id => return Ok(vec![]),
        Phase::Pending(live) => Some(live.id),
        Phase::Active => return Err(Rejection::AlreadyAccepted),
        Phase::Inactive => return Err(Rejection::Inactive),
    };
    let Identity { contact, client, mailbox } = *identity;
    Ok(vec![Event::Invited { contact, client, mailbox, invitation, replaces }])
}

/// A project manager takes back what they may send: the invitation of somebody on a project of theirs (F6.2). Switching
/// an account off is more, because it ends what the guest has on everybody's projects.
fn revoke_invitation(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_guests()?;
    if facts.access.project.is_some() && !facts.on_roster {
        return Err(Denied::NotAllowed { missing: vec![Key::OnTheRoster] }.into());
    }
    match state {
        State::Unknown => Err(Rejection::Unknown),
        State::Known { phase: Phase::Pending(live), .. } => Ok(vec![Event::InvitationRevoked { invitation: live.id }]),
        State::Known { phase: Phase::Awaiting, .. } => Ok(vec![]),
        State::Known { phase: Phase::Active, .. } => Err(Rejection::AlreadyAccepted),
        State::Known { phase: Phase::Inactive, .. } => Err(Rejection::NoLiveInvitation),
    }
}

/// Records what the clock has decided already: an invitation past its time cannot be accepted, recorded or not.
fn expire_invitation(state: &State, facts: &Facts, invitation: InvitationId) -> Result<Vec<Event>, Rejection> {
    match state {
        State::Known { phase: Phase::Pending(live), .. } if live.id == invitation && live.expires_at <= facts.at => {
            Ok(vec![Event::InvitationExpired { invitation }])
        }
        State::Known { .. } | State::Unknown => Ok(vec![]),
    }
}

fn accept_invitation(state: &State, facts: &Facts, invitation: InvitationId) -> Result<Vec<Event>, Rejection> {
    let State::Known { identity, accepted, phase } = state else { return Err(Rejection::Unknown) };
    match phase {
        Phase::Active | Phase::Inactive if *accepted == Some(invitation) => Ok(vec![]),
        Phase::Pending(live) if live.id != invitation => Err(Rejection::InvitationNoLongerCounts),
        Phase::Pending(live) if live.expires_at <= facts.at => Err(Rejection::InvitationExpired),
        Phase::Pending(_) => {
            let Identity { contact, client, .. } = *identity;
            Ok(vec![Event::InvitationAccepted { invitation, contact, client }])
        }
        Phase::Awaiting | Phase::Active | Phase::Inactive => Err(Rejection::InvitationNoLongerCounts),
    }
}

fn deactivate(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_guests()?;
    match state {
        State::Unknown => Err(Rejection::Unknown),
        State::Known { phase: Phase::Inactive, .. } => Ok(vec![]),
        State::Known { identity: Identity { contact, client, .. }, .. } => {
            Ok(vec![Event::Deactivated { contact: *contact, client: *client }])
        }
    }
}

/// The way back needs the address: it may have become somebody else's meanwhile (F4.26).
fn reactivate(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    facts.may_manage_guests()?;
    match state {
        State::Unknown => Err(Rejection::Unknown),
        State::Known { phase: Phase::Inactive, .. } if !facts.holds_mailbox => Err(Rejection::MailboxNotTheirs),
        State::Known { phase: Phase::Inactive, identity: Identity { contact, client, .. }, .. } => {
            Ok(vec![Event::Reactivated { contact: *contact, client: *client }])
        }
        State::Known { .. } => Ok(vec![]),
    }
}

impl Facts {
    fn may_manage_guests(&self) -> Result<(), Rejection> {
        self.access.may(Action::ManageGuests, Action::ViewDirectory, self.at)?;
        Ok(())
    }

    /// A project manager invites for an own project, and only people of that project's client (F4.4).
    fn may_invite_for(&self, client: ClientId) -> Result<(), Rejection> {
        self.may_manage_guests()?;
        match &self.access.project {
            Some(project) if project.client != client => Err(Rejection::ClientDiffers),
            Some(_) | None => Ok(()),
        }
    }
}

impl State {
    /// Who it is, if anybody.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Unknown => None,
            Self::Known { identity, .. } => Some(identity),
        }
    }

    /// The phase, if there is anybody.
    pub fn phase(&self) -> Option<&Phase> {
        match self {
            Self::Unknown => None,
            Self::Known { phase, .. } => Some(phase),
        }
    }

    /// The invitation that was accepted: the credential set with it counts, no other.
    pub fn accepted(&self) -> Option<InvitationId> {
        match self {
            Self::Unknown => None,
            Self::Known { accepted, .. } => *accepted,
        }
    }

    /// Whether every right that was granted counts now.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Known { phase: Phase::Active, .. })
    }

    /// Whether the account is there and not switched off: whoever it is of may come to use the portal.
    pub fn is_switched_on(&self) -> bool {
        match self {
            Self::Unknown | Self::Known { phase: Phase::Inactive, .. } => false,
            Self::Known { phase: Phase::Awaiting | Phase::Pending(_) | Phase::Active, .. } => true,
        }
    }

    /// Whether a seat of the plan is taken: from invitation to revocation, expiry or deactivation (F1.1).
    pub fn holds_seat(&self) -> bool {
        matches!(self, Self::Known { phase: Phase::Pending(_) | Phase::Active, .. })
    }

    /// Whether their address must stay theirs: until they are switched off.
    pub fn needs_mailbox(&self) -> bool {
        self.is_switched_on()
    }

    /// As whom access is decided.
    pub fn as_subject(&self, id: PortalUserId) -> Subject {
        let clients = self.identity().map(|identity| BTreeSet::from([identity.client])).unwrap_or_default();
        Subject::PortalUser { id, active: self.is_active(), clients }
    }

    fn in_phase(self, phase: Phase) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Known { identity, accepted, .. } => Self::Known { identity, accepted, phase },
        }
    }
}
