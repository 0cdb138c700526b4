//! Histories of real commands, made by chance: whatever the rules accept has happened.

use crate::dice::Dice;
use crate::firm::*;
use chrono::TimeDelta;
use countersign_domain::access::{Right, Window};
use countersign_domain::envelope::{Actor, Principal};
use countersign_domain::firm::organization::Plan;
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::{CaseId, InvoiceId, PortalUserId, ProjectId, StaffId, TimeEntryId};
use countersign_domain::imported::case::{Command, ImportedCase, Step, case_id};
use countersign_domain::imported::verbatim::{OriginalTime, Verbatim};
use countersign_domain::personal::Personal;
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::billing::*;
use countersign_domain::use_cases::clients::rename_client;
use countersign_domain::use_cases::firm::*;
use countersign_domain::use_cases::guests::*;
use countersign_domain::use_cases::projects::*;
use countersign_domain::use_cases::work_time::*;
use countersign_domain::values::Timestamp;
use countersign_projections::{billing, work};
use uuid::Uuid;

pub const STAFF: [StaffId; 4] = [ADA, PAUL, PETRA, AUDREY];

/// The guests whom chance plays with.
pub fn guests() -> Vec<PortalUserId> {
    (0..5).map(|number| PortalUserId(Uuid::from_u128(0x9a + number))).collect()
}

/// The projects whom chance plays with.
pub fn projects() -> Vec<ProjectId> {
    (0..3).map(|number| ProjectId(Uuid::from_u128(0xf1 + number))).collect()
}

pub fn entries() -> Vec<TimeEntryId> {
    (0..4).map(entry).collect()
}

pub fn invoices() -> Vec<InvoiceId> {
    (0..3).map(invoice).collect()
}

/// Everybody who may ask a question.
pub fn people() -> Vec<Principal> {
    STAFF.into_iter().map(Principal::Staff).chain(guests().into_iter().map(Principal::PortalUser)).collect()
}

/// What chance finds there: a project that is shown, with two guests on it.
pub async fn begin(firm: &Firm) {
    firm.show(PORTAL, "Portal").await;
    firm.welcome(GINA, PORTAL, Right::ALL).await;
    firm.welcome(GUS, PORTAL, [Right::InvoiceVisibility, Right::ApproveInvoices, Right::ApproveTime]).await;
}

/// Lets chance send so many commands; now and then the read models follow.
pub async fn happen(firm: &Firm, dice: &mut Dice, commands: usize) {
    for number in 0..commands {
        let (who, use_case) = command(firm, dice, number).await;
        firm.does(who, use_case).await;
        if dice.one_in(6) {
            firm.follow().await;
        }
    }
    firm.follow().await;
}

/// A command that may well be refused.
async fn command(firm: &Firm, dice: &mut Dice, number: usize) -> (Actor, UseCase) {
    // Most of it happens at one place, so that something comes of it.
    let guest = if dice.one_in(2) { GINA } else { guests()[dice.below(5)] };
    let project = if dice.one_in(2) { PORTAL } else { projects()[dice.below(3)] };
    let client = if dice.one_in(6) { GLOBEX } else { ACME };
    let staff = Actor::Staff(if dice.one_in(3) { STAFF[dice.below(4)] } else { ADA });
    // The admin stays: without one, little happens.
    let other = STAFF[1 + dice.below(3)];
    match dice.below(52) {
        0 => (staff, change_plan(firm.org, Plan::ALL[dice.below(4)])),
        1 => (staff, set_staff_level(other, Level::ALL[dice.below(3)])),
        2 if dice.one_in(3) => (staff, deactivate_staff(other)),
        2 => (staff, reactivate_staff(other)),
        3 => (staff, rename_client(client, label(&format!("Client {number}")))),
        4 => {
            let places = vec![place_of(project, dice)];
            let guest = firm.guest(guest, client, places).await;
            let invitation = invitation(Uuid::from_bytes(dice.bytes()));
            (staff, invite_guest(InviteGuest { org: firm.org, guest, invitation }))
        }
        5 => (staff, save_guest(firm.guest(guest, client, vec![]).await)),
        6 => (staff, resend_invitation(firm.org, guest, invitation(Uuid::from_bytes(dice.bytes())), Some(project))),
        7 => (staff, revoke_invitation(firm.org, guest, None)),
        8 | 9 => (Actor::PortalUser(guest), accept_invitation(guest, live_invitation(firm, guest).await)),
        10 if dice.one_in(2) => (staff, deactivate_portal_user(firm.org, guest)),
        10 => (staff, reactivate_portal_user(firm.org, guest)),
        11 => (staff, open_project(contract(project, client, &format!("Project {number}")))),
        12 if dice.one_in(4) => (staff, withdraw_project(project)),
        12 | 13 => (staff, publish_project(project)),
        14 | 44..=48 => (staff, add_guest(guest, place_of(project, dice))),
        15 => (staff, grant_right(project, guest, Right::ALL[dice.below(5)])),
        16 if dice.one_in(3) => (staff, remove_guest(project, guest)),
        16 => (staff, withdraw_right(project, guest, Right::ALL[dice.below(5)])),
        17 => (staff, assign_manager(project, STAFF[dice.below(4)])),
        18..=29 => time(firm, dice, (project, guest)).await,
        30..=43 => bill(firm, dice, (project, guest)).await,
        _ => (Actor::Importer, import(firm, dice)),
    }
}

