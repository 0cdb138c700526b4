//! Invoice numbers and the series that they come from.

use crate::ids::{NumberSeriesId, OrgId};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// What an organization's invoice numbers begin with: 1 to 8 of `A-Z` and `0-9`, a letter first.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(String);

/// One series of numbers: a prefix in one year. Numbers run from 1 without gaps (F10.9).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Series {
    prefix: Prefix,
    year: u16,
}

/// A number as it stands on an invoice: `INV-2026-00001`. Given on sending, never reused (F10.9).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InvoiceNumber {
    series: Series,
    sequence: u32,
}

/// Why a text or a date yields no invoice number.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not what numbers begin with.
    #[error("an invoice number begins with 1 to 8 capital letters and digits, a letter first")]
    NotAPrefix,
    /// A year that is not written with four digits.
    #[error("invoices are issued between the years 1000 and 9999")]
    NotAYear,
    /// Not the form of an invoice number.
    #[error("an invoice number is written like INV-2026-00001")]
    NotANumber,
}

impl Prefix {
    /// Reads what numbers begin with.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let sound = (1..=8).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && text.starts_with(|first: char| first.is_ascii_uppercase());
        if sound { Ok(Self(text.to_owned())) } else { Err(NumberError::NotAPrefix) }
    }
}

/// What numbers begin with where the organization has not said otherwise.
impl Default for Prefix {
    fn default() -> Self {
        Self("INV".to_owned())
    }
}

impl Series {
    /// The series of the year in which an invoice is issued.
    pub fn on(prefix: Prefix, issued_on: NaiveDate) -> Result<Self, NumberError> {
        match u16::try_from(issued_on.year()) {
            Ok(year @ 1000..=9999) => Ok(Self { prefix, year }),
            Ok(_) | Err(_) => Err(NumberError::NotAYear),
        }
    }

    /// Its year.
    pub fn year(&self) -> i32 {
        i32::from(self.year)
    }

    /// The stream that allots its numbers in an organization.
    pub fn id(&self, org: OrgId) -> NumberSeriesId {
        NumberSeriesId(Uuid::new_v5(&org.0, format!("number_series:{self}").as_bytes()))
    }

    /// The number after the last one that was allotted; the first is 1.
    pub fn number_after(&self, last: u32) -> InvoiceNumber {
        InvoiceNumber { series: self.clone(), sequence: last.saturating_add(1) }
    }
}

impl InvoiceNumber {
    /// Reads a number as it stands on an invoice.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let mut parts = text.split('-');
        let (Some(prefix), Some(year), Some(sequence), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NumberError::NotANumber);
        };
        let year = Some(year)
            .filter(|year| year.len() == 4)
            .and_then(|year| u16::from_str(year).ok())
            .filter(|year| *year >= 1000)
            .ok_or(NumberError::NotAYear)?;
        let series = Series { prefix: Prefix::parse(prefix)?, year };
        let sequence = u32::from_str(sequence).ok().filter(|sequence| *sequence > 0).ok_or(NumberError::NotANumber)?;
        let number = Self { series, sequence };
        // One number has one spelling: what reads back otherwise had another number of zeros, or a sign.
        if number.to_string() == text { Ok(number) } else { Err(NumberError::NotANumber) }
    }

    /// The series that it comes from.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// Its place in the series, from 1.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}", self.prefix, self.year)
    }
}

impl fmt::Display for InvoiceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:05}", self.series, self.sequence)
    }
}

impl TryFrom<String> for Prefix {
    type Error = NumberError;
    fn try_from(text: String) -> Result<Self, NumberError> {
        Self::parse(&text)
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> String {
        prefix.0
    }
}

impl TryFrom<String> for InvoiceNumber {
    type Error = NumberError;
    fn try_from(text: String) -> Result<Self, NumberError> {
        Self::parse(&text)
    }
}

impl From<InvoiceNumber> for String {
    fn from(number: InvoiceNumber) -> String {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ORG;

    #[test]
    fn a_number_reads_back_as_it_is_written() {
        for good in ["INV-2026-00001", "A-1999-99999", "RE26-2026-100000", "INV-2026-4294967295"] {
            assert_eq!(InvoiceNumber::parse(good).unwrap().to_string(), good);
        }
    }

    #[test]
    fn one_number_has_one_spelling() {
        for bad in [
            "",
            "INV",
            "INV-2026",
            "INV-2026-1",
            "INV-2026-000001",
            "INV-2026-00000",
            "INV-2026-+0001",
            "INV-26-00001",
            "INV-0026-00001",
            "inv-2026-00001",
            "1NV-2026-00001",
            "INV-2026-00001-1",
            "INV-2026-99999999999",
            "LONGPREFIX-2026-00001",
            " INV-2026-00001",
        ] {
            assert!(InvoiceNumber::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn each_year_prefix_and_organization_has_a_series_of_its_own() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let series = |prefix: &str, on: &str| Series::on(Prefix::parse(prefix).unwrap(), day(on)).unwrap();
        let one = series("INV", "2026-01-01").id(ORG);
        assert_eq!(series("INV", "2026-12-31").id(ORG), one);
        assert_ne!(series("INV", "2027-01-01").id(ORG), one);
        assert_ne!(series("FAC", "2026-01-01").id(ORG), one);
        assert_ne!(series("INV", "2026-01-01").id(crate::testing::id(7)), one);
        assert_eq!(Series::on(Prefix::default(), day("0999-12-31")), Err(NumberError::NotAYear));
    }
}
