//! A mail address, in the one spelling under which two are compared.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A mail address, lower case, at most 254 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// Why a text is no mail address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a mail address: write it like name@example.com")]
pub struct NotAnEmail;

impl Email {
    /// Reads an address as people type it: white space around it and upper case do not matter.
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim().to_lowercase();
        let (name, host) = text.rsplit_once('@').ok_or(NotAnEmail)?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[]\\,;:\"@".contains(c);
        let labels_are_sound = host
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.len() <= 63);
        let host_is_sound =
            host.contains('.') && labels_are_sound && host.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.');
        let name_is_sound = !name.is_empty()
            && name.len() <= 64
            && name.chars().all(plain)
            && !name.starts_with('.')
            && !name.ends_with('.')
            && !name.contains("..");
        if text.len() > 254 || !host_is_sound || !name_is_sound {
            return Err(NotAnEmail);
        }
        Ok(Self(text))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub fn host(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, host)| host)
    }
}

impl TryFrom<String> for Email {
    type Error = NotAnEmail;
    fn try_from(text: String) -> Result<Self, NotAnEmail> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> String {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Addresses are personal: a log that prints one by accident prints only its host.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email(…@{})", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_space_around_an_address_do_not_make_another_address() {
        assert_eq!(Email::parse("  Ann@Example.COM "), Email::parse("ann@example.com"));
    }

    #[test]
    fn what_cannot_be_delivered_is_no_address() {
        for bad in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@example",
            "a b@example.com",
            "ann@exa mple.com",
            "ann@-a.com",
            "ann@a..com",
            ".ann@a.com",
            "an..n@a.com",
            "ann\u{0}@a.com",
            "Ann <ann@a.com>",
            "ann@a.com\r\nBcc: x@y.z",
        ] {
            assert_eq!(Email::parse(bad), Err(NotAnEmail), "{bad:?}");
        }
        assert_eq!(Email::parse(&format!("{}@example.com", "a".repeat(65))), Err(NotAnEmail));
    }
}
