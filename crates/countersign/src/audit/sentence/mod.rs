//! Each event as a sentence that a bookkeeper would accept: who did what, with what right, on which revision, and why.
//!
//! Total over all events: one file an area, one function an aggregate, one sentence an event, and no wildcard, so that a
//! new event does not compile until it can be told.

mod approvals;
mod billing;
mod clients;
mod firm;
mod imported;
mod work;

#[cfg(test)]
mod sentence_spec;

use crate::audit::names::Names;
use chrono::{DateTime, Utc};
use countersign_domain::access::{Right, Rights, Window};
use countersign_domain::envelope::{Actor, Recorded};
use countersign_domain::firm::staff::Level;
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::Timestamp;
use uuid::Uuid;

/// An event as a sentence.
pub(crate) fn sentence(recorded: &Recorded, names: &Names) -> String {
    let who = actor(&recorded.actor, names);
    let for_whom = recorded.on_behalf_of.map(|principal| format!(", on behalf of {},", names.principal(principal)));
    let deed = deed(&recorded.event, recorded.stream.id, names);
    format!("{who}{} {deed}.", for_whom.unwrap_or_default())
}

/// What happened, as the rest of a sentence that begins with who did it.
fn deed(event: &PortalEvent, id: Uuid, names: &Names) -> String {
    match event {
        PortalEvent::Organization(event) => firm::organization(event),
        PortalEvent::Staff(event) => firm::staff(event, id.into(), names),
        PortalEvent::Seats(event) => firm::seats(event, names),
        PortalEvent::Client(event) => clients::client(event),
        PortalEvent::Contact(event) => clients::contact(event, id.into(), names),
        PortalEvent::Mailbox(event) => clients::mailbox(event, names),
        PortalEvent::PortalUser(event) => clients::portal_user(event, id.into(), names),
        PortalEvent::Project(event) => work::project(event, id.into(), names),
        PortalEvent::TimeEntry(event) => work::time_entry(event, id.into(), names),
        PortalEvent::Invoice(event) => billing::invoice(event, id.into(), names),
        PortalEvent::NumberSeries(event) => billing::number_series(event, names),
        PortalEvent::ImportedCase(event) => imported::case(event, names),
    }
}

fn actor(actor: &Actor, names: &Names) -> String {
    match actor {
        Actor::Staff(id) => format!("{} (staff)", names.staff(*id)),
        Actor::PortalUser(id) => format!("{} (portal user)", names.portal_user(*id)),
        Actor::Token(_) => "An API token".to_owned(),
        Actor::Process(name) => format!("The process {}", name.as_str()),
        Actor::Importer => "The import".to_owned(),
        Actor::Operator => "The operator".to_owned(),
    }
}

/// A moment as people read it; the whole of it stands in the JSON.
fn moment(at: Timestamp) -> String {
    let at: DateTime<Utc> = at.as_utc();
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn right(right: Right) -> &'static str {
    match right {
        Right::FinancialVisibility => "to see financials",
        Right::InvoiceVisibility => "to see invoices",
        Right::ApproveInvoices => "to approve invoices",
        Right::AutoSendOnApproval => "to have invoices sent on approval",
        Right::ApproveTime => "to approve time",
    }
}

fn rights(rights: &Rights) -> String {
    if rights.is_empty() {
        return "no rights".to_owned();
    }
    let each: Vec<_> = rights.iter().map(|one| right(*one)).collect();
    let noun = if each.len() == 1 { "the right" } else { "the rights" };
    format!("{noun} {}", each.join(", "))
}

fn level(level: Level) -> String {
    level.as_str().replace('_', " ")
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// When something holds, if not always; with a leading space.
fn during(window: &Window) -> String {
    let from = window.from.map(|from| format!(" from {}", moment(from))).unwrap_or_default();
    let until = window.until.map(|until| format!(" until {}", moment(until))).unwrap_or_default();
    from + &until
}
