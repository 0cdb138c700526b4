//! The firm, its staff, its clients and their people: who comes, what they may do, who goes.

use crate::history::story::work::Job;
use crate::history::story::{Story, Told, read};
use crate::history::words;
use chrono::TimeDelta;
use countersign_domain::access::{Right, Rights, Window};
use countersign_domain::clients::portal_user::{Invitation, PortalUser};
use countersign_domain::envelope::{Actor, ProcessName};
use countersign_domain::firm::organization::{Home, Plan};
use countersign_domain::firm::seats::Seats;
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::{ClientId, ContactId, InvitationId, MailboxId, PortalUserId, ProjectId, StaffId};
use countersign_domain::use_cases::clients::{AddContact, add_contact, open_client, rename_client};
use countersign_domain::use_cases::firm::{
    NewStaff, RegisterOrganization, add_staff, change_plan, deactivate_staff, join_staff, reactivate_staff,
    register_organization,
};
use countersign_domain::use_cases::guests::{
    self, InviteGuest, Place, accept_invitation, deactivate_portal_user, expire_invitation, invite_guest,
    reactivate_portal_user, resend_invitation, revoke_invitation, save_guest,
};
use countersign_domain::use_cases::projects::{
    add_guest, assign_manager, grant_right, open_project, publish_project, remove_guest, withdraw_project,
    withdraw_right,
};
use countersign_domain::values::{Email, Label, Locale, Slug, TimeZone, Timestamp};

/// How long a guest has to accept.
const INVITATION_LIVES: TimeDelta = TimeDelta::days(7);
/// What a guest may hold, from everything to a look at the work.
const RIGHTS: [&[Right]; 4] = [
    &Right::ALL,
    &[Right::FinancialVisibility, Right::InvoiceVisibility, Right::ApproveInvoices, Right::ApproveTime],
    &[Right::InvoiceVisibility],
    &[],
];

/// A client of the firm.
pub(super) struct Customer {
    pub(super) id: ClientId,
    host: String,
}

/// A person at a client.
pub(super) struct Guest {
    pub(super) portal_user: PortalUserId,
    pub(super) customer: usize,
    pub(super) job: usize,
    stands: Stands,
}

/// How somebody stands to the portal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// On record, without an invitation.
    Saved,
    /// Invited; accepts, is forgotten about, or has the invitation taken back, as it was thrown.
    Invited { invitation: InvitationId, expires_at: Timestamp, will: Will },
    /// Uses the portal.
    Active,
    /// Switched off.
    Off,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Will {
    Accept,
    Forget,
    BeRevoked,
}

/// What a mail address belongs to, as the use cases want it.
struct Address {
    name: Label,
    email: Email,
    mailbox: MailboxId,
}

impl Story {
    /// The firm is registered; its first managers, clients and guests are there.
    pub(super) fn is_founded(&mut self) -> Told {
        self.dawns(0);
        let host = format!("{}.example", self.plan.slug);
        let small = self.plan.events < 2_000;
        let plan = if small { self.chance.pick(&[Plan::Starter, Plan::Rise, Plan::Trial]) } else { Plan::Growth };
        let home = Home {
            time_zone: read("Europe/Tallinn", TimeZone::parse)?,
            currency: self.currency,
            locale: read("en", Locale::parse)?,
        };
        let admin = self.colleague(&host)?;
        let invitation = admin.invitation.id;
        self.admin = admin.id;
        let slug = read(&self.plan.slug, Slug::parse)?;
        let name = read(&self.plan.name, Label::parse)?;
        let register = RegisterOrganization { org: self.plan.org, slug, name, plan, home, admin };
        self.acts(Actor::Operator, register_organization(register))?;
        self.acts(self.admin(), join_staff(self.admin, invitation))?;
        self.takes_on_a_client()?;
        let more_managers = self.plan.events / 3_000;
        for _ in 0..more_managers.min(30) {
            self.hires(Level::ProjectManager)?;
        }
        if self.plan.events > 1_000 {
            self.hires(Level::Auditor)?;
        }
        for _ in 0..more_managers.min(60) {
            self.takes_on_a_client()?;
        }
        Ok(())
    }

    fn hires(&mut self, level: Level) -> Told {
        let host = format!("{}.example", self.plan.slug);
        let new = self.colleague(&host)?;
        let (id, invitation) = (new.id, new.invitation.id);
        self.acts(self.admin(), add_staff(new, level))?;
        // Now and then somebody never turns up.
        if self.chance.in_a_hundred(95) {
            self.acts(Actor::Staff(id), join_staff(id, invitation))?;
            if level == Level::ProjectManager {
                self.managers.push(id);
            }
        }
        Ok(())
    }

