//! Rows as `COPY` reads them in Postgres's binary format: how many columns a row has, then each one's length and bytes,
//! which are those that a statement would bind.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::postgres::PgArgumentBuffer;
use sqlx::types::Json;
use sqlx::{Encode, Postgres};
use uuid::Uuid;

/// In place of a length: there is no value.
const NO_VALUE: i32 = -1;
/// The version of the binary form of `jsonb`: the text follows.
const JSONB: u8 = 1;
/// Postgres's numbers of the types that are kept in arrays.
const TEXT: u32 = 25;
const UUID: u32 = 2950;
/// Postgres counts time from the beginning of 2000.
const BEGINNING_MICROS: i64 = 946_684_800_000_000;

/// Rows of one table, to be written at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The table, without its schema and generation.
    pub(crate) table: &'static str,
    /// The columns after generation and organization.
    pub(crate) columns: &'static [&'static str],
    /// What `COPY` reads.
    pub(crate) bytes: Vec<u8>,
}

/// One row that is being written: a value after the other, in the order of the table's columns.
#[derive(Debug)]
pub struct Line<'a> {
    bytes: &'a mut Vec<u8>,
    begins_at: usize,
    columns: i16,
}

/// A value as `COPY` reads it: of exactly the type that its column has.
pub trait Cell {
    /// Writes its length and its bytes.
    fn write(&self, bytes: &mut Vec<u8>);
}

impl<'a> Line<'a> {
    /// A row at the end of others.
    pub(crate) fn after(bytes: &'a mut Vec<u8>) -> Self {
        let begins_at = bytes.len();
        bytes.extend_from_slice(&0_i16.to_be_bytes());
        Self { bytes, begins_at, columns: 0 }
    }

    /// The next column.
    pub fn put(&mut self, value: impl Cell) -> &mut Self {
        self.columns += 1;
        value.write(self.bytes);
        self
    }

    /// There are no more columns.
    pub(crate) fn end(self) {
        self.bytes[self.begins_at..][..2].copy_from_slice(&self.columns.to_be_bytes());
    }
}

/// A length and so many bytes.
fn sized(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&length_of(value.len()));
    bytes.extend_from_slice(value);
}

/// The same for what is not measured before it is written.
fn measured(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let begins_at = bytes.len();
    bytes.extend_from_slice(&0_i32.to_be_bytes());
    write(bytes);
    let length = length_of(bytes.len() - begins_at - 4);
    bytes[begins_at..][..4].copy_from_slice(&length);
}

fn length_of(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).expect("a value is smaller than 2 GiB").to_be_bytes()
}

impl Cell for &str {
    fn write(&self, bytes: &mut Vec<u8>) {
        sized(bytes, self.as_bytes());
    }
}

impl Cell for Uuid {
    fn write(&self, bytes: &mut Vec<u8>) {
        sized(bytes, self.as_bytes());
    }
}

impl Cell for bool {
    fn write(&self, bytes: &mut Vec<u8>) {
        sized(bytes, &[u8::from(*self)]);
    }
}

impl Cell for i32 {
    fn write(&self, bytes: &mut Vec<u8>) {
        sized(bytes, &self.to_be_bytes());
    }
}

impl Cell for i64 {
    fn write(&self, bytes: &mut Vec<u8>) {
        sized(bytes, &self.to_be_bytes());
    }
}

impl Cell for Decimal {
    fn write(&self, bytes: &mut Vec<u8>) {
        let mut bound = PgArgumentBuffer::default();
        let written = Encode::<Postgres>::encode_by_ref(self, &mut bound);
        written.map(drop).expect("Postgres keeps more digits than a decimal has");
        sized(bytes, &bound);
    }
}

impl Cell for DateTime<Utc> {
    fn write(&self, bytes: &mut Vec<u8>) {
        (self.timestamp_micros() - BEGINNING_MICROS).write(bytes);
    }
}

impl Cell for NaiveDate {
    fn write(&self, bytes: &mut Vec<u8>) {
        let beginning = NaiveDate::from_ymd_opt(2000, 1, 1).expect("2000 begins on a day");
        let days = i32::try_from(self.signed_duration_since(beginning).num_days());
        days.expect("all days that there are can be counted").write(bytes);
    }
}

impl<T: Cell> Cell for Option<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(bytes),
            None => bytes.extend_from_slice(&NO_VALUE.to_be_bytes()),
        }
    }
}

impl<T: Serialize> Cell for Json<&T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        measured(bytes, |bytes| {
            bytes.push(JSONB);
            serde_json::to_writer(bytes, self.0).expect("a row has string keys and serializes");
        });
    }
}

impl Cell for Vec<Uuid> {
    fn write(&self, bytes: &mut Vec<u8>) {
        array(bytes, UUID, self.iter().copied());
    }
}

impl Cell for Vec<String> {
    fn write(&self, bytes: &mut Vec<u8>) {
        array(bytes, TEXT, self.iter().map(String::as_str));
    }
}

impl Cell for Vec<&str> {
    fn write(&self, bytes: &mut Vec<u8>) {
        array(bytes, TEXT, self.iter().copied());
    }
}

