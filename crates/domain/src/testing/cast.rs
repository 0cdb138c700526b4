//! The cast of all specifications: a small firm, two clients, their people.

use crate::access::{Grant, Right, Window};
use crate::clients::portal_user::{self, Invitation, PortalUser};
use crate::clients::{client, contact, mailbox};
use crate::clients::{client::Client, contact::Contact, mailbox::Mailbox};
use crate::envelope::Principal;
use crate::firm::organization::{self, Organization, Plan};
use crate::firm::staff::{self, Level, Staff};
use crate::ids::{ClientId, ContactId, InvitationId, MailboxId, PortalUserId, ProjectId, StaffId};
use crate::personal::Personal;
use crate::testing::{Ledger, ORG, day};
use crate::values::{Currency, Label, Locale, Money, Slug, TimeZone};
use crate::work::project::{self, Project};
use uuid::Uuid;

/// The firm's admin.
pub const ANN: StaffId = StaffId(Uuid::from_u128(0x5a));
/// A project manager; manages `PORTAL`.
pub const PAUL: StaffId = StaffId(Uuid::from_u128(0x5b));
/// Another project manager.
pub const PETRA: StaffId = StaffId(Uuid::from_u128(0x5c));
/// The auditor.
pub const AUDREY: StaffId = StaffId(Uuid::from_u128(0x5d));

/// A client.
pub const ACME: ClientId = ClientId(Uuid::from_u128(0xc1));
/// Another client.
pub const GLOBEX: ClientId = ClientId(Uuid::from_u128(0xc2));

/// An active guest of Acme.
pub const GINA: PortalUserId = PortalUserId(Uuid::from_u128(0x9a));
/// Another active guest of Acme.
pub const GUS: PortalUserId = PortalUserId(Uuid::from_u128(0x9b));
/// An active guest of Globex.
pub const GLORIA: PortalUserId = PortalUserId(Uuid::from_u128(0x9c));

/// A project for Acme that Paul manages.
pub const PORTAL: ProjectId = ProjectId(Uuid::from_u128(0xf1));

impl Ledger {
    /// With the firm on a plan, its staff at work, its clients and their active guests.
    pub fn with_cast(self, plan: Plan) -> Self {
        self.with::<Organization>(ORG, [registered(plan)])
            .with_staff(ANN, Level::Admin)
            .with_staff(PAUL, Level::ProjectManager)
            .with_staff(PETRA, Level::ProjectManager)
            .with_staff(AUDREY, Level::Auditor)
            .with::<Client>(ACME, [client::Event::Opened { name: label("Acme") }])
            .with::<Client>(GLOBEX, [client::Event::Opened { name: label("Globex") }])
            .with_guest(GINA, ACME)
            .with_guest(GUS, ACME)
            .with_guest(GLORIA, GLOBEX)
    }

    /// With `PORTAL`, opened for Acme and managed by Paul.
    pub fn with_portal_project(self) -> Self {
        let opened = project::Event::Opened {
            client: ACME,
            name: label("Portal"),
            currency: euro(),
            manager: Some(PAUL),
            contract_lines: vec![],
        };
        self.with::<Project>(PORTAL, [opened])
    }

    /// With a staff member at work.
    pub fn with_staff(self, id: StaffId, level: Level) -> Self {
        self.with::<Mailbox>(mailbox_of(id.0), [mailbox::Event::Claimed { by: Principal::Staff(id) }])
            .with::<Staff>(id, joined(id, level))
    }

    /// With a guest who accepted.
    pub fn with_guest(self, id: PortalUserId, client: ClientId) -> Self {
        self.with::<Contact>(contact_of(id), [contact_added(id, client)])
            .with::<Mailbox>(mailbox_of(id.0), [mailbox::Event::Claimed { by: Principal::PortalUser(id) }])
            .with::<PortalUser>(id, accepted(id, client))
    }
}

/// The firm began.
pub fn registered(plan: Plan) -> organization::Event {
    organization::Event::Registered {
        slug: Slug::parse("north-star").unwrap(),
        name: label("North Star"),
        plan,
        time_zone: TimeZone::parse("Europe/Tallinn").unwrap(),
        currency: euro(),
        locale: Locale::parse("en").unwrap(),
    }
}

/// A staff member was added and joined.
pub fn joined(id: StaffId, level: Level) -> [staff::Event; 2] {
    let invitation = invitation(id.0.as_u128());
    let joined = staff::Event::Joined { invitation: invitation.id };
    [staff_added(id, level, invitation), joined]
}

/// A staff member was added.
pub fn staff_added(id: StaffId, level: Level, invitation: Invitation) -> staff::Event {
    staff::Event::Added {
        level,
        name: Personal::about(id, label("A colleague")),
        email: Personal::about(id, "colleague@example.com".to_owned().try_into().unwrap()),
        mailbox: mailbox_of(id.0),
        invitation,
    }
}

/// A person at a client was put on record.
pub fn contact_added(id: PortalUserId, client: ClientId) -> contact::Event {
    contact::Event::Added {
        client,
        name: Personal::about(contact_of(id), label("A guest")),
        email: Personal::about(contact_of(id), "guest@example.com".to_owned().try_into().unwrap()),
        mailbox: mailbox_of(id.0),
    }
}

/// A guest was saved.
pub fn prepared(id: PortalUserId, client: ClientId) -> portal_user::Event {
    portal_user::Event::Prepared { contact: contact_of(id), client, mailbox: mailbox_of(id.0) }
}

/// A guest was invited.
pub fn invited(id: PortalUserId, client: ClientId, invitation: Invitation) -> portal_user::Event {
    let (contact, mailbox) = (contact_of(id), mailbox_of(id.0));
    portal_user::Event::Invited { contact, client, mailbox, invitation, replaces: None }
}

/// A guest was saved, invited, and accepted.
pub fn accepted(id: PortalUserId, client: ClientId) -> [portal_user::Event; 3] {
    let invitation = invitation(id.0.as_u128());
    let accepted =
        portal_user::Event::InvitationAccepted { invitation: invitation.id, contact: contact_of(id), client };
    [prepared(id, client), invited(id, client, invitation), accepted]
}

/// A guest was switched off.
pub fn deactivated(id: PortalUserId, client: ClientId) -> portal_user::Event {
    portal_user::Event::Deactivated { contact: contact_of(id), client }
}

/// The person behind a portal user.
pub fn contact_of(id: PortalUserId) -> ContactId {
    ContactId(Uuid::from_u128(id.0.as_u128() + 0x1000))
}

/// The address of somebody.
pub fn mailbox_of(id: Uuid) -> MailboxId {
    MailboxId(Uuid::from_u128(id.as_u128() + 0x2000))
}

/// An invitation that can be accepted until day 8.
pub fn invitation(number: u128) -> Invitation {
    Invitation { id: InvitationId(Uuid::from_u128(number)), nonce: format!("nonce {number}"), expires_at: day(8) }
}

/// A grant without end.
pub fn grant(rights: impl IntoIterator<Item = Right>) -> Grant {
    Grant { rights: rights.into_iter().collect(), window: Window::default() }
}

/// A name.
pub fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

/// The firm's currency.
pub fn euro() -> Currency {
    Currency::parse("EUR").unwrap()
}

/// An amount in cents.
pub fn eur(cents: i64) -> Money {
    Money::new(cents, euro()).unwrap()
}
