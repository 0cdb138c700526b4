//! What a read model is: rows keyed by what events name, and a pure fold of events into them.

use countersign_domain::envelope::Recorded;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// A read model as a pure fold: no clock, no lookups, no other read model.
///
/// From an event it names the rows that it touches; given those, it changes them. A rebuild is the same code from
/// position zero.
pub trait Projector: Debug + Send + Sync + 'static {
    /// What names a row within an organization.
    type Key: Ord + Clone + Debug + Serialize + Send + Sync;
    /// A row, without its organization and generation.
    type Row: Clone + Debug + PartialEq + Serialize + Send + Sync;

    /// The rows that an event touches.
    fn keys(event: &Recorded) -> Keys<Self::Key>;

    /// Changes the rows as the event says.
    fn project(rows: &mut Rows<Self::Key, Self::Row>, event: &Recorded);
}

/// Names of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys<K>(Vec<K>);

impl<K> Keys<K> {
    /// No row: the event says nothing to this read model.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// One row.
    pub fn one(key: K) -> Self {
        Self(vec![key])
    }

    /// These rows.
    pub fn of(keys: impl IntoIterator<Item = K>) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl<K> IntoIterator for Keys<K> {
    type Item = K;
    type IntoIter = std::vec::IntoIter<K>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The rows at hand while events are folded: those that the events name, as they stood before.
#[derive(Debug)]
pub struct Rows<K, R> {
    rows: BTreeMap<K, Slot<R>>,
}

#[derive(Debug)]
struct Slot<R> {
    row: Option<R>,
    changed: bool,
}

impl<K: Ord + Clone, R> Rows<K, R> {
    /// Rows as they stand; a key without a row is one that is not there yet.
    pub fn at_hand(keys: impl IntoIterator<Item = K>, found: impl IntoIterator<Item = (K, R)>) -> Self {
        let mut rows: BTreeMap<K, Slot<R>> =
            keys.into_iter().map(|key| (key, Slot { row: None, changed: false })).collect();
        rows.extend(found.into_iter().map(|(key, row)| (key, Slot { row: Some(row), changed: false })));
        Self { rows }
    }

    /// A row that the event names.
    pub fn get(&self, key: &K) -> Option<&R> {
        self.rows.get(key)?.row.as_ref()
    }

    /// Writes a row, new or over what was there.
    pub fn put(&mut self, key: K, row: R) {
        self.rows.insert(key, Slot { row: Some(row), changed: true });
    }

    /// Changes a row that is there; an event about a row that is not there changes nothing.
    pub fn change(&mut self, key: &K, change: impl FnOnce(&mut R)) {
        let Some(slot) = self.rows.get_mut(key) else { return };
        let Some(row) = &mut slot.row else { return };
        change(row);
        slot.changed = true;
    }

    /// Takes a row away.
    pub fn remove(&mut self, key: &K) {
        if let Some(slot) = self.rows.get_mut(key) {
            slot.changed |= slot.row.take().is_some();
        }
    }

    /// What is to be written: rows that changed, and keys whose row is gone.
    pub fn into_changes(self) -> (Vec<(K, R)>, Vec<K>) {
        let mut written = Vec::new();
        let mut gone = Vec::new();
        for (key, slot) in self.rows.into_iter().filter(|(_, slot)| slot.changed) {
            match slot.row {
                Some(row) => written.push((key, row)),
                None => gone.push(key),
            }
        }
        (written, gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_written_and_what_is_gone_is_deleted() {
        let mut rows = Rows::at_hand([1, 2, 3, 4], [(1, "a"), (2, "b"), (3, "c")]);
        rows.change(&1, |row| *row = "changed");
        rows.remove(&2);
        rows.put(4, "new");
        assert_eq!(rows.into_changes(), (vec![(1, "changed"), (4, "new")], vec![2]));
    }

    #[test]
    fn a_row_that_came_and_went_in_one_batch_is_deleted_for_certain() {
        let mut rows = Rows::at_hand([1], []);
        rows.put(1, "a");
        rows.remove(&1);
        assert_eq!(rows.into_changes(), (vec![], vec![1]));
    }

    #[test]
    fn an_event_about_a_row_that_is_not_there_changes_nothing() {
        let mut rows: Rows<i32, &str> = Rows::at_hand([1], []);
        rows.change(&1, |row| *row = "changed");
        rows.change(&2, |row| *row = "changed");
        assert_eq!(rows.into_changes(), (vec![], vec![]));
    }
}
