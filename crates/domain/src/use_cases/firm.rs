//! Errands of the firm itself.

use crate::clients::mailbox::{self, Mailbox};
use crate::envelope::Principal;
use crate::firm::organization::{self, Home, Organization, Plan};
use crate::firm::staff::{self, Invitation, Level, Staff};
use crate::ids::{InvitationId, MailboxId, OrgId, StaffId};
use crate::personal::Personal;
use crate::portal::{Aggregate, Step};
use crate::use_case::UseCase;
use crate::values::{Email, Label, Slug};

/// A new organization with its first admin.
#[derive(Clone, Debug)]
pub struct RegisterOrganization {
    /// The organization.
    pub org: OrgId,
    /// Its short name in addresses.
    pub slug: Slug,
    /// Its name.
    pub name: Label,
    /// What it subscribes to.
    pub plan: Plan,
    /// Where it is at home.
    pub home: Home,
    /// Its first admin.
    pub admin: NewStaff,
}

/// Somebody who joins the firm's staff.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// Who.
    pub id: StaffId,
    /// Their name.
    pub name: Label,
    /// Their address.
    pub email: Email,
    /// The same address, as the ledger names it.
    pub mailbox: MailboxId,
    /// Their invitation.
    pub invitation: Invitation,
}

/// Begins an organization's ledger; only the installation may.
pub fn register_organization(command: RegisterOrganization) -> UseCase {
    let RegisterOrganization { org, slug, name, plan, home, admin } = command;
    let register = Organization::step(org, organization::Command::Register { slug, name, plan, home });
    UseCase::of("RegisterOrganization", [register].into_iter().chain(adding(admin, Level::Admin)))
}

/// Subscribes to another plan.
pub fn change_plan(org: OrgId, plan: Plan) -> UseCase {
    UseCase::single::<Organization>("ChangePlan", org, organization::Command::ChangePlan(plan))
}

/// Changes where the organization is at home.
pub fn localize(org: OrgId, home: Home) -> UseCase {
    UseCase::single::<Organization>("LocalizeOrganization", org, organization::Command::Localize(home))
}

/// Adds somebody to the staff, with an invitation.
pub fn add_staff(new: NewStaff, level: Level) -> UseCase {
    UseCase::of("AddStaff", adding(new, level))
}

/// Sends a staff member another invitation.
pub fn invite_staff(staff: StaffId, invitation: Invitation) -> UseCase {
    UseCase::single::<Staff>("InviteStaff", staff, staff::Command::Invite(invitation))
}

/// A staff member accepts an invitation, having set a password.
pub fn join_staff(staff: StaffId, invitation: InvitationId) -> UseCase {
    UseCase::single::<Staff>("JoinStaff", staff, staff::Command::Join { invitation })
}

/// Gives a staff member another access level.
pub fn set_staff_level(staff: StaffId, level: Level) -> UseCase {
    UseCase::single::<Staff>("SetStaffLevel", staff, staff::Command::SetLevel(level))
}

/// Switches a staff account off.
pub fn deactivate_staff(staff: StaffId) -> UseCase {
    UseCase::single::<Staff>("DeactivateStaff", staff, staff::Command::Deactivate)
}

/// Switches a staff account on again.
pub fn reactivate_staff(staff: StaffId) -> UseCase {
    UseCase::single::<Staff>("ReactivateStaff", staff, staff::Command::Reactivate)
}

/// Gives back the address of somebody who is switched off.
pub fn release_mailbox(mailbox: MailboxId, by: Principal) -> UseCase {
    UseCase::single::<Mailbox>("ReleaseMailbox", mailbox, mailbox::Command::Release { by })
}

fn adding(new: NewStaff, level: Level) -> [Step; 2] {
    let NewStaff { id, name, email, mailbox, invitation } = new;
    let claim = mailbox::Command::Claim { by: Principal::Staff(id), project: None };
    let add = staff::Command::Add {
        level,
        name: Personal::about(id, name),
        email: Personal::about(id, email),
        mailbox,
        invitation,
    };
    [Mailbox::step(mailbox, claim), Staff::step(id, add)]
}
