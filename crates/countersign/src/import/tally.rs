//! What a log's cases are counted for. A case may stand in a log more than once, and counts once.
//!
//! Of every case, its id and the numbers of what was found are kept, some fifty bytes: the steps of a case that comes
//! again are not at hand any more, so that what it comes to as a whole is asked of the ledger's rows afterwards.

use crate::import::findings::Findings;
use countersign_domain::decider::Rejected;
use countersign_domain::ids::CaseId;
use countersign_projections::imported::case::CaseView;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Activities that say nothing to us are listed up to here: a report does not grow with the log.
const ACTIVITIES_LISTED: usize = 1_000;

/// What the cases are counted for so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Everything that was found in some case, and in how many.
    found: Vec<(Finding, u64)>,
    /// Where each of these stands.
    places: HashMap<Finding, u16>,
    /// What each case is counted for.
    cases: HashMap<CaseId, Box<[u16]>>,
    /// Those that came more than once.
    repeated: BTreeSet<CaseId>,
    activities: usize,
}

/// Something that is odd about a case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Finding {
    /// An exception, by its code.
    Exception(String),
    /// A refusal of our approval engine, by its code.
    Refusal(String),
    /// An activity that says nothing to us, by its name.
    Activity(String),
}

impl Tally {
    /// Counts a case by what was found in a part of it; if it is here for the first time, that is all of it.
    pub(crate) fn take(&mut self, case: CaseId, findings: Findings) {
        if self.cases.contains_key(&case) {
            self.repeated.insert(case);
        } else {
            self.count(case, Finding::all_of(findings));
        }
    }

    /// Counts a case that came more than once by all of its steps.
    pub(crate) fn take_whole(&mut self, view: CaseView) {
        for place in self.cases.remove(&view.case).unwrap_or_default() {
            self.found[usize::from(place)].1 -= 1;
        }
        self.repeated.remove(&view.case);
        self.count(view.case, Finding::all_in(view));
    }

    /// The cases that came more than once.
    pub(crate) fn repeated(&self) -> Vec<CaseId> {
        self.repeated.iter().copied().collect()
    }

    /// How many cases there are.
    pub(crate) fn cases(&self) -> u64 {
        self.cases.len() as u64
    }

    /// In how many cases something was found, by the names that `named` picks.
    pub(crate) fn of(&self, named: fn(&Finding) -> Option<&str>) -> BTreeMap<String, u64> {
        let cases = self.found.iter().filter(|(_, cases)| *cases > 0);
        cases.filter_map(|(finding, cases)| Some((named(finding)?.to_owned(), *cases))).collect()
    }

    fn count(&mut self, case: CaseId, findings: impl Iterator<Item = Finding>) {
        let places: Box<[u16]> = findings.filter_map(|finding| self.place(finding)).collect();
        for place in &places {
            self.found[usize::from(*place)].1 += 1;
        }
        self.cases.insert(case, places);
    }

    /// Where something that was found stands; nowhere once there are too many names.
    fn place(&mut self, finding: Finding) -> Option<u16> {
        if let Some(place) = self.places.get(&finding) {
            return Some(*place);
        }
        if let Finding::Activity(_) = finding {
            if self.activities == ACTIVITIES_LISTED {
                return None;
            }
            self.activities += 1;
        }
        let place = u16::try_from(self.found.len()).ok()?;
        self.found.push((finding.clone(), 0));
        self.places.insert(finding, place);
        Some(place)
    }
}

impl Finding {
    fn all_of(findings: Findings) -> impl Iterator<Item = Self> {
        let Findings { exceptions, refusals, unknown_activities } = findings;
        let exceptions = exceptions.into_iter().map(|found| Self::Exception(found.code().to_owned()));
        let refusals = refusals.into_iter().map(|found| Self::Refusal(found.code().to_owned()));
        exceptions.chain(refusals).chain(unknown_activities.into_iter().map(Self::Activity))
    }

    fn all_in(view: CaseView) -> impl Iterator<Item = Self> {
        let exceptions = view.exceptions.into_iter().map(Self::Exception);
        let refusals = view.refusals.into_iter().map(Self::Refusal);
        exceptions.chain(refusals).chain(view.unknown_activities.into_iter().map(Self::Activity))
    }

    /// The code, if it is an exception.
    pub(crate) fn exception(&self) -> Option<&str> {
        match self {
            Self::Exception(code) => Some(code),
            Self::Refusal(_) | Self::Activity(_) => None,
        }
    }

    /// The code, if it is a refusal.
    pub(crate) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refusal(code) => Some(code),
            Self::Exception(_) | Self::Activity(_) => None,
        }
    }

    /// The name, if it is an activity.
    pub(crate) fn activity(&self) -> Option<&str> {
        match self {
            Self::Activity(name) => Some(name),
            Self::Exception(_) | Self::Refusal(_) => None,
        }
    }
}