    fn colleague(&mut self, host: &str) -> Result<NewStaff, super::Stop> {
        let Address { name, email, mailbox } = self.address(host)?;
        Ok(NewStaff { id: StaffId(self.fresh()), name, email, mailbox, invitation: self.invitation() })
    }

    /// Somebody's name and address: a number tells people of the same name apart.
    fn address(&mut self, host: &str) -> Result<Address, super::Stop> {
        let (given, family) = words::person(&mut self.chance);
        let name = read(&format!("{given} {family}"), Label::parse)?;
        let number = self.named;
        let email = format!("{}.{}{number}@{host}", given.to_lowercase(), family.to_lowercase());
        let email = read(&email, Email::parse)?;
        Ok(Address { name, mailbox: (self.mailboxes)(&email), email })
    }

    fn invitation(&mut self) -> Invitation {
        let id = InvitationId(self.fresh());
        Invitation { id, nonce: id.0.simple().to_string(), expires_at: self.now.plus(INVITATION_LIVES) }
    }

    /// A client, its first project, and who speaks for it.
    fn takes_on_a_client(&mut self) -> Told {
        let name = words::client(&mut self.chance);
        let id = ClientId(self.fresh());
        let host = format!("{}{}.example", name.to_lowercase().replace(' ', "-"), self.customers.len());
        self.customers.push(Customer { id, host });
        self.acts(self.admin(), open_client(id, read(&name, Label::parse)?))?;
        self.opens_a_project(self.customers.len() - 1)
    }

    fn opens_a_project(&mut self, customer: usize) -> Told {
        let manager = match self.managers.is_empty() {
            true => self.admin,
            false => self.chance.pick(&self.managers),
        };
        let project = ProjectId(self.fresh());
        let (open, job) = self.ordered(project, customer, manager)?;
        self.acts(self.admin(), open_project(open))?;
        self.jobs.push(job);
        self.acts(Actor::Staff(manager), publish_project(project))?;
        let job = self.jobs.len() - 1;
        self.invites(job, 0, Will::Accept)?;
        for _ in 0..self.chance.below(3) {
            self.somebody_new(job)?;
        }
        Ok(())
    }

    /// Somebody at a client comes to a project: invited as a rule, only put on record now and then.
    fn somebody_new(&mut self, job: usize) -> Told {
        let rights = 1 + self.chance.index(RIGHTS.len() - 1);
        match self.chance.below(20) {
            0..=12 => self.invites(job, rights, Will::Accept),
            13..=15 => self.invites(job, rights, Will::Forget),
            16 => self.invites(job, rights, Will::BeRevoked),
            17..=18 => {
                let guest = self.guest(job, rights)?;
                let who = (guest.portal_user, job);
                self.acts(self.admin(), save_guest(guest))?;
                self.comes(who, Stands::Saved);
                Ok(())
            }
            _ => self.is_put_on_record(job),
        }
    }

    fn is_put_on_record(&mut self, job: usize) -> Told {
        let customer = self.jobs[job].customer;
        let (client, host) = (self.customers[customer].id, self.customers[customer].host.clone());
        let Address { name, email, mailbox } = self.address(&host)?;
        let contact = ContactId(self.fresh());
        let project = Some(self.jobs[job].project);
        let add = AddContact { contact, client, name, email, mailbox, project };
        self.acts(Actor::Staff(self.jobs[job].manager), add_contact(add))
    }

    fn invites(&mut self, job: usize, rights: usize, will: Will) -> Told {
        self.makes_room()?;
        let guest = self.guest(job, rights)?;
        let portal_user = guest.portal_user;
        let invitation = self.invitation();
        let (id, expires_at) = (invitation.id, invitation.expires_at);
        let command = InviteGuest { org: self.plan.org, guest, invitation };
        self.acts(Actor::Staff(self.jobs[job].manager), invite_guest(command))?;
        self.comes((portal_user, job), Stands::Invited { invitation: id, expires_at, will });
        // Who speaks for the client accepts while they are on the phone.
        if rights > 0 {
            return Ok(());
        }
        self.goes_by();
        self.accepts(self.guests.len() - 1)
    }

    fn comes(&mut self, (portal_user, job): (PortalUserId, usize), stands: Stands) {
        self.guests.push(Guest { portal_user, customer: self.jobs[job].customer, job, stands });
    }

