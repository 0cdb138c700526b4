//! What is on a person's card, and what never leaves it.

use super::*;
use crate::testing::*;
use countersign_canon::canonical_text;
use countersign_domain::ids::{ContactId, MailboxId};

const CONTACT: ContactId = ContactId(uuid::Uuid::from_u128(0xc0));

fn added(name: Personal<Label>, email: Personal<Email>) -> PortalEvent {
    let mailbox: MailboxId = id(0xb0);
    PortalEvent::Contact(contact::Event::Added { client: ACME, name, email, mailbox })
}

fn sealed<T>() -> Personal<T> {
    Personal::Sealed { person: CONTACT.into(), sealed: "AAAA".to_owned() }
}

fn gina() -> History {
    let email = Email::parse("gina@acme.example").unwrap();
    let event = added(Personal::about(CONTACT, label("Gina")), Personal::about(CONTACT, email));
    History::default().then(CONTACT, event)
}

#[test]
fn a_card_has_name_and_address_while_they_can_be_opened() {
    let card = gina().row::<PersonCard>();
    assert_eq!((card.name.as_deref(), card.email.unwrap().as_str()), (Some("Gina"), "gina@acme.example"));
    let erased = History::default().then(CONTACT, added(sealed(), sealed())).row::<PersonCard>();
    assert_eq!((erased.name, erased.email), (None, None));
}

#[test] // F18.8
fn neither_a_digest_nor_a_log_tells_what_is_on_a_card() {
    let rows: Vec<_> = gina().rows::<PersonCard>().into_iter().collect();
    let erased: Vec<_> =
        History::default().then(CONTACT, added(sealed(), sealed())).rows::<PersonCard>().into_iter().collect();
    assert_eq!(canonical_text(&rows), canonical_text(&erased));
    assert!(!format!("{rows:?}").contains("Gina"));
}
