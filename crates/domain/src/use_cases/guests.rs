//! Errands about guests: from the invitation to the deactivation.
//!
//! Whatever may change whether a portal user needs a seat ends with settling the seats: they follow the portal users.

use crate::access::{Rights, Window};
use crate::clients::contact::{self, Contact};
use crate::clients::mailbox::{self, Mailbox};
use crate::clients::portal_user::{self, Invitation, PortalUser};
use crate::envelope::Principal;
use crate::firm::seats::{self, Seats};
use crate::ids::{ClientId, ContactId, InvitationId, MailboxId, OrgId, PortalUserId, ProjectId};
use crate::personal::Personal;
use crate::portal::{Aggregate, Step};
use crate::use_case::UseCase;
use crate::values::{Email, Label};
use crate::work::project::{self, Project};

/// A person at a client, and what they shall reach (F4.2, F4.5 to F4.7).
#[derive(Clone, Debug)]
pub struct Guest {
    /// Who, as a portal user.
    pub portal_user: PortalUserId,
    /// Who, as a person; somebody new, or a contact who is on record under the same address.
    pub contact: ContactId,
    /// The client at which they are.
    pub client: ClientId,
    /// Their name.
    pub name: Label,
    /// Their address.
    pub email: Email,
    /// The same address, as the ledger names it.
    pub mailbox: MailboxId,
    /// On which projects they may do what. A project manager invites for the first one.
    pub projects: Vec<Place>,
}

/// A place on a project's roster.
#[derive(Clone, Debug)]
pub struct Place {
    /// On which project.
    pub project: ProjectId,
    /// What they may do there.
    pub rights: Rights,
    /// When.
    pub window: Window,
}

/// Somebody is invited (F4.8, F4.10).
#[derive(Clone, Debug)]
pub struct InviteGuest {
    /// Whose seats count.
    pub org: OrgId,
    /// Who.
    pub guest: Guest,
    /// The invitation that they get.
    pub invitation: Invitation,
}

/// Puts a person on record, gives them an account, a seat and their places, and sends the invitation.
pub fn invite_guest(command: InviteGuest) -> UseCase {
    let InviteGuest { org, guest, invitation } = command;
    let id = guest.portal_user;
    let invite = portal_user::Command::Invite { invitation, project: guest.for_project() };
    let sending = [PortalUser::step(id, invite), settling(org, id)];
    UseCase::of("InviteGuest", guest.on_record().into_iter().chain(sending).chain(guest.on_rosters()))
}

/// The same without an invitation: nothing leaves the system (F4.12).
pub fn save_guest(guest: Guest) -> UseCase {
    UseCase::of("SaveGuest", guest.on_record().into_iter().chain(guest.on_rosters()))
}

/// Sends an invitation to somebody who was saved without one, or another one: the link before it is dead (F4.23).
/// A project manager names the project for which they do it (F4.4).
pub fn resend_invitation(
    org: OrgId,
    portal_user: PortalUserId,
    invitation: Invitation,
    project: Option<ProjectId>,
) -> UseCase {
    let invite = portal_user::Command::Invite { invitation, project };
    settled("ResendInvitation", org, portal_user, invite)
}

/// Takes the live invitation back. A project manager names the project for which they do it (F6.2).
pub fn revoke_invitation(org: OrgId, portal_user: PortalUserId, project: Option<ProjectId>) -> UseCase {
    settled("RevokeInvitation", org, portal_user, portal_user::Command::RevokeInvitation { project })
}

/// Records that an invitation's time is over; the timer's errand.
pub fn expire_invitation(org: OrgId, portal_user: PortalUserId, invitation: InvitationId) -> UseCase {
    settled("ExpireInvitation", org, portal_user, portal_user::Command::ExpireInvitation { invitation })
}

/// A guest accepts, having set a password. The seat is theirs since they were invited.
pub fn accept_invitation(portal_user: PortalUserId, invitation: InvitationId) -> UseCase {
    let accept = portal_user::Command::AcceptInvitation { invitation };
    UseCase::single::<PortalUser>("AcceptInvitation", portal_user, accept)
}

/// Switches a portal account off: every right ends at once, the seat is free (F4.17).
pub fn deactivate_portal_user(org: OrgId, portal_user: PortalUserId) -> UseCase {
    settled("DeactivatePortalUser", org, portal_user, portal_user::Command::Deactivate)
}

/// Switches a portal account on again, if there is a seat (F4.18).
pub fn reactivate_portal_user(org: OrgId, portal_user: PortalUserId) -> UseCase {
    settled("ReactivatePortalUser", org, portal_user, portal_user::Command::Reactivate)
}

fn settled(name: &'static str, org: OrgId, portal_user: PortalUserId, command: portal_user::Command) -> UseCase {
    UseCase::of(name, [PortalUser::step(portal_user, command), settling(org, portal_user)])
}

fn settling(org: OrgId, portal_user: PortalUserId) -> Step {
    Seats::step(org, seats::Command::Settle { portal_user })
}

impl Guest {
    fn for_project(&self) -> Option<ProjectId> {
        self.projects.first().map(|place| place.project)
    }

    /// The person, the address, the account: in this order, because each needs the one before it.
    fn on_record(&self) -> [Step; 3] {
        let Self { portal_user, contact, client, name, email, mailbox, .. } = self.clone();
        let project = self.for_project();
        let add = contact::Command::Add {
            client,
            name: Personal::about(contact, name),
            email: Personal::about(contact, email),
            mailbox,
            project,
        };
        let claim = mailbox::Command::Claim { by: Principal::PortalUser(portal_user), project };
        let prepare = portal_user::Command::Prepare { contact, client, mailbox, project };
        [Contact::step(contact, add), Mailbox::step(mailbox, claim), PortalUser::step(portal_user, prepare)]
    }

    fn on_rosters(self) -> impl Iterator<Item = Step> {
        let portal_user = self.portal_user;
        self.projects.into_iter().map(move |Place { project, rights, window }| {
            Project::step(project, project::Command::AddGuest { portal_user, rights, window })
        })
    }
}
