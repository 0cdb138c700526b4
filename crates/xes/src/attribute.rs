//! An attribute: a key with a typed value, and what is said about it.

use crate::fault::{Fault, excerpt};
use chrono::{DateTime, FixedOffset};

/// One attribute of a log, a case or a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, such as `org:resource`.
    pub key: String,
    /// Its typed value.
    pub value: Value,
    /// Attributes that say something about this attribute, in file order.
    pub nested: Vec<Attribute>,
}

/// A value as XES types it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, as it stands.
    String(String),
    /// A point in time with the offset it was written in. Equal to another when both are the same instant.
    Date(DateTime<FixedOffset>),
    /// A whole number of 64 bits.
    Int(i64),
    /// A number as its exact text, never rounded to a binary float.
    Float(String),
    /// True or false.
    Boolean(bool),
    /// An identifier, as it stands (a UUID by the standard, anything in practice).
    Id(String),
    /// Attributes in an order that means something; keys may repeat.
    List(Vec<Attribute>),
    /// Attributes without an order.
    Container(Vec<Attribute>),
}

/// The element that an attribute is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    Date,
    Int,
    Float,
    Boolean,
    Id,
    List,
    Container,
}

impl Kind {
    /// The kind of the attribute element of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "date" => Self::Date,
            "int" => Self::Int,
            "float" => Self::Float,
            "boolean" => Self::Boolean,
            "id" => Self::Id,
            "list" => Self::List,
            "container" => Self::Container,
            _ => return None,
        })
    }

    /// The name of the element.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Date => "date",
            Self::Int => "int",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Id => "id",
            Self::List => "list",
            Self::Container => "container",
        }
    }
}

impl Value {
    /// Reads the value of an attribute from its text. Lists and containers have none and are read empty.
    pub(crate) fn parse(kind: Kind, key: &str, text: Option<String>) -> Result<Self, Fault> {
        let given =
            |text: Option<String>| text.ok_or(Fault::MissingPart { element: kind.name().into(), part: "value" });
        Ok(match kind {
            Kind::String => Self::String(given(text)?),
            Kind::Id => Self::Id(given(text)?),
            Kind::List => Self::List(Vec::new()),
            Kind::Container => Self::Container(Vec::new()),
            Kind::Date | Kind::Int | Kind::Float | Kind::Boolean => {
                let text = given(text)?;
                Self::typed(kind, text.trim()).ok_or_else(|| refusal(kind, key, &text))?
            }
        })
    }

    fn typed(kind: Kind, text: &str) -> Option<Self> {
        match kind {
            Kind::Date => date(text).map(Self::Date),
            Kind::Int => text.parse().ok().map(Self::Int),
            Kind::Float => is_number(text).then(|| Self::Float(text.to_owned())),
            Kind::Boolean => match text {
                "true" | "1" => Some(Self::Boolean(true)),
                "false" | "0" => Some(Self::Boolean(false)),
                _ => None,
            },
            Kind::String | Kind::Id | Kind::List | Kind::Container => None,
        }
    }

    /// Whether it is a text without anything in it.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(self, Self::String(text) | Self::Id(text) if text.trim().is_empty())
    }

    /// The value as a name: exporters write the ids of cases as numbers, too.
    pub(crate) fn into_name(self) -> Option<String> {
        match self {
            Self::String(text) | Self::Id(text) | Self::Float(text) => Some(text),
            Self::Int(number) => Some(number.to_string()),
            Self::Boolean(truth) => Some(truth.to_string()),
            Self::Date(_) | Self::List(_) | Self::Container(_) => None,
        }
    }
}

/// Reads a date and time. One without an offset is none: whose midnight it was would be a guess.
pub(crate) fn date(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text.trim()).ok()
}

fn refusal(kind: Kind, key: &str, text: &str) -> Fault {
    if key == "time:timestamp" {
        return Fault::BadTimestamp { value: excerpt(text) };
    }
    Fault::BadValue { key: excerpt(key), expected: kind.name(), value: excerpt(text) }
}

/// Whether the text is a number as XML Schema writes doubles; decided without making it one.
fn is_number(text: &str) -> bool {
    if matches!(text, "INF" | "-INF" | "NaN") {
        return true;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = unsigned(mantissa).split_once('.').unwrap_or((unsigned(mantissa), ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !unsigned(exponent).is_empty() && digits(unsigned(exponent)))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_recognised_by_its_text_alone() {
        for number in ["0", "26.85120450862128", "-1.5E-3", "+.5", "7.", "1e400", "INF", "-INF", "NaN"] {
            assert!(is_number(number), "{number}");
        }
        for other in ["", ".", "-", "e5", "1e", "1e+", "1.2.3", "0x1", "1,5", "inf", "+-1", "1 2"] {
            assert!(!is_number(other), "{other}");
        }
    }

    #[test]
    fn an_amount_keeps_every_digit_it_was_written_with() {
        let amount = Value::parse(Kind::Float, "amount", Some("26.85120450862128000000001".into())).unwrap();
        assert_eq!(amount, Value::Float("26.85120450862128000000001".into()));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_with_its_key() {
        for (kind, text) in [(Kind::Int, "1.5"), (Kind::Int, "9223372036854775808"), (Kind::Boolean, "yes")] {
            let fault = Value::parse(kind, "count", Some(text.into())).unwrap_err();
            assert!(
                matches!(fault, Fault::BadValue { key, expected, .. } if key == "count" && expected == kind.name())
            );
        }
    }

    #[test]
    fn a_time_without_an_offset_is_refused_rather_than_guessed() {
        assert!(Value::parse(Kind::Date, "due", Some("2026-03-01T09:30:00".into())).is_err());
        assert!(Value::parse(Kind::Date, "due", Some("2026-03-01T09:30:00.000+01:00".into())).is_ok());
    }
}
