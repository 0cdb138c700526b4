//! People's names and addresses: the only rows with personal values. Erased people have none (F18.8).
//!
//! The values are no part of a digest: they cannot be opened again once a person's key is destroyed.

mod query;
#[cfg(test)]
mod spec;
mod table;

pub use query::{Card, Myself, cards, myself};

use crate::projector::{Keys, Projector, Rows};
use countersign_domain::clients::contact;
use countersign_domain::envelope::Recorded;
use countersign_domain::firm::staff;
use countersign_domain::ids::PersonId;
use countersign_domain::imported::case;
use countersign_domain::imported::verbatim::Verbatim;
use countersign_domain::personal::Personal;
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::{Email, Label};
use serde::Serialize;
use std::fmt;

/// The read model.
#[derive(Debug)]
pub struct PersonCard;

/// A person, as far as their values can be opened.
#[derive(Clone, PartialEq, Serialize)]
pub struct PersonCardRow {
    #[serde(skip)]
    name: Option<String>,
    #[serde(skip)]
    email: Option<Email>,
}

/// A log that prints a card by accident prints nothing of it.
impl fmt::Debug for PersonCardRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonCardRow(…)")
    }
}

impl Projector for PersonCard {
    type Key = PersonId;
    type Row = PersonCardRow;

    fn keys(event: &Recorded) -> Keys<PersonId> {
        written(&event.event).map_or_else(Keys::none, |(person, _)| Keys::one(person))
    }

    fn project(rows: &mut Rows<PersonId, PersonCardRow>, event: &Recorded) {
        let Some((person, card)) = written(&event.event) else { return };
        if rows.get(&person) != Some(&card) {
            rows.put(person, card);
        }
    }
}

/// Whose card an event writes, if it writes one.
fn written(event: &PortalEvent) -> Option<(PersonId, PersonCardRow)> {
    if let PortalEvent::Contact(contact) = event {
        return match contact {
            contact::Event::Added { name, email, .. } => Some(PersonCardRow::of(name, email)),
        };
    }
    if let PortalEvent::Staff(staff) = event {
        return match staff {
            staff::Event::Added { name, email, .. } => Some(PersonCardRow::of(name, email)),
            staff::Event::Invited { .. }
            | staff::Event::Joined { .. }
            | staff::Event::LevelSet { .. }
            | staff::Event::Deactivated {}
            | staff::Event::Reactivated {} => None,
        };
    }
    let PortalEvent::ImportedCase(case) = event else { return None };
    match case {
        case::Event::Opened { .. } => None,
        case::Event::StepRecorded { step, .. } => step.resource.as_ref().map(PersonCardRow::of_resource),
    }
}

impl PersonCardRow {
    fn of(name: &Personal<Label>, email: &Personal<Email>) -> (PersonId, Self) {
        let card = Self { name: name.clear().map(|name| name.as_str().to_owned()), email: email.clear().cloned() };
        (name.person(), card)
    }

    /// Whom another system names as resource has nothing but that name.
    fn of_resource(name: &Personal<Verbatim>) -> (PersonId, Self) {
        (name.person(), Self { name: name.clear().map(|name| name.as_str().to_owned()), email: None })
    }
}
