//! Ordered time.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Hours ordered by one line of a contract: 0 to 1,000,000, at most four decimal places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct OrderedHours(Decimal);

/// Why a number is no time that is ordered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hours of a contract line are between 0 and 1,000,000, with at most four decimal places")]
pub struct NotOrderedHours;

impl OrderedHours {
    /// The hours as a decimal number.
    pub fn as_decimal(self) -> Decimal {
        self.0
    }
}

impl TryFrom<Decimal> for OrderedHours {
    type Error = NotOrderedHours;
    fn try_from(hours: Decimal) -> Result<Self, NotOrderedHours> {
        let hours = hours.normalize();
        if hours < Decimal::ZERO || hours > Decimal::from(1_000_000) || hours.scale() > 4 {
            return Err(NotOrderedHours);
        }
        Ok(Self(hours))
    }
}

impl From<OrderedHours> for Decimal {
    fn from(hours: OrderedHours) -> Decimal {
        hours.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_orders_some_hours_or_none_but_no_more_than_anybody_could_work() {
        for bad in ["-0.01", "1000000.01", "1.00001", "79228162514264337593543950335"] {
            assert_eq!(OrderedHours::try_from(bad.parse::<Decimal>().unwrap()), Err(NotOrderedHours), "{bad}");
        }
        for good in ["0", "40", "33.3333", "1000000", "7.50000"] {
            assert!(OrderedHours::try_from(good.parse::<Decimal>().unwrap()).is_ok(), "{good}");
        }
    }
}
