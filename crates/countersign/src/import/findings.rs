//! What is odd about a case, by its log alone.

use countersign_domain::approval::Refused;
use countersign_domain::imported::activity::{Activity, Kind};
use countersign_domain::imported::case::{KnownStep, Step};
use countersign_domain::imported::check::check;
use countersign_domain::imported::exceptions::{Exception, exceptions};
use countersign_domain::imported::route::Route;
use countersign_domain::values::Label;
use std::collections::BTreeSet;

/// What is odd about one case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Findings {
    /// What an auditor wants to look at.
    pub(crate) exceptions: BTreeSet<Exception>,
    /// What our approval engine would have refused.
    pub(crate) refusals: BTreeSet<Refused>,
    /// Activities that say nothing to us.
    pub(crate) unknown_activities: BTreeSet<String>,
}

impl Findings {
    /// What is odd about a case of a log, its steps in file order.
    pub(crate) fn of(log: &Label, steps: &[&Step]) -> Self {
        let activities = || steps.iter().map(|step| step.activity.as_str());
        let known: Vec<KnownStep> = steps.iter().map(|step| KnownStep::from(*step)).collect();
        let is_unknown = |name: &&str| Activity::read(name).kind == Kind::Unknown;
        Self {
            exceptions: exceptions(activities()),
            refusals: check(Route::of_log(log.as_str()), &known),
            unknown_activities: activities().filter(is_unknown).map(str::to_owned).collect(),
        }
    }
}
