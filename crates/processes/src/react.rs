//! What follows from an event. Pure: the same event, the same items.

use crate::task::{Cause, InvitationMail, Item, Task, Waiting};
use chrono::TimeDelta;
use countersign_domain::billing::invoice;
use countersign_domain::clients::portal_user::{self, Invitation};
use countersign_domain::envelope::{Provenance, Recorded};
use countersign_domain::firm::staff;
use countersign_domain::ids::{PersonId, PortalUserId, ProjectId, StaffId};
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::Timestamp;
use countersign_domain::work::time_entry;
use uuid::Uuid;

/// Time that is submitted entry by entry is announced once in such a span.
const TIME_IS_ANNOUNCED_EVERY: TimeDelta = TimeDelta::minutes(15);

/// The items that an event puts on the agenda.
pub fn react(event: &Recorded) -> Vec<Item> {
    match &event.event {
        PortalEvent::Invoice(invoice) => after_invoice(event, invoice),
        PortalEvent::TimeEntry(time) => after_time_entry(event, time),
        PortalEvent::PortalUser(portal_user) => after_portal_user(event, portal_user),
        PortalEvent::Staff(staff) => after_staff(event, staff),
        PortalEvent::Organization(_)
        | PortalEvent::Seats(_)
        | PortalEvent::Client(_)
        | PortalEvent::Contact(_)
        | PortalEvent::Mailbox(_)
        | PortalEvent::Project(_)
        | PortalEvent::NumberSeries(_)
        | PortalEvent::ImportedCase(_) => Vec::new(),
    }
}

fn after_invoice(event: &Recorded, invoice: &invoice::Event) -> Vec<Item> {
    let id = event.stream.id.into();
    match invoice {
        // The right is the one that the approval carries, whatever has become of it since (F10.6).
        invoice::Event::Approved { auto_send: true, .. } => {
            vec![item(event, "auto_send", event.recorded_at, Task::SendInvoice { invoice: id })]
        }
        invoice::Event::PutInReview { project, .. } => {
            let task = Task::AskForApproval { project: *project, waiting: Waiting::Invoice(id) };
            mail(event, "ask_for_approval", task)
        }
        invoice::Event::Drafted(_)
        | invoice::Event::Revised(_)
        | invoice::Event::Recalled { .. }
        | invoice::Event::ApprovalGiven { .. }
        | invoice::Event::Approved { .. }
        | invoice::Event::ChangesRequested { .. }
        | invoice::Event::Sent { .. } => Vec::new(),
    }
}

fn after_time_entry(event: &Recorded, time: &time_entry::Event) -> Vec<Item> {
    match time {
        time_entry::Event::Submitted { booking, .. } => announce_time(event, booking.project),
        time_entry::Event::Logged { .. }
        | time_entry::Event::Revised { .. }
        | time_entry::Event::Recalled { .. }
        | time_entry::Event::ApprovalGiven { .. }
        | time_entry::Event::Approved { .. }
        | time_entry::Event::Rejected { .. } => Vec::new(),
    }
}

/// All entries of a project that are submitted in one span share an item: one mail, when the span is over.
fn announce_time(event: &Recorded, project: ProjectId) -> Vec<Item> {
    let task = Task::AskForApproval { project, waiting: Waiting::Time };
    let mut items = mail(event, "ask_for_time", task);
    for item in &mut items {
        let span = TIME_IS_ANNOUNCED_EVERY.num_seconds();
        let which = event.recorded_at.as_utc().timestamp().div_euclid(span);
        item.id = Uuid::new_v5(&project.0, format!("ask_for_time:{which}").as_bytes());
        item.due_at = Timestamp::from_micros((which + 1) * span * 1_000_000).unwrap_or(event.recorded_at);
    }
    items
}

fn after_portal_user(event: &Recorded, portal_user: &portal_user::Event) -> Vec<Item> {
    let id: PortalUserId = event.stream.id.into();
    match portal_user {
        portal_user::Event::Invited { contact, invitation, .. } => {
            let expiry = Task::ExpireInvitation { portal_user: id, invitation: invitation.id };
            let mut items = vec![item(event, "invitation_expiry", invitation.expires_at, expiry)];
            items.extend(mail_invitation(event, (*contact).into(), invitation));
            items
        }
        portal_user::Event::Prepared { .. }
        | portal_user::Event::InvitationRevoked { .. }
        | portal_user::Event::InvitationExpired { .. }
        | portal_user::Event::InvitationAccepted { .. }
        | portal_user::Event::Deactivated { .. }
        | portal_user::Event::Reactivated { .. } => Vec::new(),
    }
}

fn after_staff(event: &Recorded, staff: &staff::Event) -> Vec<Item> {
    let id: StaffId = event.stream.id.into();
    match staff {
        staff::Event::Added { invitation, .. } | staff::Event::Invited { invitation, .. } => {
            mail_invitation(event, id.into(), invitation)
        }
        staff::Event::Joined { .. }
        | staff::Event::LevelSet { .. }
        | staff::Event::Deactivated {}
        | staff::Event::Reactivated {} => Vec::new(),
    }
}

fn mail_invitation(event: &Recorded, person: PersonId, invitation: &Invitation) -> Vec<Item> {
    let Invitation { id, nonce, expires_at } = invitation.clone();
    let letter = InvitationMail { person, invitation: id, nonce, expires_at };
    mail(event, "mail_invitation", Task::MailInvitation(letter))
}

/// What happened only in a made-up history is written to nobody.
fn mail(event: &Recorded, name: &str, task: Task) -> Vec<Item> {
    match event.provenance {
        Provenance::Witnessed | Provenance::Imported { .. } => vec![item(event, name, event.recorded_at, task)],
        Provenance::Simulated => Vec::new(),
    }
}

fn item(event: &Recorded, name: &str, due_at: Timestamp, task: Task) -> Item {
    Item { id: Uuid::new_v5(&event.event_id.0, name.as_bytes()), due_at, task, cause: Cause::of(event) }
}
