//! The firm: one row. Its plan, where it is at home, and how many seats are taken.

mod query;
#[cfg(test)]
mod spec;
mod table;

pub use query::{OrganizationView, Seats, Subscription, get};

use crate::projector::{Keys, Projector, Rows};
use countersign_domain::envelope::Recorded;
use countersign_domain::firm::organization::{Event, Home, Plan};
use countersign_domain::firm::seats;
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::{Label, Slug};
use serde::Serialize;

/// The read model.
#[derive(Debug)]
pub struct Organization;

/// Its row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrganizationRow {
    slug: Slug,
    name: Label,
    plan: Plan,
    home: Home,
    seats_used: u32,
}

impl Projector for Organization {
    type Key = ();
    type Row = OrganizationRow;

    fn keys(event: &Recorded) -> Keys<()> {
        let concerns_it = matches!(event.event, PortalEvent::Organization(_) | PortalEvent::Seats(_));
        if concerns_it { Keys::one(()) } else { Keys::none() }
    }

    fn project(rows: &mut Rows<(), OrganizationRow>, event: &Recorded) {
        if let PortalEvent::Organization(event) = &event.event {
            settle_in(rows, event);
        } else if let PortalEvent::Seats(event) = &event.event {
            rows.change(&(), |row| row.count(event));
        }
    }
}

fn settle_in(rows: &mut Rows<(), OrganizationRow>, event: &Event) {
    match event {
        Event::Registered { slug, name, plan, time_zone, currency, locale } => {
            let home = Home { time_zone: time_zone.clone(), currency: *currency, locale: locale.clone() };
            let (slug, name) = (slug.clone(), name.clone());
            rows.put((), OrganizationRow { slug, name, plan: *plan, home, seats_used: 0 });
        }
        Event::PlanChanged { to, .. } => rows.change(&(), |row| row.plan = *to),
        Event::Localized { time_zone, currency, locale } => rows.change(&(), |row| {
            row.home = Home { time_zone: time_zone.clone(), currency: *currency, locale: locale.clone() };
        }),
    }
}

impl OrganizationRow {
    fn count(&mut self, event: &seats::Event) {
        self.seats_used = match event {
            seats::Event::Reserved { .. } => self.seats_used.saturating_add(1),
            seats::Event::Released { .. } => self.seats_used.saturating_sub(1),
        };
    }
}
