//! What is asked for on the command line.

use clap::{Parser, ValueEnum};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// For each thousand events of a made-up history there is a firm, as where ten million belong to ten thousand.
const EVENTS_AN_ORGANIZATION: u64 = 1_000;

/// Measures how fast Countersign is, beside what the same server does by itself in the same run.
///
/// Needs the program `countersign` beside it, built the same way, and pgbench. Writes one table, and the same as CSV into
/// target/bench/results.csv.
#[derive(Parser, Clone, Debug)]
#[command(name = "countersign-bench", version)]
pub(crate) struct Arguments {
    /// What to measure; everything where nothing is named.
    #[arg(value_name = "ROW", value_enum)]
    rows: Vec<Row>,
    /// With how many writers the append is measured.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,16,64")]
    pub(crate) writers: Vec<NonZeroUsize>,
    /// For how long each figure is measured.
    #[arg(long, value_name = "SECONDS", default_value = "8")]
    seconds: NonZeroU32,
    /// How many events the made-up history has on which rebuild, dashboard, p99, size and memory are measured.
    #[arg(long, value_name = "N", default_value_t = 300_000)]
    pub(crate) events: u64,
    /// How many organizations it has; without it, one for each thousand events.
    #[arg(long, value_name = "N")]
    organizations: Option<u32>,
    /// How old the snapshot is beside which p99 appends: 30s, 5m.
    #[arg(long, value_name = "AGE", default_value = "30s", value_parser = age)]
    pub(crate) snapshot_age: Duration,
}

/// What can be measured.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// Durable commands through the store.
    Append,
    /// Whole commands over HTTP.
    Http,
    /// From an event's answer to its place in the read models.
    Visible,
    /// Read models built anew.
    Rebuild,
    /// A guest's dashboard over HTTP.
    Dashboard,
    /// The append rate on a large ledger.
    Size,
    /// What a node takes of the machine's memory.
    Memory,
    /// The append's latency while a rebuild runs, and while an old snapshot is open.
    P99,
}

impl Arguments {
    /// The rows, in the order in which they are measured: each finds the database as the ones before it leave it.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let is_asked = |row: &&Row| self.rows.is_empty() || self.rows.contains(row);
        Row::value_variants().iter().filter(is_asked).copied().collect()
    }

    /// For how long each figure is measured.
    pub(crate) fn measured_for(&self) -> Duration {
        Duration::from_secs(self.seconds.get().into())
    }

    /// How many organizations the made-up history has.
    pub(crate) fn organizations(&self) -> u32 {
        let fitting = u32::try_from(self.events / EVENTS_AN_ORGANIZATION).unwrap_or(u32::MAX);
        self.organizations.unwrap_or_else(|| fitting.max(1))
    }
}

fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "an age is written like 30s or 5m".to_owned();
    let (number, seconds) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 60),
        (None, None) => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Arguments {
        Arguments::parse_from(["countersign-bench"].iter().chain(words))
    }

    #[test]
    fn rows_are_measured_in_one_order_whatever_the_order_in_which_they_are_named() {
        assert_eq!(parsed(&["memory", "append"]).rows(), [Row::Append, Row::Memory]);
        assert_eq!(parsed(&[]).rows(), Row::value_variants());
    }

    #[test]
    fn a_made_up_history_has_a_firm_for_each_thousand_events_unless_somebody_says_otherwise() {
        assert_eq!(parsed(&["--events", "10000000"]).organizations(), 10_000);
        assert_eq!(parsed(&["--events", "200"]).organizations(), 1);
        assert_eq!(parsed(&["--events", "200", "--organizations", "3"]).organizations(), 3);
    }

    #[test]
    fn an_age_is_told_in_seconds_or_minutes() {
        assert_eq!((age("30s"), age("5m")), (Ok(Duration::from_secs(30)), Ok(Duration::from_secs(300))));
        for wrong in ["", "5", "m", "-1s", "5 m", "1h"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