    fn guest(&mut self, job: usize, rights: usize) -> Result<guests::Guest, super::Stop> {
        let (project, customer) = (self.jobs[job].project, self.jobs[job].customer);
        let host = self.customers[customer].host.clone();
        let Address { name, email, mailbox } = self.address(&host)?;
        Ok(guests::Guest {
            portal_user: PortalUserId(self.fresh()),
            contact: ContactId(self.fresh()),
            client: self.customers[customer].id,
            name,
            email,
            mailbox,
            projects: vec![Place { project, rights: self.rights(rights), window: Window::default() }],
        })
    }

    /// Some clients have an approval send the invoice, some do not.
    fn rights(&mut self, which: usize) -> Rights {
        let mut rights: Rights = RIGHTS[which].iter().copied().collect();
        if self.chance.in_a_hundred(50) {
            rights.remove(&Right::AutoSendOnApproval);
        }
        rights
    }

    /// A firm whose plan is full takes the next larger one.
    fn makes_room(&mut self) -> Told {
        let org = self.plan.org;
        let used = self.ledger.state::<Seats>(org).map_or(0, |seats| seats.used());
        let limit = match used {
            10 => Plan::Rise,
            30 => Plan::Growth,
            _ => return Ok(()),
        };
        self.acts(self.admin(), change_plan(org, limit))
    }

    fn accepts(&mut self, guest: usize) -> Told {
        let Guest { portal_user, customer, stands, .. } = self.guests[guest];
        let Stands::Invited { invitation, .. } = stands else { return Ok(()) };
        let client = self.customers[customer].id;
        self.guest_acts(portal_user, client, accept_invitation(portal_user, invitation))?;
        self.guests[guest].stands = Stands::Active;
        Ok(())
    }

    /// Invitations of the weeks before are accepted, taken back, or run out; most of those are sent again.
    pub(super) fn invitations_run(&mut self) -> Told {
        for guest in 0..self.guests.len() {
            let Guest { portal_user, job, stands, .. } = self.guests[guest];
            let Stands::Invited { invitation, expires_at, will } = stands else { continue };
            self.goes_by();
            let manager = Actor::Staff(self.jobs[job].manager);
            match will {
                Will::Accept if expires_at > self.now => self.accepts(guest)?,
                Will::BeRevoked if expires_at > self.now => {
                    let project = Some(self.jobs[job].project);
                    self.acts(manager, revoke_invitation(self.plan.org, portal_user, project))?;
                    self.guests[guest].stands = Stands::Saved;
                }
                Will::Accept | Will::BeRevoked | Will::Forget if expires_at <= self.now => {
                    let expire = expire_invitation(self.plan.org, portal_user, invitation);
                    self.acts(Actor::Process(ProcessName::InvitationExpiry), expire)?;
                    self.guests[guest].stands = Stands::Saved;
                    if self.chance.in_a_hundred(70) {
                        self.makes_room()?;
                        self.is_invited_again(guest)?;
                    }
                }
                Will::Accept | Will::BeRevoked | Will::Forget => {}
            }
        }
        Ok(())
    }

    fn is_invited_again(&mut self, guest: usize) -> Told {
        let Guest { portal_user, job, .. } = self.guests[guest];
        let invitation = self.invitation();
        let (id, expires_at) = (invitation.id, invitation.expires_at);
        let project = Some(self.jobs[job].project);
        let resend = resend_invitation(self.plan.org, portal_user, invitation, project);
        self.acts(Actor::Staff(self.jobs[job].manager), resend)?;
        let will = if self.chance.in_a_hundred(80) { Will::Accept } else { Will::Forget };
        self.guests[guest].stands = Stands::Invited { invitation: id, expires_at, will };
        Ok(())
    }

