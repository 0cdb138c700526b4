//! The firm's staff: access level and status. Names are in `person_card`.

mod query;
mod table;

pub use query::{StaffView, list};

use crate::projector::{Keys, Projector, Rows};
use countersign_domain::envelope::Recorded;
use countersign_domain::firm::staff::{Event, Level};
use countersign_domain::ids::{InvitationId, MailboxId, StaffId};
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::Timestamp;
use serde::{Deserialize, Serialize};

/// The read model.
#[derive(Debug)]
pub struct Staff;

/// A staff member.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StaffRow {
    level: Level,
    status: Status,
    mailbox: MailboxId,
    added_at: Timestamp,
    joined_at: Option<Timestamp>,
    /// The live invitation.
    invitation: Option<InvitationId>,
}

/// Where a staff member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Never joined, and no invitation is live.
    Awaiting,
    /// Invited, has not joined yet.
    Invited,
    /// At work.
    Active,
    /// Switched off.
    Inactive,
}

impl Projector for Staff {
    type Key = StaffId;
    type Row = StaffRow;

    fn keys(event: &Recorded) -> Keys<StaffId> {
        let PortalEvent::Staff(_) = &event.event else { return Keys::none() };
        Keys::one(event.stream.id.into())
    }

    fn project(rows: &mut Rows<StaffId, StaffRow>, event: &Recorded) {
        let PortalEvent::Staff(staff) = &event.event else { return };
        let (id, at) = (StaffId(event.stream.id), event.recorded_at);
        match staff {
            Event::Added { level, mailbox, invitation, .. } => {
                let (level, mailbox, invitation) = (*level, *mailbox, Some(invitation.id));
                let status = Status::Invited;
                rows.put(id, StaffRow { level, status, mailbox, added_at: at, joined_at: None, invitation });
            }
            Event::Invited { invitation, .. } => rows.change(&id, |row| {
                row.status = Status::Invited;
                row.invitation = Some(invitation.id);
            }),
            Event::Joined { .. } => rows.change(&id, |row| {
                row.status = Status::Active;
                row.joined_at = Some(at);
                row.invitation = None;
            }),
            Event::LevelSet { to, .. } => rows.change(&id, |row| row.level = *to),
            Event::Deactivated {} => rows.change(&id, |row| {
                row.status = Status::Inactive;
                row.invitation = None;
            }),
            Event::Reactivated {} => rows.change(&id, |row| row.status = row.before_it_was_switched_off()),
        }
    }
}

impl StaffRow {
    fn before_it_was_switched_off(&self) -> Status {
        if self.joined_at.is_some() { Status::Active } else { Status::Awaiting }
    }
}
