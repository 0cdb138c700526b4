//! Worked time.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Hours worked in one entry: more than 0, at most 24, at most two decimal places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Hours(Decimal);

/// Why a number is no time worked in one entry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("hours are more than 0 and at most 24, with at most two decimal places")]
pub struct NotHours;

impl Hours {
    /// The hours as a decimal number.
    pub fn as_decimal(self) -> Decimal {
        self.0
    }
}

impl TryFrom<Decimal> for Hours {
    type Error = NotHours;
    fn try_from(hours: Decimal) -> Result<Self, NotHours> {
        let hours = hours.normalize();
        if hours <= Decimal::ZERO || hours > Decimal::from(24) || hours.scale() > 2 {
            return Err(NotHours);
        }
        Ok(Self(hours))
    }
}

impl From<Hours> for Decimal {
    fn from(hours: Hours) -> Decimal {
        hours.0
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_some_hours_but_no_more_than_a_day_has() {
        for bad in ["0", "-1", "24.01", "1.125"] {
            assert_eq!(Hours::try_from(bad.parse::<Decimal>().unwrap()), Err(NotHours), "{bad}");
        }
        for good in ["0.25", "24", "7.50", "24.00"] {
            assert!(Hours::try_from(good.parse::<Decimal>().unwrap()).is_ok(), "{good}");
        }
    }

    #[test]
    fn trailing_zeros_do_not_make_other_hours() {
        assert_eq!(
            Hours::try_from("7.50".parse::<Decimal>().unwrap()),
            Hours::try_from("7.5".parse::<Decimal>().unwrap())
        );
    }
}
