//! What an import came to.

use crate::failure::with_causes;
use crate::import::command::Unfit;
use crate::import::sending::Outcome;
use crate::import::tally::{Finding, Tally};
use countersign_domain::imported::exceptions::Exception;
use countersign_domain::imported::verbatim::Verbatim;
use countersign_domain::values::Label;
use countersign_eventstore::{ExecuteError, Refusal};
use countersign_xes::XesError;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

/// What could not be imported is listed up to here, and counted beyond: a report does not grow with the log.
const PROBLEMS_LISTED: usize = 100;

/// What an import of one log came to.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The log's name.
    pub(crate) log: Label,
    /// The cases of the log that stand in the ledger now, each once.
    pub(crate) cases: u64,
    /// Their events in the log.
    pub(crate) events: u64,
    /// Those of them that were not in the ledger before.
    pub(crate) appended: u64,
    /// How long it took.
    #[serde(serialize_with = "to_the_millisecond")]
    pub(crate) seconds: f64,
    /// How many cases have which exception.
    pub(crate) exceptions: BTreeMap<String, u64>,
    /// In how many cases our approval engine would have refused, by code.
    pub(crate) refusals: BTreeMap<String, u64>,
    /// In how many cases an activity stands that says nothing to us, by its name; the first thousand names.
    pub(crate) unknown_activities: BTreeMap<String, u64>,
    /// How many cases, or parts of the log beside them, were not imported.
    pub(crate) not_imported: u64,
    /// What kept them from it; the first hundred.
    pub(crate) problems: Vec<Problem>,
    /// What ended the import before the log's end; absent where it was read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<Problem>,
}

/// Something that was not imported, and why.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Problem {
    /// The line of the log, from 1, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The bytes of the (unpacked) log before it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<u64>,
    /// Which case of the log it is, from 1, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    case_number: Option<u64>,
    /// The case's name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// The code with which the ledger refused it, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Why.
    reason: String,
}

fn to_the_millisecond<S: Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((seconds * 1_000.0).round() / 1_000.0)
}

impl Report {
    /// Of a log of which nothing has been imported yet.
    pub(crate) fn new(log: Label) -> Self {
        Self {
            log,
            cases: 0,
            events: 0,
            appended: 0,
            seconds: 0.0,
            exceptions: BTreeMap::new(),
            refusals: BTreeMap::new(),
            unknown_activities: BTreeMap::new(),
            not_imported: 0,
            problems: Vec::new(),
            stopped: None,
        }
    }

    /// Counts what became of a case, or of one of the pieces in which it stands in the log.
    pub(crate) fn take(&mut self, outcome: Outcome, tally: &mut Tally) {
        match outcome {
            Outcome::Stands(case, appended) => {
                self.events += case.events;
                self.appended += appended;
                tally.take(case.id, case.findings);
            }
            Outcome::NotImported(problem) => {
                self.not_imported += 1;
                if self.problems.len() < PROBLEMS_LISTED {
                    self.problems.push(problem);
                }
            }
            Outcome::Cut(problem) => self.stopped = Some(problem),
        }
    }

    /// Takes over what the cases were counted for.
    pub(crate) fn add_up(&mut self, tally: &Tally) {
        self.cases = tally.cases();
        self.exceptions = Exception::ALL.iter().map(|exception| (exception.code().to_owned(), 0)).collect();
        self.exceptions.extend(tally.of(Finding::exception));
        self.refusals = tally.of(Finding::refusal);
        self.unknown_activities = tally.of(Finding::activity);
    }

    /// Notes what ended the import.
    pub(crate) fn stop(&mut self, error: &ExecuteError) {
        self.stopped = Some(Problem::because(error));
    }

    /// Whether all of the log stands in the ledger.
    pub(crate) fn is_complete(&self) -> bool {
        self.not_imported == 0 && self.stopped.is_none()
    }
}

impl Problem {
    /// What could not be read.
    pub(crate) fn unread(error: &XesError) -> Self {
        let position = error.position();
        Self {
            line: Some(position.line),
            byte: Some(position.byte),
            case_number: error.case_number(),
            case: error.case().map(str::to_owned),
            ..Self::because(error.fault())
        }
    }

    /// What could be read, but not recorded.
    pub(crate) fn unfit(number: u64, case: String, unfit: &Unfit) -> Self {
        Self { case_number: Some(number), case: Some(case), ..Self::because(unfit) }
    }

    /// What the ledger refused.
    pub(crate) fn refused(case: &Verbatim, refusal: &Refusal) -> Self {
        let code = Some(refusal.code.clone());
        Self { case: Some(case.to_string()), code, reason: refusal.message.clone(), ..Self::default() }
    }

    /// What the ledger could not take.
    pub(crate) fn failed(case: &Verbatim, error: &ExecuteError) -> Self {
        Self { case: Some(case.to_string()), ..Self::because(error) }
    }

    fn because(error: &dyn Error) -> Self {
        Self { reason: with_causes(error), ..Self::default() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, cases, events, appended, seconds, .. } = self;
        writeln!(f, "{log}: {cases} cases with {events} events, {appended} of them new, in {seconds:.1} s")?;
        section(f, "exceptions, by number of cases", &self.exceptions)?;
        section(f, "what our approval engine would have refused, by number of cases", &self.refusals)?;
        section(f, "activities that say nothing to us, by number of cases", &self.unknown_activities)?;
        if self.not_imported > 0 {
            writeln!(f, "  not imported: {}", self.not_imported)?;
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "    {problem}"))?;
        if self.not_imported > self.problems.len() as u64 {
            writeln!(f, "    and more")?;
        }
        self.stopped.iter().try_for_each(|problem| writeln!(f, "  stopped before the end of the log: {problem}"))
    }
}

fn section<K: fmt::Display>(f: &mut fmt::Formatter<'_>, title: &str, counts: &BTreeMap<K, u64>) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(f, "  {title}:")?;
    counts.iter().try_for_each(|(name, cases)| writeln!(f, "    {cases:>7}  {name}"))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(byte)) = (self.line, self.byte) {
            write!(f, "line {line}, byte {byte}, ")?;
        }
        match (&self.case, self.case_number) {
            (Some(case), _) => write!(f, "case {case:?}: ")?,
            (None, Some(number)) => write!(f, "case number {number}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.reason)?;
        self.code.iter().try_for_each(|code| write!(f, " ({code})"))
    }
}
