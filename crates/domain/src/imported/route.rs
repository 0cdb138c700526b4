//! Which policy of ordered stages a foreign history is checked by.
//!
//! Our engine needs to know the stages; a log only shows who spoke. For the logs that we know, the route is written
//! down here, in versions: the one in force when approval was asked applies, as for our own (F17.2). A stage is needed
//! *always*, or *if called*: whether the other system called for a budget owner or a director depended on things that
//! its log does not show, so a stage of that kind is part of a round if anybody in its roles spoke in that round. Its
//! order is checked all the same.
//!
//! For any other log no policy is known. There the round itself says who was called: whoever approves, but not finally,
//! is to have done so before whoever decides. That still shows words out of turn, twice, too late, before any question,
//! or by the author, and it shows nothing that only a policy could know.

use crate::approval::{Approvers, Policy, Rule, Stage};
use crate::values::Timestamp;

/// The stages of a log's documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The travel expenses of a Dutch university: the logs of the BPI Challenge 2020.
    TravelExpenses,
    /// No policy is known: each round says who was called.
    AsCalled,
}

/// One word in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// What was said.
    pub said: Said,
    /// In which role.
    pub role: &'a str,
}

/// What a word in a round says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Yes, and others may have to agree.
    Approved,
    /// Yes, by whoever decides last.
    FinalApproved,
    /// No.
    Rejected,
}

struct Planned {
    name: &'static str,
    roles: &'static [&'static str],
    need: Need,
}

#[derive(PartialEq)]
enum Need {
    Always,
    IfCalled,
}

/// As the rounds of 2017 show it: the supervisor decides, in places after a pre-approver.
const TRAVEL_EXPENSES_2017: &[Planned] = &[
    Planned { name: "pre-approval", roles: &["PRE_APPROVER"], need: Need::IfCalled },
    Planned { name: "supervisor", roles: &["SUPERVISOR"], need: Need::Always },
    Planned { name: "director", roles: &["DIRECTOR"], need: Need::IfCalled },
];

/// As all rounds show it that were asked for in 2018: the administration looks first, always (its first word is of 6
/// January); then the budget owner now and then, the supervisor always, the director now and then.
const TRAVEL_EXPENSES_2018: &[Planned] = &[
    Planned { name: "administration", roles: &["ADMINISTRATION"], need: Need::Always },
    Planned { name: "budget owner", roles: &["BUDGET OWNER"], need: Need::IfCalled },
    Planned { name: "supervisor", roles: &["SUPERVISOR"], need: Need::Always },
    Planned { name: "director", roles: &["DIRECTOR"], need: Need::IfCalled },
];

impl Route {
    /// The route of a log, by its name.
    pub fn of_log(name: &str) -> Self {
        match name {
            "DomesticDeclarations" | "InternationalDeclarations" | "PrepaidTravelCost" | "RequestForPayment" => {
                Self::TravelExpenses
            }
            _ => Self::AsCalled,
        }
    }

    /// The policy for a round: asked at a moment, with these words following. `None` if it asks nobody.
    pub fn policy(self, asked_at: Option<Timestamp>, words: &[Word<'_>]) -> Option<Policy> {
        match self {
            Self::TravelExpenses if asked_at.is_some_and(|at| at < year_2018()) => {
                planned("travel expenses", 1, TRAVEL_EXPENSES_2017, words)
            }
            Self::TravelExpenses => planned("travel expenses", 2, TRAVEL_EXPENSES_2018, words),
            Self::AsCalled => as_called(words),
        }
    }
}

/// Midnight where the university is.
fn year_2018() -> Timestamp {
    "2018-01-01T00:00:00+01:00".parse().expect("the beginning of a year is a moment")
}

fn planned(name: &str, version: u32, stages: &[Planned], words: &[Word<'_>]) -> Option<Policy> {
    let called =
        |stage: &&Planned| stage.need == Need::Always || words.iter().any(|word| stage.roles.contains(&word.role));
    let stage = |stage: &Planned| Stage {
        name: stage.name.to_owned(),
        rule: Rule::Any,
        approvers: Approvers::Roles(stage.roles.iter().map(|role| (*role).to_owned()).collect()),
    };
    Policy::new(name, version, stages.iter().filter(called).map(stage).collect()).ok()
}

/// First all who approve without deciding, then one of those who decide: by a final approval, or by a refusal alone.
fn as_called(words: &[Word<'_>]) -> Option<Policy> {
    let first = roles(words.iter().filter(|word| word.said == Said::Approved));
    let others = words.iter().filter(|word| word.said != Said::Approved && !first.iter().any(|role| role == word.role));
    let stages = [("called", Rule::All, first.clone()), ("final", Rule::Any, roles(others))];
    let stage = |(name, rule, roles): (&str, Rule, Vec<String>)| {
        (!roles.is_empty()).then(|| Stage { name: name.to_owned(), rule, approvers: Approvers::Roles(roles) })
    };
    Policy::new("as called", 1, stages.into_iter().filter_map(stage).collect()).ok()
}

fn roles<'a>(words: impl Iterator<Item = &'a Word<'a>>) -> Vec<String> {
    let mut roles: Vec<String> = Vec::new();
    for word in words {
        if !roles.iter().any(|role| role == word.role) {
            roles.push(word.role.to_owned());
        }
    }
    roles
}
