//! A case of another system's history: each of its steps an imported fact, with its original time, role and resource.
//!
//! `Opened -> step, step, ...`
//!
//! 1. Only the installation imports: no person's word comes into a ledger this way (F18.9).
//! 2. A case is (organization, log, case id), a step its id within the case: importing again adds nothing, a longer
//!    export adds the new steps only.
//! 3. A step is recorded once. The same id with other content is refused: one of the two records is wrong.
//! 4. Steps stand in the order of the file, also where their times are equal or run backwards. A new step takes the
//!    place behind the one that it follows in its file.
//! 5. Imported steps satisfy each other (see `check`), never a native approval.

use crate::access::{Denied, Key};
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{Actor, ObjectRef};
use crate::ids::{CaseId, OrgId};
use crate::imported::verbatim::{OriginalTime, Verbatim};
use crate::personal::Personal;
use crate::portal::StreamKind;
use crate::values::{Label, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// The most steps that a case may have.
pub const MOST_STEPS: usize = 10_000;

/// The aggregate.
#[derive(Debug)]
pub struct ImportedCase;

/// What may be asked of an imported case.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Record its steps, as far as they are not known yet.
    Record {
        /// The log that it stands in.
        log: Label,
        /// Its id in that log.
        case: Verbatim,
        /// Its steps, in file order.
        steps: Vec<Step>,
    },
}

/// One step, as the other system recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its id, unique within the case.
    pub id: Verbatim,
    /// What was done.
    pub activity: Verbatim,
    /// When.
    pub at: Option<OriginalTime>,
    /// In which role.
    pub role: Option<Verbatim>,
    /// By whom or what.
    pub resource: Option<Personal<Verbatim>>,
    /// The amount that it was about, as it stands.
    pub amount: Option<Verbatim>,
}

/// What can have happened to an imported case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A case of a log came into the ledger.
    #[serde(rename = "imported_case.opened")]
    Opened {
        /// The log that it stands in.
        log: Label,
        /// Its id in that log.
        case: Verbatim,
    },
    /// One of its steps came into the ledger.
    #[serde(rename = "imported_case.step_recorded")]
    StepRecorded {
        /// Its place among the steps known so far, from 0; those behind it move on by one.
        index: u32,
        /// The step.
        #[serde(flatten)]
        step: Step,
    },
}

/// What the rules remember of an imported case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Not there.
    #[default]
    Unknown,
    /// There.
    Known {
        /// Its steps, in file order.
        steps: Vec<KnownStep>,
    },
}

/// A step as far as rules may remember it: all but whom it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownStep {
    /// Its id.
    pub id: Verbatim,
    /// What was done.
    pub activity: Verbatim,
    /// When.
    pub at: Option<Timestamp>,
    /// In which role.
    pub role: Option<Verbatim>,
    /// The amount that it was about.
    pub amount: Option<Verbatim>,
}

/// What the rules about an imported case must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// Who acts.
    pub actor: Actor,
    /// Which case.
    pub id: CaseId,
    /// Whose ledger it is.
    pub org: OrgId,
}

/// Why a case may not be recorded.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The id is not made from this log and case.
    #[error("this id stands for another case")]
    AnotherCase,
    /// More than one case holds.
    #[error("a case has at most {MOST_STEPS} steps")]
    TooManySteps,
    /// The same id with other content.
    #[error("step {number} of the case was recorded with other content before")]
    StepDiffers {
        /// Which step of the file, from 1.
        number: usize,
    },
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::AnotherCase => "imported_case.another",
            Self::TooManySteps => "imported_case.too_many_steps",
            Self::StepDiffers { .. } => "imported_case.step_differs",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::AnotherCase | Self::TooManySteps | Self::StepDiffers { .. } => RejectionKind::Rule,
        }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::TooManySteps => vec![("limit", MOST_STEPS.to_string())],
            Self::StepDiffers { number } => vec![("step", number.to_string())],
            Self::Denied(_) | Self::AnotherCase => vec![],
        }
    }
}

/// The case of a log, by its id there: the same on every machine, so that importing again finds it.
pub fn case_id(org: OrgId, log: &Label, case: &Verbatim) -> CaseId {
    // A label has no line break, so that no two pairs of names are spelled alike.
    CaseId(Uuid::new_v5(&org.0, format!("imported_case:{log}\n{case}").as_bytes()))
}

