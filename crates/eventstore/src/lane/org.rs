//! What a lane knows of one organization.

use super::job::Job;
use crate::vault::OrgKey;
use countersign_domain::values::Timestamp;
use std::collections::VecDeque;

/// An organization with its commands that wait.
#[derive(Default)]
pub(super) struct Org {
    pub(super) waiting: VecDeque<Job>,
    pub(super) known: Option<Known>,
    /// It stands in line for the next batch.
    pub(super) in_line: bool,
    /// An errand is under way: nothing of this organization is decided meanwhile.
    pub(super) away: bool,
    pub(super) moves: u32,
    pub(super) busy: u32,
    /// Commands to decide one at a time, because the database refused them together.
    pub(super) one_by_one: usize,
}

/// Where its ledger stands, as far as is known here.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) head: u64,
    pub(super) last_at: Option<Timestamp>,
    pub(super) simulated: bool,
    pub(super) key: OrgKey,
}
