//! The approval engine: a small value that every approvable thing embeds in its state.
//!
//! `asked -> given, stage by stage -> complete`, or `refused`, or `recalled`. Its invariants:
//! 1. whoever asked never decides (F8.8, F17.4);
//! 2. a stage is decided only when all stages before it are complete (F17.2), and stays complete;
//! 3. nobody counts twice, in whatever stage: two stages are two people, and a retry adds nothing;
//! 4. the word given is bound to the digest of exactly what was shown, under the mask of the moment (D14);
//! 5. nothing is asked that nobody could ever decide (F8.9).
//!
//! The engine knows neither invoices nor rights: who may speak at a stage is told to it.

mod blocks;
mod holders;
mod policy;
mod shown;

pub use blocks::{Asked, Given, Recalled, Refusal, Word};
pub(crate) use holders::holds;
pub use holders::{Holders, speaks_for};
pub use policy::{Approvers, NotAPolicy, Policy, Rule, Stage};
pub use shown::{Mask, NotASalt, Salt, shown_digest};

use crate::decider::Rejected;
use crate::envelope::Principal;
use serde::{Deserialize, Serialize};

/// A question that is open, or was: what to approve, by which policy, and who has spoken so far.
///
/// `V` is how those who speak are named: `Principal` here; in another system's history, what that system wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<V = Principal> {
    /// Which revision it is about.
    pub revision: u32,
    /// The policy in force when it was asked.
    pub policy: Policy,
    /// Who asked.
    pub author: V,
    /// Who has agreed so far.
    pub given: Vec<V>,
    /// How many agreed in the stage that is open.
    count: u32,
    /// The stage that is open, from 0; the number of stages once all are complete.
    stage: u32,
}

/// What giving one's word would do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The stage it counts in, from 0.
    pub stage: u32,
    /// Where it leaves the request.
    pub leaves: Progress,
}

/// Where a word leaves a request. Wire names, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// More people must agree in this stage.
    StageOpen,
    /// This stage is complete; the next one is open.
    StageComplete,
    /// All is approved.
    Complete,
}

/// Why somebody's word does not count now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refused {
    /// Invariant 1.
    #[error("whoever asked for approval may not decide on it")]
    AuthorMayNotDecide,
    /// Invariant 2.
    #[error("an earlier stage has not been decided yet")]
    StageNotReached,
    /// Invariant 3; as a repeated request it is "already so".
    #[error("this approval was given already")]
    AlreadyGiven,
    /// No stage of the policy counts this person's word.
    #[error("the policy does not ask this person")]
    NotAsked,
    /// All stages are complete.
    #[error("everything has been approved already")]
    AlreadyComplete,
    /// Nobody asked.
    #[error("no approval was asked for")]
    NotRequested,
    /// Invariant 5.
    #[error(
        "there are not enough people who could approve this: show the project to the client, and have people on its \
         roster who hold the right to approve and whose accounts are not switched off"
    )]
    NobodyToAsk,
}

impl Rejected for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::AuthorMayNotDecide => "approval.author_may_not_decide",
            Self::StageNotReached => "approval.stage_not_reached",
            Self::AlreadyGiven => "approval.already_given",
            Self::NotAsked => "approval.not_asked",
            Self::AlreadyComplete => "approval.already_complete",
            Self::NotRequested => "approval.not_requested",
            Self::NobodyToAsk => "approval.nobody_to_ask",
        }
    }
}

impl<V: PartialEq> Request<V> {
    /// An open question.
    pub fn ask(revision: u32, policy: Policy, author: V) -> Self {
        Self { revision, policy, author, given: Vec::new(), count: 0, stage: 0 }
    }

    /// What a person's word would do. `entitled` says whether they may speak for a stage's approvers; `eligible` names
    /// everybody who may, and is asked only where all of them must agree.
    ///
    /// Where all must agree, that is all who are eligible at this moment, without the author: who lost the right no
    /// longer counts as missing, and their word, once given, does not stand in for somebody else's.
    pub fn vote(
        &self,
        voter: &V,
        entitled: impl Fn(&Approvers) -> bool,
        eligible: impl Fn(&Approvers) -> Vec<V>,
    ) -> Result<Vote, Refused> {
        let stage = self.open_to(voter, entitled)?;
        let has_spoken = |one: &V| one == voter || one == &self.author || self.given.contains(one);
        let stage_completes = match stage.rule {
            Rule::Any => true,
            Rule::All => eligible(&stage.approvers).iter().all(has_spoken),
            Rule::AtLeast(enough) => self.count + 1 >= enough.get(),
        };
        let is_last = self.stage + 1 == self.policy.stage_count();
        let leaves = match (stage_completes, is_last) {
            (false, _) => Progress::StageOpen,
            (true, false) => Progress::StageComplete,
            (true, true) => Progress::Complete,
        };
        Ok(Vote { stage: self.stage, leaves })
    }

    /// The stage at which a person's refusal would end the request: only the one whose turn it is may refuse.
    pub fn refuse(&self, voter: &V, entitled: impl Fn(&Approvers) -> bool) -> Result<u32, Refused> {
        self.open_to(voter, entitled).map(|_| self.stage)
    }

    /// Whether all stages are complete.
    pub fn is_complete(&self) -> bool {
        self.stage >= self.policy.stage_count()
    }

    /// The request after a word was given. Judges nothing.
    pub fn after(mut self, by: V, vote: Vote) -> Self {
        self.given.push(by);
        (self.stage, self.count) = match vote.leaves {
            Progress::StageOpen => (vote.stage, self.count.saturating_add(1)),
            Progress::StageComplete => (vote.stage.saturating_add(1), 0),
            Progress::Complete => (self.policy.stage_count(), 0),
        };
        self
    }

    /// The stage that is open, if this person may speak in it.
    fn open_to(&self, voter: &V, entitled: impl Fn(&Approvers) -> bool) -> Result<&Stage, Refused> {
        if *voter == self.author {
            return Err(Refused::AuthorMayNotDecide);
        }
        if self.given.contains(voter) {
            return Err(Refused::AlreadyGiven);
        }
        let mut open = self.policy.stages().iter().skip(self.stage as usize);
        let stage = open.next().ok_or(Refused::AlreadyComplete)?;
        if entitled(&stage.approvers) {
            return Ok(stage);
        }
        let later = open.any(|stage| entitled(&stage.approvers));
        Err(if later { Refused::StageNotReached } else { Refused::NotAsked })
    }
}
