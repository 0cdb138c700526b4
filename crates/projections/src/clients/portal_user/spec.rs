//! What a portal user's row says after what has happened.

use super::*;
use crate::testing::*;
use countersign_domain::clients::portal_user::Invitation;

const CONTACT: ContactId = ContactId(uuid::Uuid::from_u128(0xc0));

fn happened(event: Event) -> PortalEvent {
    PortalEvent::PortalUser(event)
}

fn invited() -> History {
    let mailbox: MailboxId = id(0xb0);
    let invitation = Invitation { id: id(1), nonce: "00".to_owned(), expires_at: hour(100) };
    let prepared = Event::Prepared { contact: CONTACT, client: ACME, mailbox };
    let invited = Event::Invited { contact: CONTACT, client: ACME, mailbox, invitation, replaces: None };
    History::default().then(GINA, happened(prepared)).then(GINA, happened(invited))
}

fn accepted() -> Event {
    Event::InvitationAccepted { invitation: id(1), contact: CONTACT, client: ACME }
}

fn deactivated() -> Event {
    Event::Deactivated { contact: CONTACT, client: ACME }
}

fn reactivated() -> Event {
    Event::Reactivated { contact: CONTACT, client: ACME }
}

#[test] // F4.14
fn whoever_is_invited_is_pending_until_the_invitation_ends() {
    let row = invited().row::<PortalUser>();
    assert_eq!((row.status, row.invitation, row.expires_at), (Status::Pending, Some(id(1)), Some(hour(100))));
    for over in [Event::InvitationRevoked { invitation: id(1) }, Event::InvitationExpired { invitation: id(1) }] {
        let row = invited().then(GINA, happened(over)).row::<PortalUser>();
        assert_eq!((row.status, row.invitation, row.expires_at), (Status::Awaiting, None, None));
        assert_eq!(row.invited_at, Some(hour(2)));
    }
}

#[test] // F4.15 to F4.18
fn whoever_accepted_comes_back_active() {
    let history = invited().then(GINA, happened(accepted())).then(GINA, happened(deactivated()));
    let row = history.row::<PortalUser>();
    assert_eq!((row.status, row.accepted_at, row.deactivated_at), (Status::Inactive, Some(hour(3)), Some(hour(4))));
    let row = history.then(GINA, happened(reactivated())).row::<PortalUser>();
    assert_eq!((row.status, row.deactivated_at), (Status::Active, None));
}

#[test] // F4.18
fn whoever_never_accepted_comes_back_without_an_invitation() {
    let history = invited().then(GINA, happened(deactivated())).then(GINA, happened(reactivated()));
    let row = history.row::<PortalUser>();
    assert_eq!((row.status, row.invitation), (Status::Awaiting, None));
}
