//! Projects: contract, hours and value used of it, what was invoiced, and when anything last changed.

mod query;
#[cfg(test)]
mod spec;
mod table;

pub(crate) use query::ProjectColumns;
pub use query::{
    ContractLineAmounts, ContractLineView, ProjectAmounts, ProjectFilter, ProjectInternals, ProjectView, RosterEntry,
    get, list, roster,
};

use crate::projector::{Keys, Projector, Rows};
use countersign_domain::billing::invoice;
use countersign_domain::envelope::{ObjectKind, Recorded};
use countersign_domain::ids::{ClientId, ContractLineId, ProjectId, StaffId};
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::{Currency, Label, Money, Timestamp};
use countersign_domain::work::project::{ContractLine, Event};
use countersign_domain::work::time_entry::{self, Amount};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The read model.
#[derive(Debug)]
pub struct Project;

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectRow {
    client: ClientId,
    name: Label,
    currency: Currency,
    manager: Option<StaffId>,
    published: bool,
    contract_lines: Vec<LineRow>,
    hours_used: Decimal,
    hours_approved: Decimal,
    invoiced: Money,
    /// The last change of any kind.
    changed_at: Timestamp,
    /// The last change that everybody on the roster can see.
    shown_changed_at: Timestamp,
}

/// A line of the contract, and what was used of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LineRow {
    line: ContractLine,
    hours_used: Decimal,
    used: Money,
}

/// Who can see that something changed.
enum Seen {
    /// Everybody on the roster.
    ByTheClient,
    /// The firm, and whoever holds the right that the thing itself asks for.
    ByTheFirm,
}

impl Projector for Project {
    type Key = ProjectId;
    type Row = ProjectRow;

    fn keys(event: &Recorded) -> Keys<ProjectId> {
        Keys::of(projects(event))
    }

    fn project(rows: &mut Rows<ProjectId, ProjectRow>, event: &Recorded) {
        for id in projects(event) {
            let seen = match &event.event {
                PortalEvent::Project(project) => happened(rows, id, project, event.recorded_at),
                PortalEvent::TimeEntry(entry) => {
                    rows.change(&id, |row| row.work(entry));
                    Seen::ByTheClient
                }
                PortalEvent::Invoice(invoice) => {
                    rows.change(&id, |row| row.bill(invoice));
                    Seen::ByTheFirm
                }
                PortalEvent::Organization(_)
                | PortalEvent::Staff(_)
                | PortalEvent::Seats(_)
                | PortalEvent::Client(_)
                | PortalEvent::Contact(_)
                | PortalEvent::Mailbox(_)
                | PortalEvent::PortalUser(_)
                | PortalEvent::NumberSeries(_)
                | PortalEvent::ImportedCase(_) => Seen::ByTheFirm,
            };
            rows.change(&id, |row| row.changed(event.recorded_at, &seen));
        }
    }
}

fn projects(event: &Recorded) -> impl Iterator<Item = ProjectId> {
    event.objects.iter().filter(|object| object.kind == ObjectKind::Project).map(|object| ProjectId(object.id))
}

fn happened(rows: &mut Rows<ProjectId, ProjectRow>, id: ProjectId, event: &Event, at: Timestamp) -> Seen {
    match event {
        Event::Opened { client, name, currency, manager, contract_lines } => {
            rows.put(
                id,
                ProjectRow {
                    client: *client,
                    name: name.clone(),
                    currency: *currency,
                    manager: *manager,
                    published: false,
                    contract_lines: contract_lines.iter().map(|line| LineRow::unused(line, *currency)).collect(),
                    hours_used: Decimal::ZERO,
                    hours_approved: Decimal::ZERO,
                    invoiced: Money::zero(*currency),
                    changed_at: at,
                    shown_changed_at: at,
                },
            );
            Seen::ByTheClient
        }
        Event::ManagerAssigned { to, .. } => {
            rows.change(&id, |row| row.manager = Some(*to));
            Seen::ByTheFirm
        }
        Event::Published { .. } => {
            rows.change(&id, |row| row.published = true);
            Seen::ByTheClient
        }
        Event::Withdrawn { .. } => {
            rows.change(&id, |row| row.published = false);
            Seen::ByTheClient
        }
        // The roster is read from the access rows.
        Event::AccessGranted { .. } | Event::AccessRevised { .. } | Event::AccessRevoked { .. } => Seen::ByTheFirm,
    }
}

impl ProjectRow {
    fn work(&mut self, event: &time_entry::Event) {
        match event {
            time_entry::Event::Logged(content) => self.spend(content.contract_line, content.amount()),
            time_entry::Event::Revised { content, before } => {
                self.unspend(content.contract_line, *before);
                self.spend(content.contract_line, content.amount());
            }
            time_entry::Event::Approved { amount, .. } => {
                self.hours_approved = (self.hours_approved + amount.hours.as_decimal()).normalize();
            }
            time_entry::Event::Submitted { .. }
            | time_entry::Event::Recalled { .. }
            | time_entry::Event::ApprovalGiven { .. }
            | time_entry::Event::Rejected { .. } => {}
        }
    }

    fn bill(&mut self, event: &invoice::Event) {
        match event {
            invoice::Event::Sent { total, .. } => self.invoiced = plus(self.invoiced, total.minor()),
            invoice::Event::Drafted(_)
            | invoice::Event::Revised(_)
            | invoice::Event::PutInReview { .. }
            | invoice::Event::Recalled { .. }
            | invoice::Event::ApprovalGiven { .. }
            | invoice::Event::Approved { .. }
            | invoice::Event::ChangesRequested { .. } => {}
        }
    }

    fn spend(&mut self, line: ContractLineId, amount: Amount) {
        self.book(line, amount.hours.as_decimal(), amount.value.minor());
    }

    fn unspend(&mut self, line: ContractLineId, amount: Amount) {
        self.book(line, -amount.hours.as_decimal(), -amount.value.minor());
    }

    fn book(&mut self, line: ContractLineId, hours: Decimal, minor: i64) {
        self.hours_used = (self.hours_used + hours).normalize();
        if let Some(row) = self.contract_lines.iter_mut().find(|row| row.line.id == line) {
            row.hours_used = (row.hours_used + hours).normalize();
            row.used = plus(row.used, minor);
        }
    }

    fn changed(&mut self, at: Timestamp, seen: &Seen) {
        self.changed_at = at;
        match seen {
            Seen::ByTheClient => self.shown_changed_at = at,
            Seen::ByTheFirm => {}
        }
    }
}

impl LineRow {
    fn unused(line: &ContractLine, currency: Currency) -> Self {
        let line = ContractLine { hours: line.hours.normalize(), ..line.clone() };
        Self { line, hours_used: Decimal::ZERO, used: Money::zero(currency) }
    }
}

/// A total that no amount can hold stays where it is: nothing that is worked or sold comes near.
fn plus(total: Money, minor: i64) -> Money {
    Money::new(total.minor().saturating_add(minor), total.currency()).unwrap_or(total)
}
