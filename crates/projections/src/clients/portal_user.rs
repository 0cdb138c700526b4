//! Portal users: where the life of each stands, from the invitation to the deactivation (F4.13 to F4.16).

mod query;
#[cfg(test)]
mod spec;
mod table;

pub use query::{PortalUserCounts, PortalUserFilter, PortalUserView, counts, get, list};

use crate::projector::{Keys, Projector, Rows};
use countersign_domain::clients::portal_user::Event;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::{ClientId, ContactId, InvitationId, MailboxId, PortalUserId};
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::Timestamp;
use serde::{Deserialize, Serialize};

/// The read model.
#[derive(Debug)]
pub struct PortalUser;

/// A portal user.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PortalUserRow {
    contact: ContactId,
    client: ClientId,
    mailbox: MailboxId,
    status: Status,
    prepared_at: Timestamp,
    /// The live invitation.
    invitation: Option<InvitationId>,
    invited_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    accepted_at: Option<Timestamp>,
    deactivated_at: Option<Timestamp>,
}

/// Where a portal user's life stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Saved, no live invitation.
    Awaiting,
    /// Invited, not accepted yet.
    Pending,
    /// Can use the portal.
    Active,
    /// Switched off.
    Inactive,
}

impl Projector for PortalUser {
    type Key = PortalUserId;
    type Row = PortalUserRow;

    fn keys(event: &Recorded) -> Keys<PortalUserId> {
        let PortalEvent::PortalUser(_) = &event.event else { return Keys::none() };
        Keys::one(event.stream.id.into())
    }

    fn project(rows: &mut Rows<PortalUserId, PortalUserRow>, event: &Recorded) {
        let PortalEvent::PortalUser(user) = &event.event else { return };
        let (id, at) = (PortalUserId(event.stream.id), event.recorded_at);
        match user {
            Event::Prepared { contact, client, mailbox } => {
                rows.put(id, PortalUserRow::prepared(*contact, *client, *mailbox, at));
            }
            Event::Invited { invitation, .. } => rows.change(&id, |row| {
                row.status = Status::Pending;
                row.invitation = Some(invitation.id);
                row.invited_at = Some(at);
                row.expires_at = Some(invitation.expires_at);
            }),
            Event::InvitationRevoked { .. } | Event::InvitationExpired { .. } => rows.change(&id, |row| {
                row.status = Status::Awaiting;
                row.without_invitation();
            }),
            Event::InvitationAccepted { .. } => rows.change(&id, |row| {
                row.status = Status::Active;
                row.accepted_at = Some(at);
                row.without_invitation();
            }),
            Event::Deactivated { .. } => rows.change(&id, |row| {
                row.status = Status::Inactive;
                row.deactivated_at = Some(at);
                row.without_invitation();
            }),
            Event::Reactivated { .. } => rows.change(&id, |row| {
                row.status = if row.accepted_at.is_some() { Status::Active } else { Status::Awaiting };
                row.deactivated_at = None;
            }),
        }
    }
}

impl PortalUserRow {
    fn prepared(contact: ContactId, client: ClientId, mailbox: MailboxId, at: Timestamp) -> Self {
        Self {
            contact,
            client,
            mailbox,
            status: Status::Awaiting,
            prepared_at: at,
            invitation: None,
            invited_at: None,
            expires_at: None,
            accepted_at: None,
            deactivated_at: None,
        }
    }

    fn without_invitation(&mut self) {
        self.invitation = None;
        self.expires_at = None;
    }
}
