//! Passwords as people type them, and which of them may be chosen.
//!
//! Length is what counts (NIST SP 800-63B): 12 to 128 characters, any characters, nothing about digits or capitals; not
//! a mail address, and not one of those that everybody tries first.

use countersign_domain::values::Email;
use serde::Deserialize;
use std::fmt;
use zeroize::Zeroizing;

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most characters of a password.
pub const LONGEST: usize = 128;

/// Different characters that a password has at least: `121212121212` has two.
const FEWEST_DIFFERENT: usize = 4;

/// What somebody typed as their password, right or wrong. Wiped when dropped, and never printed.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Password(Zeroizing<String>);

/// A password fit to be set.
#[derive(Clone)]
pub struct NewPassword(Password);

/// Why a password may not be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Fewer characters than [`SHORTEST`].
    #[error("a password has at least {SHORTEST} characters")]
    TooShort,
    /// More characters than [`LONGEST`].
    #[error("a password has at most {LONGEST} characters")]
    TooLong,
    /// One's own mail address is the first thing that is tried; others' are not much better.
    #[error("a mail address is no password")]
    MailAddress,
    /// On everybody's list.
    #[error("this password is among the first that are tried")]
    TooCommon,
}

impl PasswordRefused {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password.too_short",
            Self::TooLong => "password.too_long",
            Self::MailAddress => "password.mail_address",
            Self::TooCommon => "password.too_common",
        }
    }
}

impl Password {
    /// For the one place that hashes it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl NewPassword {
    /// Takes a password that may be chosen.
    pub fn choose(password: Password) -> Result<Self, PasswordRefused> {
        let text = password.reveal();
        let length = text.chars().count();
        if length < SHORTEST {
            return Err(PasswordRefused::TooShort);
        }
        if length > LONGEST {
            return Err(PasswordRefused::TooLong);
        }
        if Email::parse(text).is_ok() {
            return Err(PasswordRefused::MailAddress);
        }
        if is_common(text) {
            return Err(PasswordRefused::TooCommon);
        }
        Ok(Self(password))
    }

    /// The same as somebody types it.
    pub fn as_typed(&self) -> &Password {
        &self.0
    }
}

/// Whether it is on the list, whatever its capitals, or hardly more than one key held down.
fn is_common(text: &str) -> bool {
    let text = Zeroizing::new(text.to_lowercase());
    let mut different: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    different.sort_unstable();
    different.dedup();
    different.len() < FEWEST_DIFFERENT || WORST.contains(&text.as_str())
}

/// The worst of those that are long enough, from public lists of leaked passwords.
const WORST: &[&str] = &[
    "012345678910",
    "0123456789ab",
    "0987654321qwerty",
    "123456789012",
    "1234567890123",
    "1234567890qwerty",
    "1234567891011",
    "123456789101112",
    "123456789abc",
    "123456qwerty",
    "12345qwert!@#$%",
    "1q2w3e4r5t6y",
    "1q2w3e4r5t6y7u8i",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "abcd1234abcd",
    "abcdefghijkl",
    "abcdefghijklm",
    "administrator",
    "administrator1",
    "changemenow1",
    "correct horse battery staple",
    "correcthorsebatterystaple",
    "countersign1",
    "countersign123",
    "iloveyou1234",
    "iloveyouforever",
    "letmein12345",
    "letmeinplease",
    "liverpool1234",
    "manchesterunited",
    "p@ssw0rd1234",
    "p@ssword1234",
    "passw0rd1234",
    "password123!",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "qazwsxedcrfv",
    "qwerty123456",
    "qwerty1234567",
    "qwerty12345678",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiop[]",
    "qwertyuiopasdfgh",
    "thisismypassword",
    "unbelievable",
    "welcome12345",
    "welcome123456",
    "zaq12wsxcde3",
];

impl From<String> for Password {
    fn from(typed: String) -> Self {
        Self(Zeroizing::new(typed))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(text: &str) -> Result<(), PasswordRefused> {
        NewPassword::choose(Password::from(text.to_owned())).map(|_| ())
    }

    #[test]
    fn a_password_has_12_to_128_characters_of_any_kind() {
        assert_eq!(choose("elevenchars"), Err(PasswordRefused::TooShort));
        assert_eq!(choose("twelve chars"), Ok(()));
        assert_eq!(choose("äöüßéèêñçåøæ"), Ok(()));
        assert_eq!(choose(&"lang".repeat(32)), Ok(()));
        assert_eq!(choose(&format!("{}x", "lang".repeat(32))), Err(PasswordRefused::TooLong));
    }

    #[test]
    fn a_mail_address_is_no_password() {
        assert_eq!(choose("Ann.Smith@Example.com"), Err(PasswordRefused::MailAddress));
    }

    #[test]
    fn what_everybody_tries_first_is_no_password() {
        for bad in ["Password1234", "QWERTYuiop12", "aaaaaaaaaaaa", "121212121212", "            "] {
            assert_eq!(choose(bad), Err(PasswordRefused::TooCommon), "{bad:?}");
        }
    }

    #[test]
    fn everything_on_the_list_is_in_small_letters_and_long_enough_to_matter() {
        for listed in WORST {
            assert_eq!(*listed, listed.to_lowercase());
            assert!(listed.chars().count() >= SHORTEST, "{listed}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let typed: Password = serde_json::from_str("\"open sesame please\"").unwrap();
        assert_eq!(format!("{typed:?} {:?}", NewPassword::choose(typed.clone())), "Password(…) Ok(NewPassword(…))");
    }
}
