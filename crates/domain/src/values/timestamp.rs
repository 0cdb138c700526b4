//! Moments, to the microsecond, with one spelling.

use chrono::{DateTime, SecondsFormat, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A moment in UTC, to the microsecond (what Postgres keeps), always written `2026-01-31T09:30:00.000000Z`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Timestamp(DateTime<Utc>);

/// The text was no RFC 3339 moment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written like 2026-01-31T09:30:00Z")]
pub struct NotATimestamp;

impl Timestamp {
    /// The moment as chrono knows it.
    pub fn as_utc(self) -> DateTime<Utc> {
        self.0
    }

    /// This many microseconds after 1970 began; `None` beyond what a calendar holds.
    pub fn from_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).map(Self)
    }

    /// A moment later (or, with a negative span, earlier); the calendar's end where it would be passed.
    pub fn plus(self, span: TimeDelta) -> Self {
        Self::from(self.0.checked_add_signed(span).unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        let whole_micros = moment.nanosecond() / 1_000 * 1_000;
        Self(moment.with_nanosecond(whole_micros).unwrap_or(moment))
    }
}

impl FromStr for Timestamp {
    type Err = NotATimestamp;
    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        DateTime::parse_from_rfc3339(text).map(|moment| Self::from(moment.to_utc())).map_err(|_| NotATimestamp)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_has_one_spelling() {
        let moment: Timestamp = "2026-01-31T10:30:00.1234567+01:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-01-31T09:30:00.123456Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
    }
}
