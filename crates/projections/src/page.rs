//! Pages of long lists: how many rows, and where the next page begins.
//!
//! A cursor names the last row of a page, by its id or position and nothing else: what the reader has been shown
//! already. It is opaque to them, and belongs to one list.

use crate::error::ReadError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How many rows a page holds: 1 to 200, 50 unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

/// Why a number is no page's length.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page holds 1 to {} rows", Limit::MOST)]
pub struct NotALimit;

impl Limit {
    /// The longest page.
    pub const MOST: u16 = 200;

    /// One row more than the page holds: whether there is another page.
    pub(crate) fn and_one_more(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u64> for Limit {
    type Error = NotALimit;
    fn try_from(rows: u64) -> Result<Self, NotALimit> {
        match u16::try_from(rows) {
            Ok(rows @ 1..=Self::MOST) => Ok(Self(rows)),
            Ok(_) | Err(_) => Err(NotALimit),
        }
    }
}

/// Where a page ended. Opaque to readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    list: String,
    last: serde_json::Value,
}

/// Why a text is no cursor of this list.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor of this list; begin again without one")]
pub struct NotACursor;

impl Cursor {
    /// The cursor behind a row of a list.
    pub(crate) fn behind(list: &'static str, last: &impl Serialize) -> Self {
        let last = serde_json::to_value(last).expect("ids and positions serialize");
        Self { list: list.to_owned(), last }
    }

    /// What the cursor names, if it is this list's.
    pub(crate) fn last<K: DeserializeOwned>(&self, list: &'static str) -> Result<K, NotACursor> {
        if self.list != list {
            return Err(NotACursor);
        }
        serde_json::from_value(self.last.clone()).map_err(|_| NotACursor)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&(&self.list, &self.last)).expect("a cursor serializes");
        f.write_str(&URL_SAFE_NO_PAD.encode(text))
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;
    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let (list, last) = serde_json::from_slice(&bytes).map_err(|_| NotACursor)?;
        Ok(Self { list, last })
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Which page of a list is asked for: the first one where no cursor is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// How many rows.
    pub limit: Limit,
}

impl PageRequest {
    /// What the cursor names, if there is one.
    pub(crate) fn last<K: DeserializeOwned>(&self, list: &'static str) -> Result<Option<K>, ReadError> {
        Ok(self.after.as_ref().map(|cursor| cursor.last(list)).transpose()?)
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page of rows that were read with one more than it holds. `key` names a row.
    pub(crate) fn of<K: Serialize>(list: &'static str, mut items: Vec<T>, limit: Limit, key: impl Fn(&T) -> K) -> Self {
        let more = items.len() > usize::from(limit.0);
        items.truncate(usize::from(limit.0));
        let next = items.last().filter(|_| more).map(|last| Cursor::behind(list, &key(last)));
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_belongs_to_one_list() {
        let cursor: Cursor = Cursor::behind("invoices", &7_u64).to_string().parse().unwrap();
        assert_eq!(cursor.last::<u64>("invoices"), Ok(7));
        assert_eq!(cursor.last::<u64>("projects"), Err(NotACursor));
        assert_eq!(cursor.last::<uuid::Uuid>("invoices"), Err(NotACursor));
        for bad in ["", "!", "bm9wZQ", "7"] {
            assert_eq!(bad.parse::<Cursor>(), Err(NotACursor), "{bad}");
        }
    }

    #[test]
    fn only_a_page_that_is_not_the_last_names_the_next() {
        let limit = Limit::try_from(2).unwrap();
        let page = Page::of("numbers", vec![1, 2, 3], limit, |number| *number);
        assert_eq!((page.items, page.next), (vec![1, 2], Some(Cursor::behind("numbers", &2))));
        assert_eq!(Page::of("numbers", vec![1, 2], limit, |number| *number).next, None);
    }

    #[test]
    fn a_page_holds_one_to_two_hundred_rows() {
        for bad in [0, 201, u64::MAX] {
            assert_eq!(Limit::try_from(bad), Err(NotALimit));
        }
        assert_eq!(Limit::try_from(200).map(Limit::and_one_more), Ok(201));
    }
}
