//! Who must agree, and in which order.

use crate::access::Right;
use crate::approval::Refused;
use crate::envelope::Principal;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Who must agree, in which order. Versioned; the version in force when approval is asked applies (F17.2).
///
/// It has at least one stage, and each can be met by those it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedPolicy")]
pub struct Policy {
    name: String,
    version: u32,
    stages: Vec<Stage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedPolicy {
    name: String,
    version: u32,
    stages: Vec<Stage>,
}

/// One stage of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name, as people call it: `client`.
    pub name: String,
    /// How many must agree.
    pub rule: Rule,
    /// Whose word counts.
    pub approvers: Approvers,
}

/// How many of those entitled must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "count", rename_all = "snake_case")]
pub enum Rule {
    /// One is enough.
    Any,
    /// All who are entitled at the moment of the decision.
    All,
    /// At least so many.
    AtLeast(NonZeroU32),
}

/// Whose word counts at a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum Approvers {
    /// Portal users who hold a right on the project.
    Holders(Right),
    /// Named people.
    Named(Vec<Principal>),
    /// People in one of these roles, where another system's history is checked.
    Roles(Vec<String>),
}

/// Why stages are no policy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPolicy {
    /// It would approve by itself.
    #[error("a policy has at least one stage")]
    NoStages,
    /// It could never be met.
    #[error("the stage {stage} asks for more people than it names")]
    StageCannotBeMet {
        /// The stage's name.
        stage: String,
    },
}

impl Policy {
    /// A policy of these stages, one after the other.
    pub fn new(name: &str, version: u32, stages: Vec<Stage>) -> Result<Self, NotAPolicy> {
        if stages.is_empty() {
            return Err(NotAPolicy::NoStages);
        }
        if let Some(stage) = stages.iter().find(|stage| !stage.can_be_met()) {
            return Err(NotAPolicy::StageCannotBeMet { stage: stage.name.clone() });
        }
        Ok(Self { name: name.to_owned(), version, stages })
    }

    /// The first version of a policy by which one person at the client, holding a right on the project, is enough.
    pub fn any_holder(name: &str, right: Right) -> Self {
        let stage = Stage { name: "client".to_owned(), rule: Rule::Any, approvers: Approvers::Holders(right) };
        Self { name: name.to_owned(), version: 1, stages: vec![stage] }
    }

    /// Its name: `invoice.client`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Its stages, in order; at least one.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How many stages it has.
    pub fn stage_count(&self) -> u32 {
        u32::try_from(self.stages.len()).unwrap_or(u32::MAX)
    }

    /// Refuses a question that nobody could ever decide (F8.9). `eligible` names everybody who may come to speak for a
    /// stage's approvers; the author is not one of them.
    pub fn can_be_asked<V: PartialEq>(
        &self,
        author: &V,
        eligible: impl Fn(&Approvers) -> Vec<V>,
    ) -> Result<(), Refused> {
        let has_enough = |stage: &Stage| {
            let people = eligible(&stage.approvers).iter().filter(|one| *one != author).count();
            people >= stage.least()
        };
        if self.stages.iter().all(has_enough) { Ok(()) } else { Err(Refused::NobodyToAsk) }
    }
}

impl Stage {
    /// The least number of people that it takes.
    fn least(&self) -> usize {
        match self.rule {
            Rule::Any | Rule::All => 1,
            Rule::AtLeast(count) => count.get() as usize,
        }
    }

    fn can_be_met(&self) -> bool {
        match &self.approvers {
            Approvers::Holders(_) => true,
            Approvers::Named(people) => different(people) >= self.least(),
            Approvers::Roles(roles) => different(roles) >= self.least(),
        }
    }
}

fn different<T: PartialEq>(all: &[T]) -> usize {
    all.iter().enumerate().filter(|(index, one)| !all[..*index].contains(one)).count()
}

impl TryFrom<UncheckedPolicy> for Policy {
    type Error = NotAPolicy;
    fn try_from(policy: UncheckedPolicy) -> Result<Self, NotAPolicy> {
        Self::new(&policy.name, policy.version, policy.stages)
    }
}
