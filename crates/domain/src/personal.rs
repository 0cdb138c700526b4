//! Personal data in events: named with the person it is about, sealed before it is hashed.

use crate::ids::PersonId;
use serde::{Deserialize, Serialize};

/// A value about a person: a name, an address, free text (F18.8).
///
/// Commands carry it clear. Before the event is hashed the store seals it under a key of that person's own; erasing the
/// person destroys the key and changes no stored byte. Domain state never opens it.
///
/// On the wire: `{"person": id, "clear": value}` or `{"person": id, "sealed": text}`, and no other object of ours has
/// these two fields, so that the store can find the values without knowing any event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Personal<T> {
    /// Readable: on its way into the ledger, or opened with the person's key.
    Clear {
        /// Whom it is about.
        person: PersonId,
        /// What it says.
        clear: T,
    },
    /// As the ledger holds it.
    Sealed {
        /// Whom it is about.
        person: PersonId,
        /// The ciphertext, base64.
        sealed: String,
    },
}

impl<T> Personal<T> {
    /// A readable value about a person.
    pub fn about(person: impl Into<PersonId>, value: T) -> Self {
        Self::Clear { person: person.into(), clear: value }
    }

    /// Whom it is about.
    pub fn person(&self) -> PersonId {
        match self {
            Self::Clear { person, .. } | Self::Sealed { person, .. } => *person,
        }
    }

    /// The value, where it is readable.
    pub fn clear(&self) -> Option<&T> {
        match self {
            Self::Clear { clear, .. } => Some(clear),
            Self::Sealed { .. } => None,
        }
    }
}

/// A log that prints a personal value by accident prints only whom it is about.
impl<T> std::fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Personal(about {})", self.person())
    }
}
