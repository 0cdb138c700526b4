//! Invoices: the latest revision of each, where it stands, and who brought it there.

mod query;
#[cfg(test)]
mod spec;
mod table;

pub use query::{InvoiceFilter, InvoiceInternals, InvoiceLineView, InvoiceSummary, InvoiceView, get, list};

use crate::approval::Decision;
use crate::projector::{Keys, Projector, Rows};
use chrono::NaiveDate;
use countersign_domain::access::Action;
use countersign_domain::billing::content::Content;
use countersign_domain::billing::invoice::Event;
use countersign_domain::billing::number::InvoiceNumber;
use countersign_domain::envelope::{Actor, Recorded};
use countersign_domain::ids::InvoiceId;
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::Timestamp;
use serde::{Deserialize, Serialize};

/// The read model.
#[derive(Debug)]
pub struct Invoice;

/// An invoice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InvoiceRow {
    content: Content,
    status: Status,
    since: Timestamp,
    story: Story,
}

/// Who brought an invoice where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Story {
    drafted: Act,
    in_review: Option<Act>,
    /// On this revision, since it was last put in review.
    decisions: Vec<Decision>,
    sent: Option<Sent>,
}

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Act {
    by: Actor,
    at: Timestamp,
}

/// How an invoice was issued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sent {
    by: Actor,
    at: Timestamp,
    number: InvoiceNumber,
    issued_on: NaiveDate,
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The firm is at it.
    Draft,
    /// The client is asked.
    InReview,
    /// The client wants it otherwise.
    ChangesRequested,
    /// The client agrees.
    Approved,
    /// Issued.
    Sent,
}

impl Status {
    /// What lets somebody know that an invoice is there while it stands here (F10.1); as `Phase::seen_by` has it.
    fn seen_by(self) -> Action {
        match self {
            Self::Draft => Action::ViewDrafts,
            Self::InReview | Self::ChangesRequested | Self::Approved | Self::Sent => Action::ViewInvoices,
        }
    }
}

impl Projector for Invoice {
    type Key = InvoiceId;
    type Row = InvoiceRow;

    fn keys(event: &Recorded) -> Keys<InvoiceId> {
        let PortalEvent::Invoice(_) = &event.event else { return Keys::none() };
        Keys::one(event.stream.id.into())
    }

    fn project(rows: &mut Rows<InvoiceId, InvoiceRow>, event: &Recorded) {
        let PortalEvent::Invoice(invoice) = &event.event else { return };
        let id = InvoiceId(event.stream.id);
        let act = Act { by: event.actor.clone(), at: event.recorded_at };
        match invoice {
            Event::Drafted(content) => {
                rows.put(id, InvoiceRow::drafted(content, act));
            }
            Event::Revised(content) => rows.change(&id, |row| {
                row.content = content.clone();
                row.back_to_draft(act.at);
            }),
            Event::PutInReview { .. } => rows.change(&id, |row| {
                row.move_to(Status::InReview, act.at);
                row.story.in_review = Some(act);
            }),
            Event::Recalled { .. } => rows.change(&id, |row| row.back_to_draft(act.at)),
            Event::ApprovalGiven { approval, .. } => rows.change(&id, |row| {
                row.story.decisions.push(Decision::approved(approval, act.at));
            }),
            Event::Approved { approval, .. } => rows.change(&id, |row| {
                row.move_to(Status::Approved, act.at);
                row.story.decisions.push(Decision::approved(approval, act.at));
            }),
            Event::ChangesRequested { approval, .. } => rows.change(&id, |row| {
                row.move_to(Status::ChangesRequested, act.at);
                row.story.decisions.push(Decision::refused(approval, act.at));
            }),
            Event::Sent { number, issued_on, .. } => rows.change(&id, |row| {
                row.move_to(Status::Sent, act.at);
                let Act { by, at } = act;
                row.story.sent = Some(Sent { by, at, number: number.clone(), issued_on: *issued_on });
            }),
        }
    }
}

impl InvoiceRow {
    fn drafted(content: &Content, act: Act) -> Self {
        let since = act.at;
        let story = Story { drafted: act, in_review: None, decisions: Vec::new(), sent: None };
        Self { content: content.clone(), status: Status::Draft, since, story }
    }

    fn move_to(&mut self, status: Status, at: Timestamp) {
        self.status = status;
        self.since = at;
    }

    fn back_to_draft(&mut self, at: Timestamp) {
        self.move_to(Status::Draft, at);
        self.story.in_review = None;
        self.story.decisions.clear();
    }
}
