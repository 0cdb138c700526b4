use super::firm::change_plan;
use super::guests::{
    Guest, InviteGuest, Place, accept_invitation, deactivate_portal_user, expire_invitation, invite_guest,
    reactivate_portal_user, resend_invitation, revoke_invitation, save_guest,
};
use super::projects::{grant_financial_access, grant_right, withdraw_right};
use crate::access::{Right, Window};
use crate::clients::portal_user::PortalUser;
use crate::decider::RejectionKind;
use crate::firm::organization::{Organization, Plan};
use crate::firm::seats::{Seats, overrun};
use crate::ids::PortalUserId;
use crate::testing::cast::{ACME, ANN, GLOBEX, PAUL, PETRA, PORTAL, contact_of, invitation, label, mailbox_of};
use crate::testing::{Ledger, ORG, day, id};
use crate::values::Email;
use crate::work::project::Project;

/// The guest of these specifications.
const NORA: PortalUserId = PortalUserId(uuid::Uuid::from_u128(0x900));

fn firm(plan: Plan) -> Ledger {
    Ledger::default().with_cast(plan).with_portal_project().by(ANN)
}

fn guest(portal_user: PortalUserId, projects: Vec<Place>) -> Guest {
    Guest {
        portal_user,
        contact: contact_of(portal_user),
        client: ACME,
        name: label("Nora"),
        email: Email::parse("nora@example.com").unwrap(),
        mailbox: mailbox_of(portal_user.0),
        projects,
    }
}

fn on_portal(rights: impl IntoIterator<Item = Right>) -> Vec<Place> {
    vec![Place { project: PORTAL, rights: rights.into_iter().collect(), window: Window::default() }]
}

fn inviting(guest: Guest) -> InviteGuest {
    InviteGuest { org: ORG, guest, invitation: invitation(1) }
}

fn nora() -> InviteGuest {
    inviting(guest(NORA, on_portal([Right::FinancialVisibility])))
}

/// The firm on a plan, with this many guests who hold a seat.
fn with_guests(plan: Plan, count: u128) -> Ledger {
    (0..count).fold(firm(plan), |mut ledger, number| {
        ledger.perform(&invite_guest(inviting(guest(id(0x800 + number), vec![])))).unwrap();
        ledger
    })
}

#[test] // F4.2, F4.5, F4.6
fn inviting_a_guest_is_one_errand_of_six_events() {
    let happened = firm(Plan::Starter).perform(&invite_guest(nora())).unwrap();
    assert_eq!(
        happened,
        [
            "contact.added",
            "mailbox.claimed",
            "portal_user.prepared",
            "invitation.sent",
            "seats.reserved",
            "project.access_granted",
        ]
    );
}

#[test]
fn inviting_the_same_guest_again_changes_nothing() {
    let mut ledger = firm(Plan::Starter);
    ledger.perform(&invite_guest(nora())).unwrap();
    assert_eq!(ledger.perform(&invite_guest(nora())).unwrap(), [""; 0]);
}

#[test] // F4.12
fn a_guest_who_is_saved_without_sending_gets_places_but_no_seat() {
    let happened = firm(Plan::Starter).perform(&save_guest(guest(NORA, on_portal([])))).unwrap();
    assert_eq!(happened, ["contact.added", "mailbox.claimed", "portal_user.prepared", "project.access_granted"]);
}

#[test] // F4.10, F4.12
fn who_was_saved_can_be_invited_later() {
    let mut ledger = firm(Plan::Starter);
    ledger.perform(&save_guest(guest(NORA, vec![]))).unwrap();
    let happened = ledger.perform(&resend_invitation(ORG, NORA, invitation(1), None)).unwrap();
    assert_eq!(happened, ["invitation.sent", "seats.reserved"]);
}

#[test] // F4.4
fn a_project_manager_invites_to_an_own_project_in_one_errand() {
    assert_eq!(firm(Plan::Starter).by(PAUL).perform(&invite_guest(nora())).unwrap().len(), 6);
    let refused = firm(Plan::Starter).by(PETRA).perform(&invite_guest(nora())).unwrap_err();
    assert_eq!((refused.code, refused.kind), ("access.denied", RejectionKind::NotAllowed));
    let elsewhere = Guest { client: GLOBEX, ..guest(NORA, on_portal([])) };
    let refused = firm(Plan::Starter).by(PAUL).perform(&invite_guest(inviting(elsewhere))).unwrap_err();
    assert_eq!(refused.code, "contact.client_differs");
}

#[test]
fn an_errand_happens_as_a_whole_or_not_at_all() {
    let mut ledger = firm(Plan::Starter);
    let nowhere = Place { project: id(404), rights: [].into(), window: Window::default() };
    let refused = ledger.perform(&invite_guest(inviting(guest(NORA, vec![nowhere])))).unwrap_err();
    assert_eq!((refused.code, refused.kind), ("not_found", RejectionKind::Unseen));
    assert!(ledger.folded::<PortalUser>(NORA).identity().is_none());
    assert_eq!(ledger.folded::<Seats>(ORG).used(), 0);
}

