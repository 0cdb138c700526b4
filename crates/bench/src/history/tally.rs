//! What happened how often.

use std::collections::BTreeMap;
use std::fmt;

/// Events by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    by_name: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts an event.
    pub fn count(&mut self, name: &str) {
        match self.by_name.get_mut(name) {
            Some(times) => *times += 1,
            None => {
                self.by_name.insert(name.to_owned(), 1);
            }
        }
    }

    /// Counts what somebody else counted.
    pub fn add(&mut self, other: &Self) {
        for (name, times) in &other.by_name {
            *self.by_name.entry(name.clone()).or_default() += times;
        }
    }

    /// How often something happened.
    pub fn of(&self, name: &str) -> u64 {
        self.by_name.get(name).copied().unwrap_or_default()
    }

    /// How much happened.
    pub fn total(&self) -> u64 {
        self.by_name.values().sum()
    }
}

/// A line for each name, the most frequent first.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<(&String, &u64)> = self.by_name.iter().collect();
        lines.sort_by_key(|(name, times)| (std::cmp::Reverse(**times), *name));
        let total = self.total().max(1) as f64;
        for (name, times) in lines {
            writeln!(f, "{times:>12}  {:>5.1} %  {name}", *times as f64 * 100.0 / total)?;
        }
        writeln!(f, "{:>12}  events", self.total())
    }
}
