//! What happens to clients and their people.

use crate::audit::names::Names;
use crate::audit::sentence::moment;
use countersign_domain::clients::{client, contact, mailbox, portal_user};
use countersign_domain::ids::{ContactId, PortalUserId};

pub(super) fn client(event: &client::Event) -> String {
    match event {
        client::Event::Opened { name } => format!("took on the client {name}"),
        client::Event::Renamed { from, to } => format!("renamed the client {from} to {to}"),
    }
}

pub(super) fn contact(event: &contact::Event, id: ContactId, names: &Names) -> String {
    match event {
        contact::Event::Added { client, .. } => {
            format!("put {} on record as a contact at {}", names.contact(id), names.client(*client))
        }
    }
}

pub(super) fn mailbox(event: &mailbox::Event, names: &Names) -> String {
    match event {
        mailbox::Event::Claimed { by } => format!("reserved a mail address for {}", names.principal(*by)),
        mailbox::Event::Released { by } => format!("gave back the mail address of {}", names.principal(*by)),
    }
}

pub(super) fn portal_user(event: &portal_user::Event, id: PortalUserId, names: &Names) -> String {
    match event {
        portal_user::Event::Prepared { contact, client, .. } => {
            format!("saved a portal account for {} at {}", names.contact(*contact), names.client(*client))
        }
        portal_user::Event::Invited { contact, client, invitation, replaces, .. } => {
            let instead = if replaces.is_some() { ", in place of the one before" } else { "" };
            let (who, client) = (names.contact(*contact), names.client(*client));
            format!("sent {who} at {client} an invitation until {}{instead}", moment(invitation.expires_at))
        }
        portal_user::Event::InvitationRevoked { .. } => {
            format!("took back the invitation of {}", names.portal_user(id))
        }
        portal_user::Event::InvitationExpired { .. } => {
            format!("noted that the time of the invitation of {} was over", names.portal_user(id))
        }
        portal_user::Event::InvitationAccepted { client, .. } => {
            format!("accepted the invitation to the portal, for {}", names.client(*client))
        }
        portal_user::Event::Deactivated { contact, client } => {
            format!("switched off the portal account of {} at {}", names.contact(*contact), names.client(*client))
        }
        portal_user::Event::Reactivated { contact, client } => {
            format!("switched the portal account of {} at {} on again", names.contact(*contact), names.client(*client))
        }
    }
}
