//! A group as a rebuild sees it: what folds its rows from position zero, whoever keeps them up otherwise.

use super::access::{ACCESS, AccessRows, TABLES};
use crate::group::{Folding, Group};
use std::sync::Arc;

/// A group that can be built anew.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Built<'a> {
    /// Its rows follow the ledgers.
    Followed(&'a Group),
    /// Its rows are written by the append itself.
    Access,
}

/// One of its tables, and which columns hold personal values.
pub(crate) type TableOf = (&'static str, &'static [&'static str]);

impl<'a> Built<'a> {
    /// The group of this name among those that follow, or the access group.
    pub(crate) fn named(name: &str, followed: &'a Arc<Vec<Group>>) -> Option<Self> {
        let group = followed.iter().find(|group| group.name == name);
        group.map(Self::Followed).or((name == ACCESS).then_some(Self::Access))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Followed(group) => group.name,
            Self::Access => ACCESS,
        }
    }

    /// No rows yet.
    pub(crate) fn foldings(&self) -> Vec<Box<dyn Folding>> {
        match self {
            Self::Followed(group) => group.read_models.iter().filter_map(|model| model.folding()).collect(),
            Self::Access => vec![Box::new(AccessRows::default())],
        }
    }

    pub(crate) fn tables(&self) -> Vec<TableOf> {
        match self {
            Self::Followed(group) => group.read_models.iter().map(|model| (model.name(), model.personal())).collect(),
            Self::Access => TABLES.iter().map(|(table, _)| (*table, [].as_slice())).collect(),
        }
    }

    pub(crate) fn opens_personal_values(&self) -> bool {
        match self {
            Self::Followed(group) => group.opens_personal_values,
            Self::Access => false,
        }
    }

    /// Whether rows that were folded can be written before the ledger is at its end.
    pub(crate) fn is_only_added_to(&self) -> bool {
        match self {
            Self::Followed(group) => group.read_models.iter().all(|model| model.is_only_added_to()),
            Self::Access => false,
        }
    }
}
