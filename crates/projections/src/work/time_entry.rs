//! Time entries: the latest revision of each, where it stands, and what was decided on it.

mod query;
mod table;

pub use query::{TimeEntryAmounts, TimeEntryView, get, of_project};

use crate::approval::Decision;
use crate::projector::{Keys, Projector, Rows};
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::TimeEntryId;
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::Timestamp;
use countersign_domain::work::time_entry::Event;
use countersign_domain::work::time_entry::content::Content;
use serde::{Deserialize, Serialize};

/// The read model.
#[derive(Debug)]
pub struct TimeEntry;

/// A time entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeEntryRow {
    content: Content,
    status: Status,
    since: Timestamp,
    /// On this revision, since approval was last asked.
    decisions: Vec<Decision>,
}

/// Where a time entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The author is at it.
    Logged,
    /// The client is asked.
    Submitted,
    /// The client wants it otherwise.
    Rejected,
    /// The client agrees.
    Approved,
}

impl Projector for TimeEntry {
    type Key = TimeEntryId;
    type Row = TimeEntryRow;

    fn keys(event: &Recorded) -> Keys<TimeEntryId> {
        let PortalEvent::TimeEntry(_) = &event.event else { return Keys::none() };
        Keys::one(event.stream.id.into())
    }

    fn project(rows: &mut Rows<TimeEntryId, TimeEntryRow>, event: &Recorded) {
        let PortalEvent::TimeEntry(entry) = &event.event else { return };
        let (id, at) = (TimeEntryId(event.stream.id), event.recorded_at);
        match entry {
            Event::Logged(content) | Event::Revised { content, .. } => {
                let content = content.clone();
                rows.put(id, TimeEntryRow { content, status: Status::Logged, since: at, decisions: Vec::new() });
            }
            Event::Submitted { .. } => rows.change(&id, |row| row.move_to(Status::Submitted, at)),
            Event::Recalled { .. } => rows.change(&id, |row| {
                row.move_to(Status::Logged, at);
                row.decisions.clear();
            }),
            Event::ApprovalGiven { approval, .. } => rows.change(&id, |row| {
                row.decisions.push(Decision::approved(approval, at));
            }),
            Event::Approved { approval, .. } => rows.change(&id, |row| {
                row.move_to(Status::Approved, at);
                row.decisions.push(Decision::approved(approval, at));
            }),
            Event::Rejected { approval, .. } => rows.change(&id, |row| {
                row.move_to(Status::Rejected, at);
                row.decisions.push(Decision::refused(approval, at));
            }),
        }
    }
}

impl TimeEntryRow {
    fn move_to(&mut self, status: Status, at: Timestamp) {
        self.status = status;
        self.since = at;
    }
}
