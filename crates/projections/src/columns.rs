//! Between rows as folds know them and columns as Postgres keeps them.

use countersign_domain::envelope::Principal;
use countersign_domain::values::{Currency, Money, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::error::Error;
use uuid::Uuid;

/// One column of many rows, to be written with `unnest`.
pub(crate) fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// Nested content as jsonb.
pub(crate) fn json(content: &impl Serialize) -> Value {
    serde_json::to_value(content).expect("a row has string keys and serializes")
}

/// A value whose wire form is one word, as that word.
pub(crate) fn word(value: &impl Serialize) -> String {
    let Value::String(word) = json(value) else { unreachable!("the value is one word on the wire") };
    word
}

/// A value read through its door; what does not pass is a defect of ours.
pub(crate) fn read<T, E>(column: &'static str, value: Result<T, E>) -> Result<T, sqlx::Error>
where
    E: Error + Send + Sync + 'static,
{
    value.map_err(|source| sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(source) })
}

/// A value whose wire form is one word.
pub(crate) fn read_word<T: DeserializeOwned>(column: &'static str, word: String) -> Result<T, sqlx::Error> {
    read(column, serde_json::from_value(Value::String(word)))
}

/// An amount of minor units in a currency.
pub(crate) fn read_money(column: &'static str, minor: i64, currency: Currency) -> Result<Money, sqlx::Error> {
    read(column, Money::new(minor, currency))
}

/// A number of hours in its one spelling: without trailing zeros, however Postgres kept it.
pub(crate) fn read_hours(hours: Decimal) -> Decimal {
    hours.normalize()
}

/// A count or revision, which a table keeps signed.
pub(crate) fn read_count(column: &'static str, count: i32) -> Result<u32, sqlx::Error> {
    read(column, u32::try_from(count))
}

/// A position, which a table keeps signed.
pub(crate) fn read_position(column: &'static str, position: i64) -> Result<u64, sqlx::Error> {
    read(column, u64::try_from(position))
}

/// A count or revision as a table keeps it.
pub(crate) fn signed(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A position as a table keeps it.
pub(crate) fn signed_position(position: u64) -> i64 {
    i64::try_from(position).expect("a ledger has fewer than 2^63 events")
}

/// A moment as a table keeps it.
pub(crate) fn moment(at: Option<Timestamp>) -> Option<chrono::DateTime<chrono::Utc>> {
    at.map(Timestamp::as_utc)
}

/// A person as two columns: kind and id.
pub(crate) fn principal(who: Principal) -> (String, Uuid) {
    match who {
        Principal::Staff(id) => ("staff".to_owned(), id.0),
        Principal::PortalUser(id) => ("portal_user".to_owned(), id.0),
    }
}

/// A person from two columns: kind and id.
pub(crate) fn read_principal(column: &'static str, kind: &str, id: Uuid) -> Result<Principal, sqlx::Error> {
    read(column, serde_json::from_value(json!({ "kind": kind, "id": id })))
}