#[test] // F1.1
fn the_eleventh_guest_of_a_starter_plan_is_refused_with_the_limit_named() {
    let mut ledger = with_guests(Plan::Starter, 10);
    let refused = ledger.perform(&invite_guest(nora())).unwrap_err();
    assert_eq!(refused.code, "seats.none_left");
    assert_eq!(refused.details, [("limit", "10".to_owned()), ("used", "10".to_owned())]);
    assert!(ledger.folded::<PortalUser>(NORA).identity().is_none());
}

#[test] // F1.2
fn from_trial_to_starter_guests_stay_and_new_ones_wait_for_a_seat() {
    let mut ledger = with_guests(Plan::Trial, 25);
    assert_eq!(ledger.perform(&change_plan(ORG, Plan::Starter)).unwrap(), ["organization.plan_changed"]);
    let limit = ledger.folded::<Organization>(ORG).guest_seats();
    let seats = ledger.folded::<Seats>(ORG);
    assert_eq!((seats.used(), overrun(seats.used(), limit)), (25, 15));
    assert_eq!(ledger.perform(&invite_guest(nora())).unwrap_err().code, "seats.none_left");
}

#[test] // F1.1, F4.17, F4.23
fn revocation_expiry_and_deactivation_free_the_seat() {
    let freed = |errand, day_number| {
        let mut ledger = with_guests(Plan::Starter, 10).at(day(day_number));
        assert_eq!(ledger.perform(&errand).unwrap().last().map(String::as_str), Some("seats.released"));
        assert_eq!(ledger.perform(&invite_guest(nora())).unwrap().len(), 6);
    };
    let first = id(0x800);
    freed(revoke_invitation(ORG, first, None), 2);
    freed(expire_invitation(ORG, first, invitation(1).id), 9);
    freed(deactivate_portal_user(ORG, first), 2);
}

#[test] // F1.1, F4.18
fn coming_back_needs_a_free_seat() {
    let mut ledger = with_guests(Plan::Starter, 9);
    ledger.perform(&invite_guest(nora())).unwrap();
    ledger.perform(&accept_invitation(NORA, invitation(1).id)).unwrap();
    ledger.perform(&deactivate_portal_user(ORG, NORA)).unwrap();
    ledger.perform(&invite_guest(inviting(guest(id(0x901), vec![])))).unwrap();
    assert_eq!(ledger.perform(&reactivate_portal_user(ORG, NORA)).unwrap_err().code, "seats.none_left");
    ledger.perform(&deactivate_portal_user(ORG, id(0x901))).unwrap();
    let happened = ledger.perform(&reactivate_portal_user(ORG, NORA)).unwrap();
    assert_eq!(happened, ["portal_user.reactivated", "seats.reserved"]);
}

#[test] // F4.17, D9
fn grants_wait_while_a_guest_is_switched_off() {
    let mut ledger = firm(Plan::Starter);
    ledger.perform(&invite_guest(nora())).unwrap();
    ledger.perform(&accept_invitation(NORA, invitation(1).id)).unwrap();
    let happened = ledger.perform(&deactivate_portal_user(ORG, NORA)).unwrap();
    assert_eq!(happened, ["portal_user.deactivated", "seats.released"]);
    let project = ledger.folded::<Project>(PORTAL);
    assert_eq!(project.holders_of(Right::FinancialVisibility, day(2)).collect::<Vec<_>>(), [NORA]);
}

#[test] // F4.26
fn an_address_that_is_known_is_not_invited_under_another_name() {
    let mut ledger = firm(Plan::Starter);
    let paul = Guest { mailbox: mailbox_of(PAUL.0), ..guest(NORA, vec![]) };
    let refused = ledger.perform(&invite_guest(inviting(paul))).unwrap_err();
    assert_eq!(refused.code, "mailbox.in_use");
    assert_eq!(refused.details, [("holder_kind", "staff".to_owned()), ("holder_id", PAUL.to_string())]);
}

#[test] // F4.6, F4.7
fn each_right_is_granted_and_withdrawn_under_its_own_name() {
    let names = |errand: fn(_, _, _) -> _| Right::ALL.map(|right| errand(PORTAL, NORA, right)).map(name);
    assert_eq!(
        names(grant_right),
        [
            "GrantFinancialAccess",
            "GrantInvoiceVisibility",
            "GrantInvoiceApproval",
            "GrantAutoSend",
            "GrantTimeApproval",
        ]
    );
    assert_eq!(
        names(withdraw_right),
        [
            "WithdrawFinancialAccess",
            "WithdrawInvoiceVisibility",
            "WithdrawInvoiceApproval",
            "WithdrawAutoSend",
            "WithdrawTimeApproval",
        ]
    );
    assert_eq!(name(grant_financial_access(PORTAL, NORA)), "GrantFinancialAccess");
}

fn name(errand: crate::use_case::UseCase) -> &'static str {
    errand.name
}