    /// New clients, projects and people, and some who leave; more in larger firms.
    pub(super) fn people_come_and_go(&mut self) -> Told {
        let larger = 1 + self.plan.events / self.plan.weeks / 300;
        for _ in 0..larger {
            match self.chance.below(100) {
                0..=4 => self.takes_on_a_client()?,
                5..=12 => {
                    let customer = self.chance.index(self.customers.len());
                    self.opens_a_project(customer)?;
                }
                13..=30 => {
                    let job = self.chance.index(self.jobs.len());
                    self.somebody_new(job)?;
                }
                31..=36 => self.somebody_leaves()?,
                37..=39 => self.somebody_returns()?,
                40..=41 => self.hires(Level::ProjectManager)?,
                42 => self.a_manager_hands_over()?,
                43..=45 => {
                    let customer = self.chance.index(self.customers.len());
                    let name = words::client(&mut self.chance);
                    let name = read(&name, Label::parse)?;
                    self.acts(self.admin(), rename_client(self.customers[customer].id, name))?;
                }
                46 => self.a_project_is_hidden_for_a_while()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Somebody at a client leaves; if they spoke for it, somebody else comes.
    fn somebody_leaves(&mut self) -> Told {
        let guest = self.chance.index(self.guests.len());
        let Guest { portal_user, job, stands, .. } = self.guests[guest];
        if stands != Stands::Active {
            return Ok(());
        }
        self.acts(self.admin(), deactivate_portal_user(self.plan.org, portal_user))?;
        self.guests[guest].stands = Stands::Off;
        if self.speaker(job, Right::ApproveTime).is_none() { self.invites(job, 0, Will::Accept) } else { Ok(()) }
    }

    fn somebody_returns(&mut self) -> Told {
        let Some(guest) = self.guests.iter().position(|guest| guest.stands == Stands::Off) else { return Ok(()) };
        self.makes_room()?;
        let portal_user = self.guests[guest].portal_user;
        self.acts(self.admin(), reactivate_portal_user(self.plan.org, portal_user))?;
        self.guests[guest].stands = Stands::Active;
        Ok(())
    }

    /// A manager leaves; the projects go to another one, and so do their guests' questions.
    fn a_manager_hands_over(&mut self) -> Told {
        if self.managers.len() < 2 {
            return Ok(());
        }
        let left = self.chance.index(self.managers.len());
        let leaving = self.managers.swap_remove(left);
        let to = self.chance.pick(&self.managers);
        for job in 0..self.jobs.len() {
            let Job { project, manager, .. } = self.jobs[job];
            if manager == leaving {
                self.acts(self.admin(), assign_manager(project, to))?;
                self.jobs[job].hands_over(to);
            }
        }
        self.acts(self.admin(), deactivate_staff(leaving))?;
        if self.chance.in_a_hundred(25) {
            self.acts(self.admin(), reactivate_staff(leaving))?;
            self.managers.push(leaving);
        }
        Ok(())
    }

    fn a_project_is_hidden_for_a_while(&mut self) -> Told {
        let job = self.chance.index(self.jobs.len());
        let Job { project, manager, .. } = self.jobs[job];
        self.acts(Actor::Staff(manager), withdraw_project(project))?;
        self.acts(Actor::Staff(manager), publish_project(project))
    }

    /// What guests may do on a project is changed, right by right, or with their place on it.
    pub(super) fn rights_change(&mut self) -> Told {
        let larger = 1 + self.plan.events / self.plan.weeks / 300;
        for _ in 0..larger {
            if self.chance.in_a_hundred(70) {
                continue;
            }
            let guest = self.chance.index(self.guests.len());
            let Guest { portal_user, job, .. } = self.guests[guest];
            let Job { project, manager, .. } = self.jobs[job];
            let manager = Actor::Staff(manager);
            match self.chance.below(10) {
                0..=3 => self.acts(manager, grant_right(project, portal_user, Right::FinancialVisibility))?,
                4..=5 => self.acts(manager, withdraw_right(project, portal_user, Right::FinancialVisibility))?,
                6..=7 => self.acts(manager, grant_right(project, portal_user, Right::InvoiceVisibility))?,
                8 => {
                    let window = Window { from: None, until: Some(self.now.plus(TimeDelta::weeks(26))) };
                    let rights = self.rights(2);
                    self.acts(manager.clone(), remove_guest(project, portal_user))?;
                    self.acts(manager, add_guest(portal_user, Place { project, rights, window }))?;
                }
                _ => {
                    let rights = self.rights(0);
                    self.acts(manager, add_guest(portal_user, Place { project, rights, window: Window::default() }))?;
                }
            }
        }
        Ok(())
    }

    /// Who may give a client's word on a project at this moment, if anybody may.
    pub(super) fn speaker(&self, job: usize, right: Right) -> Option<PortalUserId> {
        let project = self.ledger.state::<countersign_domain::work::project::Project>(self.jobs[job].project)?;
        let speaks = |who: &PortalUserId| self.ledger.state::<PortalUser>(*who).is_some_and(|user| user.is_active());
        project.holders_of(right, self.now).find(speaks)
    }

    /// For whom a job is done.
    pub(super) fn client_of(&self, job: usize) -> ClientId {
        self.customers[self.jobs[job].customer].id
    }
}
