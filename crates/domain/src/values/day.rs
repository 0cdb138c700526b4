//! Days of the calendar.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The years of which a day can be named.
const YEARS: RangeInclusive<i32> = 1900..=9999;

/// A day that somebody names: of the years 1900 to 9999, written `2026-01-31`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(NaiveDate);

/// Why a text or a date is no day that can be named.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a day is written like 2026-01-31, in the years 1900 to 9999")]
pub struct NotADay;

impl Day {
    /// The day as chrono knows it.
    pub fn as_date(self) -> NaiveDate {
        self.0
    }
}

impl TryFrom<NaiveDate> for Day {
    type Error = NotADay;
    fn try_from(date: NaiveDate) -> Result<Self, NotADay> {
        if YEARS.contains(&date.year()) { Ok(Self(date)) } else { Err(NotADay) }
    }
}

impl FromStr for Day {
    type Err = NotADay;
    fn from_str(text: &str) -> Result<Self, NotADay> {
        text.parse::<NaiveDate>().map_err(|_| NotADay)?.try_into()
    }
}

impl TryFrom<String> for Day {
    type Error = NotADay;
    fn try_from(text: String) -> Result<Self, NotADay> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_on_which_somebody_can_have_worked() {
        for bad in ["-200000-01-01", "1899-12-31", "+10000-01-01", "2026-02-30", "01/31/2026", ""] {
            assert_eq!(bad.parse::<Day>(), Err(NotADay), "{bad}");
        }
        for good in ["1900-01-01", "2026-01-31", "9999-12-31"] {
            assert_eq!(good.parse::<Day>().unwrap().to_string(), good);
        }
    }

    #[test]
    fn a_day_has_one_spelling_on_the_wire() {
        let day: Day = serde_json::from_str(r#""2026-01-31""#).unwrap();
        assert_eq!(serde_json::to_string(&day).unwrap(), r#""2026-01-31""#);
        let fault = serde_json::from_str::<Day>(r#""-200000-01-01""#).unwrap_err().to_string();
        assert!(fault.starts_with("a day is written like 2026-01-31, in the years 1900 to 9999"), "{fault}");
    }
}