impl Decider for ImportedCase {
    const KIND: StreamKind = StreamKind::ImportedCase;
    type Id = CaseId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(id: CaseId, _: &State, _: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let moment = ledger.moment();
        Ok(Facts { actor: moment.actor.clone(), id, org: moment.org })
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Record { log, case, steps } => record(state, facts, log, case, steps),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        let mut steps = state.into_steps();
        match event {
            Event::Opened { .. } => {}
            Event::StepRecorded { index, step } => {
                let place = (*index as usize).min(steps.len());
                steps.insert(place, KnownStep::from(step));
            }
        }
        State::Known { steps }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        match event {
            Event::Opened { .. } | Event::StepRecorded { .. } => vec![],
        }
    }
}

fn record(state: &State, facts: &Facts, log: Label, case: Verbatim, steps: Vec<Step>) -> Result<Vec<Event>, Rejection> {
    facts.may_import()?;
    if case_id(facts.org, &log, &case) != facts.id {
        return Err(Rejection::AnotherCase);
    }
    let mut events = match state {
        State::Unknown => vec![Event::Opened { log, case }],
        State::Known { .. } => vec![],
    };
    events.extend(new_steps(state.steps().to_vec(), steps)?);
    Ok(events)
}

/// Merges a file's steps into those known: what is known stays where it is, what is new comes behind its predecessor.
fn new_steps(mut known: Vec<KnownStep>, file: Vec<Step>) -> Result<Vec<Event>, Rejection> {
    let mut resources: HashMap<_, _> = known.iter().map(|step| (step.id.clone(), None)).collect();
    let mut events = Vec::new();
    let mut place = first_known(&known, &resources, &file).unwrap_or(known.len());
    for (at, step) in file.into_iter().enumerate() {
        let differs = Rejection::StepDiffers { number: at + 1 };
        match resources.get(&step.id) {
            Some(recorded) => {
                let same_resource = recorded.as_ref().is_none_or(|resource| *resource == step.resource);
                let found = position(&known, &step.id, place).filter(|found| {
                    same_resource && known.get(*found).is_some_and(|known| *known == KnownStep::from(&step))
                });
                place = found.ok_or(differs)? + 1;
            }
            None if known.len() >= MOST_STEPS => return Err(Rejection::TooManySteps),
            None => {
                let index = u32::try_from(place).map_err(|_| Rejection::TooManySteps)?;
                resources.insert(step.id.clone(), Some(step.resource.clone()));
                known.insert(place, KnownStep::from(&step));
                events.push(Event::StepRecorded { index, step });
                place += 1;
            }
        }
    }
    Ok(events)
}

/// Where a file begins that goes back before what is known: at the first known step that it names.
fn first_known<T>(known: &[KnownStep], ids: &HashMap<Verbatim, T>, file: &[Step]) -> Option<usize> {
    let first = file.iter().find(|step| ids.contains_key(&step.id))?;
    position(known, &first.id, 0)
}

/// Where a step is, looked for from where a file that repeats what is known would have it.
fn position(known: &[KnownStep], id: &Verbatim, from: usize) -> Option<usize> {
    let (before, after) = known.split_at(from.min(known.len()));
    let is_it = |step: &KnownStep| step.id == *id;
    after.iter().position(is_it).map(|found| before.len() + found).or_else(|| before.iter().position(is_it))
}

impl Facts {
    fn may_import(&self) -> Result<(), Denied> {
        match &self.actor {
            Actor::Importer | Actor::Operator => Ok(()),
            Actor::PortalUser(_) => Err(Denied::NotThere),
            Actor::Staff(_) | Actor::Token(_) | Actor::Process(_) => {
                Err(Denied::NotAllowed { missing: vec![Key::KindOfSubject] })
            }
        }
    }
}

impl Event {
    /// When it happened by the other system's record, as that record writes it: for the envelope's provenance.
    pub fn original_time(&self) -> Option<String> {
        match self {
            Self::Opened { .. } => None,
            Self::StepRecorded { step, .. } => step.at.clone().map(String::from),
        }
    }
}

impl From<&Step> for KnownStep {
    fn from(step: &Step) -> Self {
        let Step { id, activity, at, role, resource: _, amount } = step.clone();
        Self { id, activity, at: at.map(|at| at.moment()), role, amount }
    }
}

impl State {
    /// Its steps, in file order.
    pub fn steps(&self) -> &[KnownStep] {
        match self {
            Self::Unknown => &[],
            Self::Known { steps } => steps,
        }
    }

    /// The names of its activities, in file order.
    pub fn activities(&self) -> impl Iterator<Item = &str> {
        self.steps().iter().map(|step| step.activity.as_str())
    }

    fn into_steps(self) -> Vec<KnownStep> {
        match self {
            Self::Unknown => Vec::new(),
            Self::Known { steps } => steps,
        }
    }
}
