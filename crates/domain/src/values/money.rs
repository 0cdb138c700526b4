//! Money: whole minor units of one currency, never a float.

use crate::values::{Hours, Percent};
use countersign_canon::LARGEST_INTEGER;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An ISO 4217 currency code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// An amount: integer minor units (cents) of a currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "UncheckedMoney")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedMoney {
    minor: i64,
    currency: Currency,
}

/// Why an amount cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three letters.
    #[error("a currency is a code of three capital letters, like EUR")]
    NotACurrency,
    /// Beyond what every reader keeps exact.
    #[error("the amount is too large")]
    TooLarge,
    /// Two amounts of different currencies were put together.
    #[error("amounts in {0} and {1} cannot be put together")]
    CurrenciesDiffer(Currency, Currency),
}

impl Currency {
    /// Reads a code of three capital letters.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            [a, b, c] if text.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(Self([*a, *b, *c])),
            _ => Err(MoneyError::NotACurrency),
        }
    }

    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is made of ASCII letters")
    }

    /// How many decimal places the currency has: 2, with ISO 4217's exceptions.
    pub fn decimals(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl Money {
    /// An amount of integer minor units, at most 2^53 − 1 either way.
    pub fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor.unsigned_abs() > LARGEST_INTEGER.unsigned_abs() {
            return Err(MoneyError::TooLarge);
        }
        Ok(Self { minor, currency })
    }

    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The amount in minor units.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// Its currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrenciesDiffer(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Self::new(minor, self.currency)
    }

    /// The value of hours at this rate an hour, rounded half away from zero to a minor unit.
    pub fn for_hours(self, hours: Hours) -> Result<Money, MoneyError> {
        self.times(hours.as_decimal())
    }

    /// A quantity at this price each, rounded half away from zero to a minor unit.
    pub fn times(self, quantity: Decimal) -> Result<Money, MoneyError> {
        let exact = Decimal::from(self.minor).checked_mul(quantity).ok_or(MoneyError::TooLarge)?;
        let rounded = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        Self::new(rounded.to_i64().ok_or(MoneyError::TooLarge)?, self.currency)
    }

    /// The tax on this amount at a rate, rounded half away from zero to a minor unit.
    pub fn tax(self, rate: Percent) -> Result<Money, MoneyError> {
        self.times(rate.as_decimal() / Decimal::ONE_HUNDRED)
    }
}

impl TryFrom<UncheckedMoney> for Money {
    type Error = MoneyError;
    fn try_from(money: UncheckedMoney) -> Result<Self, MoneyError> {
        Self::new(money.minor, money.currency)
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(text: String) -> Result<Self, MoneyError> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Decimal::new(self.minor, self.currency.decimals()), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::parse("EUR").unwrap()).unwrap()
    }

    #[test]
    fn halves_of_a_cent_are_rounded_away_from_zero() {
        let half = "0.5".parse::<Decimal>().unwrap();
        assert_eq!(eur(1).times(half), Ok(eur(1)));
        assert_eq!(eur(-1).times(half), Ok(eur(-1)));
        assert_eq!(eur(3).times(half), Ok(eur(2)));
    }

    #[test]
    fn tax_is_taken_once_on_the_amount() {
        assert_eq!(eur(10_050).tax(Percent::try_from(Decimal::from(21)).unwrap()), Ok(eur(2_111)));
    }

    #[test]
    fn euros_and_dollars_do_not_add_up() {
        let usd = Money::new(1, Currency::parse("USD").unwrap()).unwrap();
        assert!(matches!(eur(1).plus(usd), Err(MoneyError::CurrenciesDiffer(_, _))));
    }

    #[test]
    fn an_amount_that_readers_would_round_is_refused_at_every_door() {
        let code = Currency::parse("EUR").unwrap();
        assert_eq!(Money::new(i64::MAX, code), Err(MoneyError::TooLarge));
        assert_eq!(Money::new(i64::MIN, code), Err(MoneyError::TooLarge));
        assert!(serde_json::from_str::<Money>(r#"{"minor":9007199254740992,"currency":"EUR"}"#).is_err());
        assert_eq!(eur(LARGEST_INTEGER).plus(eur(1)), Err(MoneyError::TooLarge));
    }

    #[test]
    fn amounts_are_shown_with_the_places_their_currency_has() {
        assert_eq!(eur(-123_405).to_string(), "-1234.05 EUR");
        assert_eq!(Money::new(500, Currency::parse("JPY").unwrap()).unwrap().to_string(), "500 JPY");
    }
}
