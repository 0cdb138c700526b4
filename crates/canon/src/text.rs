//! The canonical text of a value, and what has none.

use serde::Serialize;
use serde_json::Value;

/// The largest integer that every JSON reader keeps exact: 2^53 − 1. Larger ones travel as strings.
pub const LARGEST_INTEGER: i64 = (1 << 53) - 1;

/// Why a value has no canonical text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// A number with a fraction or exponent; decimals are strings.
    #[error("{0} is not an integer; write decimals as strings")]
    Fraction(String),
    /// An integer that some readers would round.
    #[error("{0} is beyond 2^53 - 1; write it as a string")]
    TooLarge(String),
    /// U+0000, which Postgres cannot hold.
    #[error("text may not contain the character U+0000")]
    Nul,
    /// The value does not serialize to JSON at all.
    #[error("the value is not JSON: {0}")]
    NotJson(String),
}

/// The canonical text of a value (RFC 8785), or why it has none.
pub fn canonical_text(value: &impl Serialize) -> Result<String, NotCanonical> {
    let value = serde_json::to_value(value).map_err(|error| NotCanonical::NotJson(error.to_string()))?;
    canonical_text_of(&value)
}

/// The same for a value that is JSON already. Not generic, so that it is compiled here, optimised (see the profiles in
/// `Cargo.toml`), and not by every caller.
pub fn canonical_text_of(value: &Value) -> Result<String, NotCanonical> {
    let names = look_through(value)?;
    let written = match names {
        // Without whitespace, with the names in their order and strings escaped alike: the same text, sooner.
        Names::Ascii => serde_json::to_string(value),
        Names::Any => serde_json_canonicalizer::to_string(value),
    };
    written.map_err(|error| NotCanonical::NotJson(error.to_string()))
}

/// What the names in a value are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Their order is the same in every encoding.
    Ascii,
    /// They may sort differently as UTF-8 and as UTF-16, which is what RFC 8785 goes by.
    Any,
}

/// Refuses what others would read differently, and tells how the names sort.
fn look_through(value: &Value) -> Result<Names, NotCanonical> {
    match value {
        Value::Null | Value::Bool(_) => Ok(Names::Ascii),
        Value::Number(number) => {
            if number.is_f64() {
                return Err(NotCanonical::Fraction(number.to_string()));
            }
            match number.as_i64() {
                Some(integer) if integer.unsigned_abs() <= LARGEST_INTEGER.unsigned_abs() => Ok(Names::Ascii),
                Some(_) | None => Err(NotCanonical::TooLarge(number.to_string())),
            }
        }
        Value::String(text) => refuse_nul(text).map(|()| Names::Ascii),
        Value::Array(items) => items.iter().try_fold(Names::Ascii, |names, item| Ok(names.and(look_through(item)?))),
        Value::Object(fields) => fields.iter().try_fold(Names::Ascii, |names, (name, value)| {
            refuse_nul(name)?;
            let own = if name.is_ascii() { Names::Ascii } else { Names::Any };
            Ok(names.and(own).and(look_through(value)?))
        }),
    }
}

impl Names {
    fn and(self, other: Self) -> Self {
        if self == Self::Ascii { other } else { self }
    }
}

fn refuse_nul(text: &str) -> Result<(), NotCanonical> {
    if text.contains('\0') { Err(NotCanonical::Nul) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn names_are_sorted_by_utf16_code_units_as_the_standard_shows() {
        // RFC 8785, section 3.2.3, its own example.
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        assert_eq!(
            canonical_text(&value).unwrap(),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\"Latin Small Letter O With \
             Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter \
             Dalet With Dagesh\"}"
        );
    }

    #[test]
    fn strings_are_escaped_as_the_standard_shows() {
        // RFC 8785, section 3.2.2.2, its own example.
        let value = json!({ "string": "\u{20ac}$\u{f}\nA'\u{42}\u{22}\u{5c}\\\"/" });
        assert_eq!(canonical_text(&value).unwrap(), "{\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
    }

    #[test]
    fn literals_and_integers_have_one_form() {
        assert_eq!(
            canonical_text(&json!({"b": [null, true, false], "a": [0, -1, LARGEST_INTEGER]})).unwrap(),
            "{\"a\":[0,-1,9007199254740991],\"b\":[null,true,false]}"
        );
    }

    proptest! {
        #[test]
        fn the_text_is_what_an_implementation_of_the_standard_writes(value in any_value()) {
            prop_assert_eq!(canonical_text(&value).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
        }
    }

    /// JSON of some depth, with names and texts of any characters but U+0000.
    fn any_value() -> impl Strategy<Value = Value> {
        let text = || prop_oneof![r"[a-z_]{0,4}", r"[^\x00]{0,6}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-LARGEST_INTEGER..=LARGEST_INTEGER).prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(text(), inner, 0..6).prop_map(Value::from_iter),
            ]
        })
    }

    #[test]
    fn what_others_would_read_differently_is_refused() {
        assert_eq!(canonical_text(&json!({"a": 0.5})), Err(NotCanonical::Fraction("0.5".into())));
        assert_eq!(
            canonical_text(&json!([LARGEST_INTEGER + 1])),
            Err(NotCanonical::TooLarge("9007199254740992".into()))
        );
        assert_eq!(canonical_text(&json!(i64::MIN)), Err(NotCanonical::TooLarge(i64::MIN.to_string())));
        assert_eq!(canonical_text(&json!({"a": "x\0"})), Err(NotCanonical::Nul));
        assert_eq!(canonical_text(&json!({"a\0": 1})), Err(NotCanonical::Nul));
    }
}