async fn time(firm: &Firm, dice: &mut Dice, (project, guest): (ProjectId, PortalUserId)) -> (Actor, UseCase) {
    let number = dice.below(4);
    let (id, author) = (entries()[number], Actor::Staff(if number.is_multiple_of(2) { ADA } else { PAUL }));
    let hours = ["0.25", "1.5", "8", "7.75"][dice.below(4)];
    match dice.below(8) {
        0 | 1 => (author, log_time(logged(id, project, hours))),
        2 => (author, revise_time(id, worked(hours), salt(Uuid::from_bytes(dice.bytes())))),
        3 | 4 => (author, submit_time(id)),
        5 => (author, recall_time(id)),
        decision => {
            let view = work::time_entry::get(&firm.pool, &firm.scope(guest), now(), id).await;
            let shown = view.map(|view| view.shown).unwrap_or(countersign_canon::Digest([0; 32]));
            let approve = decision == 6;
            let by = Actor::PortalUser(guest);
            if approve { (by, approve_time(id, shown, None)) } else { (by, reject_time(id, shown, note("Not so"))) }
        }
    }
}

async fn bill(firm: &Firm, dice: &mut Dice, (project, guest): (ProjectId, PortalUserId)) -> (Actor, UseCase) {
    let (id, ada) = (invoices()[dice.below(3)], Actor::Staff(ADA));
    let lines = charging(project, 100 * (1 + dice.below(500) as i64), []);
    match dice.below(8) {
        0 | 1 => (ada, draft_invoice(drafted(id, project, lines))),
        2 => (ada, revise_invoice(id, lines, salt(Uuid::from_bytes(dice.bytes())))),
        3 | 4 => (ada, put_invoice_in_review(id)),
        5 if dice.one_in(2) => (ada, recall_invoice(id)),
        5 => (ada, firm.sending(id)),
        decision => {
            let view = billing::invoice::get(&firm.pool, &firm.scope(guest), now(), id).await;
            let shown = view.map(|view| view.shown).unwrap_or(countersign_canon::Digest([0; 32]));
            let approve = decision == 6;
            let by = Actor::PortalUser(guest);
            if approve {
                (by, approve_invoice(id, shown, Some(note("Fine"))))
            } else {
                (by, request_invoice_changes(id, shown, note("Not so")))
            }
        }
    }
}

/// A case whose later exports are longer.
fn import(firm: &Firm, dice: &mut Dice) -> UseCase {
    let activities = [
        "Declaration SUBMITTED by EMPLOYEE",
        "Declaration APPROVED by ADMINISTRATION",
        "Declaration REJECTED by SUPERVISOR",
        "Declaration FINAL_APPROVED by SUPERVISOR",
        "Payment Handled",
        "Something else",
    ];
    let (log, case) = (label("DomesticDeclarations"), Verbatim::parse(&format!("case {}", dice.below(3))).unwrap());
    let steps = (0..dice.below(8)).map(|number| {
        let name = Verbatim::parse("STAFF MEMBER").unwrap();
        Step {
            id: Verbatim::parse(&format!("step {number}")).unwrap(),
            activity: Verbatim::parse(activities[number % 6]).unwrap(),
            at: OriginalTime::parse(&format!("2018-02-0{}T10:00:00+01:00", number + 1)).ok(),
            role: None,
            resource: Some(Personal::about(countersign_domain::ids::PersonId(Uuid::from_u128(0x9e)), name)),
            amount: None,
        }
    });
    let id: CaseId = case_id(firm.org, &log, &case);
    UseCase::single::<ImportedCase>("ImportCase", id, Command::Record { log, case, steps: steps.collect() })
}

/// A place with rights that make sense together, now and then for another time.
fn place_of(project: ProjectId, dice: &mut Dice) -> Place {
    let sets: [&[Right]; 5] = [
        &[],
        &[Right::FinancialVisibility],
        &[Right::InvoiceVisibility, Right::ApproveInvoices],
        &[Right::InvoiceVisibility, Right::ApproveInvoices, Right::AutoSendOnApproval, Right::ApproveTime],
        &Right::ALL,
    ];
    let day = |days: i64| -> Timestamp { now().plus(TimeDelta::days(days)) };
    let window = match dice.below(5) {
        0 => Window { from: Some(day(1)), until: None },
        1 => Window { from: None, until: Some(day(-1)) },
        2 => Window { from: Some(day(-1)), until: Some(day(1)) },
        _ => Window::default(),
    };
    Place { window, ..place(project, sets[dice.below(5)].iter().copied()) }
}

async fn live_invitation(firm: &Firm, guest: PortalUserId) -> countersign_domain::ids::InvitationId {
    let view = countersign_projections::clients::portal_user::get(&firm.pool, &firm.scope(ADA), now(), guest).await;
    view.ok().and_then(|view| view.invitation).unwrap_or(invitation(Uuid::nil()).id)
}