/// One dimension, counted from 1, in which no value is missing.
fn array(bytes: &mut Vec<u8>, kind: u32, values: impl ExactSizeIterator<Item = impl Cell>) {
    measured(bytes, |bytes| {
        for part in [1_i32.to_be_bytes(), 0_i32.to_be_bytes(), kind.to_be_bytes(), length_of(values.len())] {
            bytes.extend_from_slice(&part);
        }
        bytes.extend_from_slice(&1_i32.to_be_bytes());
        values.for_each(|value| value.write(bytes));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rebuild::copy::copy;
    use sqlx::PgPool;

    /// What Postgres has of a value that was copied, in its own words, beside what it has of the words.
    async fn copied(pool: &PgPool, kind: &str, values: Vec<(impl Cell, Option<String>)>) {
        let mut connection = pool.acquire().await.unwrap();
        let table = format!("CREATE TEMP TABLE cell (generation integer, org_id integer, value {kind})");
        sqlx::query(sqlx::AssertSqlSafe(table)).execute(&mut *connection).await.unwrap();
        let mut lines = Lines { table: "cell", columns: &["value"], bytes: Vec::new() };
        for (number, (value, _)) in values.iter().enumerate() {
            let mut line = Line::after(&mut lines.bytes);
            line.put(1).put(number as i32);
            value.write(line.bytes);
            line.columns += 1;
            line.end();
        }
        copy(&mut connection, "cell", &lines).await.unwrap();
        let written: Vec<Option<String>> = values.into_iter().map(|(_, written)| written).collect();
        let question = format!(
            "SELECT coalesce(cell.value::text, 'nothing'), coalesce(written.value::{kind}::text, 'nothing')
             FROM cell JOIN unnest($1::text[]) WITH ORDINALITY written (value, number) ON cell.org_id + 1 = number"
        );
        let rows: Vec<(String, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(question)).bind(&written).fetch_all(&mut *connection).await.unwrap();
        assert_eq!(rows.len(), written.len());
        for (stored, meant) in rows {
            assert_eq!(stored, meant, "{kind}");
        }
        sqlx::query("DROP TABLE cell").execute(&mut *connection).await.unwrap();
    }

    fn in_words<T: ToString + Cell>(values: impl IntoIterator<Item = T>) -> Vec<(T, Option<String>)> {
        let values = values.into_iter();
        values.map(|value| (value.to_string(), value)).map(|(words, value)| (value, Some(words))).collect()
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn what_is_copied_is_what_its_words_would_be(pool: PgPool) {
        let texts = ["", "a\tb\nc\rd\\e", "\\N", "\"quoted\", {and} more", "Žofie 🙂", "nothing at all"];
        copied(&pool, "text", in_words(texts)).await;
        copied(&pool, "uuid", in_words([Uuid::nil(), Uuid::max(), Uuid::from_u128(0x0198_7ab0)])).await;
        copied(&pool, "boolean", in_words([true, false])).await;
        copied(&pool, "integer", in_words([0, 1, -1, i32::MAX, i32::MIN])).await;
        copied(&pool, "bigint", in_words([0, 1, -1, i64::MAX, i64::MIN])).await;
        copied(&pool, "text", vec![(None::<&str>, None), (Some(""), Some(String::new()))]).await;
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn a_number_is_copied_with_every_digit(pool: PgPool) {
        let whole = [1_i64, 5, 99, 100, 9_999, 10_000, 10_001, 75_000_000, 123_456_789_012_345, i64::MAX];
        let signed = whole.into_iter().flat_map(|whole| [whole, -whole]);
        let decimals = signed.flat_map(|whole| (0..=28).map(move |scale| Decimal::new(whole, scale)));
        copied(&pool, "numeric", in_words(decimals.chain([Decimal::ZERO, Decimal::MAX, Decimal::MIN]))).await;
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn a_moment_is_copied_to_the_microsecond_and_a_day_as_that_day(pool: PgPool) {
        let moments = [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "1999-12-31T23:59:59.999999Z",
            "2000-01-01T00:00:00Z",
            "2026-03-02T09:05:07.000123+02:00",
            "9999-12-31T23:59:59.999999Z",
        ];
        let moments = moments.map(|moment| moment.parse::<DateTime<Utc>>().unwrap());
        copied(&pool, "timestamptz", in_words(moments)).await;
        let days = ["0001-01-01", "1999-12-31", "2000-01-01", "2000-02-29", "2026-11-26", "9999-12-31"];
        copied(&pool, "date", in_words(days.map(|day| day.parse::<NaiveDate>().unwrap()))).await;
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn lists_and_nested_content_are_copied_whole(pool: PgPool) {
        let words: [(&[&str], &str); 3] =
            [(&[], "{}"), (&["subject"], "{subject}"), (&["a\"b\\c,d", "", "NULL"], r#"{"a\"b\\c,d","","NULL"}"#)];
        let owned = words.map(|(list, text)| (list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), text));
        copied(&pool, "text[]", words.map(|(list, text)| (list.to_vec(), Some(text.to_owned()))).into()).await;
        copied(&pool, "text[]", owned.map(|(list, text)| (list, Some(text.to_owned()))).into()).await;
        let ids = [vec![], vec![Uuid::nil(), Uuid::max()]];
        let ids = ids.map(|ids| {
            let words: Vec<String> = ids.iter().map(Uuid::to_string).collect();
            (ids, Some(format!("{{{}}}", words.join(","))))
        });
        copied(&pool, "uuid[]", ids.into()).await;
        let content = serde_json::json!({ "b": [1, null, true, "a\n\"\\"], "a": { "ü": -5 } });
        let content = [content, serde_json::json!([])];
        copied(&pool, "jsonb", content.iter().map(|one| (Json(one), Some(one.to_string()))).collect()).await;
    }
}
