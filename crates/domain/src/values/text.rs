//! Text that people write, bounded and free of control characters.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// Longer than its field holds.
    #[error("the text is longer than {limit} characters")]
    TooLong {
        /// The most characters that the field holds.
        limit: usize,
    },
    /// A character that is no text.
    #[error("the text contains a control character")]
    ControlCharacter,
    /// Not the form that the field asks for.
    #[error("{0}")]
    Form(&'static str),
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $parse:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the text as people type it; white space around it does not count.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                let parse: fn(&str) -> Result<(), TextError> = $parse;
                let text = text.trim();
                parse(text)?;
                Ok(Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

texts! {
    /// One line: a name or a title, 1 to 200 characters.
    Label = |text| bounded(text, 200, char::is_control);
    /// Several lines: a reason, a description, 1 to 4,000 characters.
    Note = |text| bounded(text, 4_000, |c| c.is_control() && c != '\n' && c != '\t');
    /// The short name of an organization in addresses: 2 to 40 of `a-z`, `0-9` and inner hyphens.
    Slug = slug;
    /// An IANA time zone, like `Europe/Tallinn`; whether it is known is asked where commands come in.
    TimeZone = time_zone;
    /// A BCP 47 language tag, like `en` or `de-CH`.
    Locale = locale;
}

fn bounded(text: &str, limit: usize, refused: fn(char) -> bool) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if text.chars().count() > limit {
        return Err(TextError::TooLong { limit });
    }
    if text.chars().any(refused) {
        return Err(TextError::ControlCharacter);
    }
    Ok(())
}

fn slug(text: &str) -> Result<(), TextError> {
    let sound = (2..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if sound { Ok(()) } else { Err(TextError::Form("a short name has 2 to 40 of a-z, 0-9 and inner hyphens")) }
}

fn time_zone(text: &str) -> Result<(), TextError> {
    let sound = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
    if sound { Ok(()) } else { Err(TextError::Form("a time zone is an IANA name, like Europe/Tallinn")) }
}

fn locale(text: &str) -> Result<(), TextError> {
    let mut parts = text.split('-');
    let language = parts
        .next()
        .is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase()));
    let rest = parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let sound = language && rest && text.len() <= 35;
    if sound { Ok(()) } else { Err(TextError::Form("a locale is a language tag, like en or de-CH")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_a_note_may_be_several() {
        assert_eq!(Label::parse("two\nlines"), Err(TextError::ControlCharacter));
        assert!(Note::parse("two\nlines").is_ok());
        assert_eq!(Note::parse("bell\u{7}"), Err(TextError::ControlCharacter));
    }

    #[test]
    fn the_limit_counts_characters_not_bytes() {
        assert!(Label::parse(&"ä".repeat(200)).is_ok());
        assert_eq!(Label::parse(&"ä".repeat(201)), Err(TextError::TooLong { limit: 200 }));
        assert_eq!(Label::parse("  \t "), Err(TextError::Empty));
    }

    #[test]
    fn a_short_name_fits_into_an_address() {
        assert!(Slug::parse("north-star").is_ok());
        for bad in ["N", "a", "-ab", "ab-", "a b", "ab/c", &"a".repeat(41)] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn locales_are_language_tags() {
        assert!(Locale::parse("de-CH").is_ok() && Locale::parse("en").is_ok());
        for bad in ["", "EN", "english", "de_CH", "de-"] {
            assert!(Locale::parse(bad).is_err(), "{bad}");
        }
    }
}
