//! The device from which somebody signs in, as far as it tells.

use crate::digest::Digest;
use crate::server_key::DerivedKey;

/// The most characters of a device's own words that are kept.
const LONGEST: usize = 200;

/// A device by its own words (the `User-Agent`), cut to one short line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device(String);

impl Device {
    /// Reads what the device says of itself; no word is refused, too many are cut off.
    pub fn named(text: &str) -> Self {
        Self(text.chars().filter(|c| !c.is_control()).take(LONGEST).collect())
    }

    /// The line, for the list of one's own sessions.
    pub fn label(&self) -> &str {
        &self.0
    }

    /// What it is recognised by: its words without the digits, because browsers change their version every month.
    pub(crate) fn digest(&self, key: &DerivedKey) -> Digest {
        let lasting: String = self.0.chars().filter(|c| !c.is_ascii_digit()).collect();
        key.mac(&[lasting.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_key::ServerKey;

    #[test]
    fn a_device_is_one_short_line() {
        assert_eq!(Device::named("two\r\nlines\u{0}").label(), "twolines");
        assert_eq!(Device::named(&"ä".repeat(5_000)).label().chars().count(), LONGEST);
    }

    #[test]
    fn a_browser_that_was_updated_is_the_same_device() {
        let key = ServerKey::new([1; 32]).derive("device");
        let digest = |text: &str| Device::named(text).digest(&key);
        assert_eq!(digest("Firefox/131.0 on Linux"), digest("Firefox/132.0 on Linux"));
        assert_ne!(digest("Firefox/131.0 on Linux"), digest("Firefox/131.0 on Windows"));
    }
}
