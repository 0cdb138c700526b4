//! Rates in percent.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A tax rate in percent: 0 to 100, at most three decimal places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Percent(Decimal);

/// Why a number is no rate.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is between 0 and 100 percent, with at most three decimal places")]
pub struct NotAPercent;

impl Percent {
    /// The rate as a decimal number: 21 for 21 percent.
    pub fn as_decimal(self) -> Decimal {
        self.0
    }
}

impl TryFrom<Decimal> for Percent {
    type Error = NotAPercent;
    fn try_from(rate: Decimal) -> Result<Self, NotAPercent> {
        let rate = rate.normalize();
        if rate < Decimal::ZERO || rate > Decimal::ONE_HUNDRED || rate.scale() > 3 {
            return Err(NotAPercent);
        }
        Ok(Self(rate))
    }
}

impl From<Percent> for Decimal {
    fn from(rate: Percent) -> Decimal {
        rate.0
    }
}
