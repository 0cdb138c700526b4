use super::firm::{NewStaff, RegisterOrganization, add_staff, join_staff, register_organization};
use crate::envelope::Actor;
use crate::firm::organization::{Home, Plan};
use crate::firm::staff::Level;
use crate::ids::StaffId;
use crate::testing::cast::{ANN, PAUL, euro, invitation, label, mailbox_of};
use crate::testing::{Ledger, ORG};
use crate::use_case::UseCase;
use crate::values::{Email, Locale, Slug, TimeZone};

const BOSS: StaffId = StaffId(uuid::Uuid::from_u128(0x5f));
const NED: StaffId = StaffId(uuid::Uuid::from_u128(0x60));

fn register() -> UseCase {
    let home = Home {
        time_zone: TimeZone::parse("Europe/Tallinn").unwrap(),
        currency: euro(),
        locale: Locale::parse("en").unwrap(),
    };
    register_organization(RegisterOrganization {
        org: ORG,
        slug: Slug::parse("north-star").unwrap(),
        name: label("North Star"),
        plan: Plan::Trial,
        home,
        admin: newcomer(BOSS),
    })
}

fn newcomer(id: StaffId) -> NewStaff {
    NewStaff {
        id,
        name: label("A newcomer"),
        email: Email::parse("newcomer@example.com").unwrap(),
        mailbox: mailbox_of(id.0),
        invitation: invitation(5),
    }
}

#[test]
fn an_organization_begins_with_its_first_admin() {
    let mut ledger = Ledger::default().by(Actor::Operator);
    let happened = ledger.perform(&register()).unwrap();
    assert_eq!(happened, ["organization.registered", "mailbox.claimed", "staff.added"]);
    assert_eq!(ledger.perform(&register()).unwrap(), [""; 0]);
}

#[test]
fn the_first_admin_joins_and_adds_the_others() {
    let mut ledger = Ledger::default().by(Actor::Operator);
    ledger.perform(&register()).unwrap();
    assert_eq!(ledger.perform(&join_staff(BOSS, invitation(5).id)).unwrap(), ["staff.joined"]);
    let happened = ledger.by(BOSS).perform(&add_staff(newcomer(NED), Level::ProjectManager)).unwrap();
    assert_eq!(happened, ["mailbox.claimed", "staff.added"]);
}

#[test] // F4.26
fn an_address_that_is_known_is_not_added_to_the_staff_under_another_name() {
    let taken = NewStaff { mailbox: mailbox_of(PAUL.0), ..newcomer(NED) };
    let refused =
        Ledger::default().with_cast(Plan::Trial).by(ANN).perform(&add_staff(taken, Level::Auditor)).unwrap_err();
    assert_eq!(refused.code, "mailbox.in_use");
}
