//! Cases of another system's history: their steps, and what is odd about them.

mod query;
#[cfg(test)]
mod spec;
mod table;

pub use query::{CaseFilter, CaseView, LogTotals, get, list, named, totals};

use crate::projector::{Keys, Projector, Rows};
use countersign_domain::decider::Rejected;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::CaseId;
use countersign_domain::imported::activity::{Activity, Kind};
use countersign_domain::imported::case::{Event, KnownStep};
use countersign_domain::imported::check::check;
use countersign_domain::imported::exceptions::exceptions;
use countersign_domain::imported::route::Route;
use countersign_domain::imported::verbatim::Verbatim;
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::{Label, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;

/// The read model.
#[derive(Debug)]
pub struct ImportedCase;

/// A case. What is odd about it is computed from these when the row is written, once for all steps of a batch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportedCaseRow {
    log: Label,
    name: Verbatim,
    /// In file order.
    steps: Vec<KnownStep>,
}

impl Projector for ImportedCase {
    type Key = CaseId;
    type Row = ImportedCaseRow;

    fn keys(event: &Recorded) -> Keys<CaseId> {
        let PortalEvent::ImportedCase(_) = &event.event else { return Keys::none() };
        Keys::one(event.stream.id.into())
    }

    fn project(rows: &mut Rows<CaseId, ImportedCaseRow>, event: &Recorded) {
        let PortalEvent::ImportedCase(case) = &event.event else { return };
        let id = CaseId(event.stream.id);
        match case {
            Event::Opened { log, case } => {
                rows.put(id, ImportedCaseRow { log: log.clone(), name: case.clone(), steps: Vec::new() });
            }
            Event::StepRecorded { index, step } => rows.change(&id, |row| {
                let place = (*index as usize).min(row.steps.len());
                row.steps.insert(place, KnownStep::from(step));
            }),
        }
    }
}

impl ImportedCaseRow {
    /// Codes of what is odd about it.
    fn exceptions(&self) -> Vec<String> {
        let found = exceptions(self.steps.iter().map(|step| step.activity.as_str()));
        found.into_iter().map(|exception| exception.code().to_owned()).collect()
    }

    /// Codes of what our approval engine would have refused.
    fn refusals(&self) -> Vec<String> {
        let refused = check(Route::of_log(self.log.as_str()), &self.steps);
        refused.into_iter().map(|refused| refused.code().to_owned()).collect()
    }

    /// Names of activities that say nothing to us.
    fn unknown_activities(&self) -> Vec<String> {
        let names: BTreeSet<_> = self.steps.iter().map(|step| step.activity.as_str()).collect();
        names.into_iter().filter(|name| Activity::read(name).kind == Kind::Unknown).map(str::to_owned).collect()
    }

    fn first_at(&self) -> Option<Timestamp> {
        self.steps.iter().filter_map(|step| step.at).min()
    }

    fn last_at(&self) -> Option<Timestamp> {
        self.steps.iter().filter_map(|step| step.at).max()
    }
}
