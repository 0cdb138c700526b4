//! Moments, to the microsecond, with one spelling.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Timelike, Utc};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A moment in UTC, to the microsecond (what Postgres keeps), always written `2026-01-31T09:30:00.000000Z`. Only of the
/// years 0 to 9999: others have no such spelling, and what is written must read back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Timestamp(DateTime<Utc>);

/// The text was no RFC 3339 moment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written like 2026-01-31T09:30:00Z, in the years 0 to 9999")]
pub struct NotATimestamp;

impl Timestamp {
    /// The moment as chrono knows it.
    pub fn as_utc(self) -> DateTime<Utc> {
        self.0
    }

    /// This many microseconds after 1970 began; `None` beyond the years 0 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).filter(has_a_spelling).map(Self)
    }

    /// A moment later (or, with a negative span, earlier); the first or the last moment of all where it would be passed.
    pub fn plus(self, span: TimeDelta) -> Self {
        let beyond = if span < TimeDelta::zero() { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        Self::from(self.0.checked_add_signed(span).unwrap_or(beyond))
    }
}

/// The first or the last moment of all for one beyond it.
impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        let moment = if has_a_spelling(&moment) { moment } else { moment.clamp(first(), last()) };
        let whole_micros = moment.nanosecond() / 1_000 * 1_000;
        Self(moment.with_nanosecond(whole_micros).unwrap_or(moment))
    }
}

fn has_a_spelling(moment: &DateTime<Utc>) -> bool {
    (0..=9999).contains(&moment.year())
}

fn first() -> DateTime<Utc> {
    let day = NaiveDate::from_ymd_opt(0, 1, 1).expect("the year 0 begins on a day");
    day.and_time(NaiveTime::MIN).and_utc()
}

fn last() -> DateTime<Utc> {
    let day = NaiveDate::from_ymd_opt(9999, 12, 31).expect("the year 9999 ends on a day");
    let time = NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).expect("a day has a last microsecond");
    day.and_time(time).and_utc()
}

impl FromStr for Timestamp {
    type Err = NotATimestamp;
    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_| NotATimestamp)?.to_utc();
        if has_a_spelling(&moment) { Ok(Self::from(moment)) } else { Err(NotATimestamp) }
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
        deserializer.deserialize_str(Spelled)
    }
}

/// Reads a moment from the text where it stands.
struct Spelled;

impl Visitor<'_> for Spelled {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_moment_has_one_spelling() {
        let moment: Timestamp = "2026-01-31T10:30:00.1234567+01:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-01-31T09:30:00.123456Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
    }

    #[test]
    fn a_moment_that_could_not_be_read_back_is_none() {
        for bad in ["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00", "+10000-01-01T00:00:00Z"] {
            assert_eq!(bad.parse::<Timestamp>(), Err(NotATimestamp), "{bad}");
        }
        assert_eq!(Timestamp::from_micros(i64::MAX), None);
    }

    #[test]
    fn time_ends_where_its_spelling_does() {
        let end: Timestamp = "9999-12-31T23:59:59.999999Z".parse().unwrap();
        let beginning: Timestamp = "0000-01-01T00:00:00.000000Z".parse().unwrap();
        assert_eq!(end.plus(TimeDelta::hours(1)), end);
        assert_eq!(end.plus(TimeDelta::MAX), end);
        assert_eq!(beginning.plus(-TimeDelta::hours(1)), beginning);
        assert_eq!(beginning.plus(TimeDelta::MIN), beginning);
        assert_eq!(Timestamp::from(DateTime::<Utc>::MAX_UTC), end);
        assert_eq!(Timestamp::from(DateTime::<Utc>::MIN_UTC), beginning);
    }

    prop_compose! {
        /// Every spelling of a moment that RFC 3339 knows, at the ends of time more often than elsewhere.
        fn spelling()(
            year in prop_oneof![Just(0), Just(9999), 0..=9999],
            (month, day) in prop_oneof![Just((1, 1)), Just((12, 31)), (1..=12, 1..=28)],
            (hour, minute, second) in (0..=23, 0..=59, 0..=60),
            fraction in prop_oneof![Just(String::new()), "\\.[0-9]{1,12}"],
            offset in prop_oneof![Just("Z".to_owned()), "[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]"],
        ) -> String {
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}")
        }
    }

    proptest! {
        #[test]
        fn whatever_time_parses_reads_back(text in spelling()) {
            if let Ok(moment) = text.parse::<Timestamp>() {
                prop_assert_eq!(moment.to_string().parse(), Ok(moment));
                let written = serde_json::to_string(&moment).unwrap();
                prop_assert_eq!(serde_json::from_str::<Timestamp>(&written).unwrap(), moment);
            }
        }

        #[test]
        fn whatever_time_is_reckoned_reads_back(text in spelling(), span_ms in any::<i64>()) {
            if let (Ok(moment), Some(span)) = (text.parse::<Timestamp>(), TimeDelta::try_milliseconds(span_ms)) {
                let reckoned = moment.plus(span);
                prop_assert_eq!(reckoned.to_string().parse(), Ok(reckoned));
            }
        }
    }
}
