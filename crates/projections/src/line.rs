//! Rows as `COPY` reads them: a line each, a column after the other, in Postgres's text format.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use std::io::Write;
use uuid::Uuid;

/// Rows of one table, to be written at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The table, without its schema and generation.
    pub(crate) table: &'static str,
    /// The columns after generation and organization.
    pub(crate) columns: &'static [&'static str],
    /// What `COPY` reads.
    pub(crate) text: Vec<u8>,
}

/// One row that is being written: a value after the other, in the order of the table's columns.
#[derive(Debug)]
pub struct Line<'a> {
    text: &'a mut Vec<u8>,
    is_begun: bool,
}

/// A value as `COPY` reads it.
pub trait Cell {
    /// Writes it.
    fn write(&self, text: &mut Vec<u8>);
}

impl<'a> Line<'a> {
    /// A row at the end of others.
    pub(crate) fn after(text: &'a mut Vec<u8>) -> Self {
        Self { text, is_begun: false }
    }

    /// The next column.
    pub fn put(&mut self, value: impl Cell) -> &mut Self {
        if self.is_begun {
            self.text.push(b'\t');
        }
        self.is_begun = true;
        value.write(self.text);
        self
    }

    /// There are no more columns.
    pub(crate) fn end(self) {
        self.text.push(b'\n');
    }
}

/// Takes any text into a column: what would end the column or the row is escaped.
struct Escaped<'a>(&'a mut Vec<u8>);

impl Write for Escaped<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            match byte {
                b'\\' => self.0.extend_from_slice(b"\\\\"),
                b'\t' => self.0.extend_from_slice(b"\\t"),
                b'\n' => self.0.extend_from_slice(b"\\n"),
                b'\r' => self.0.extend_from_slice(b"\\r"),
                other => self.0.push(*other),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes what has nothing in it to be escaped.
fn plain(text: &mut Vec<u8>, value: std::fmt::Arguments<'_>) {
    text.write_fmt(value).expect("memory takes every text");
}

impl Cell for &str {
    fn write(&self, text: &mut Vec<u8>) {
        Escaped(text).write_all(self.as_bytes()).expect("memory takes every text");
    }
}

impl Cell for Uuid {
    fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(self.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    }
}

impl Cell for bool {
    fn write(&self, text: &mut Vec<u8>) {
        text.push(if *self { b't' } else { b'f' });
    }
}

impl Cell for i32 {
    fn write(&self, text: &mut Vec<u8>) {
        plain(text, format_args!("{self}"));
    }
}

impl Cell for i64 {
    fn write(&self, text: &mut Vec<u8>) {
        plain(text, format_args!("{self}"));
    }
}

impl Cell for Decimal {
    fn write(&self, text: &mut Vec<u8>) {
        plain(text, format_args!("{self}"));
    }
}

impl Cell for DateTime<Utc> {
    fn write(&self, text: &mut Vec<u8>) {
        self.date_naive().write(text);
        let (hour, minute, second) = (self.hour(), self.minute(), self.second());
        plain(text, format_args!(" {hour:02}:{minute:02}:{second:02}.{:06}+00", self.timestamp_subsec_micros()));
    }
}

impl Cell for NaiveDate {
    fn write(&self, text: &mut Vec<u8>) {
        plain(text, format_args!("{:04}-{:02}-{:02}", self.year(), self.month(), self.day()));
    }
}

impl<T: Cell> Cell for Option<T> {
    fn write(&self, text: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(text),
            None => text.extend_from_slice(b"\\N"),
        }
    }
}

impl<T: Serialize> Cell for Json<&T> {
    fn write(&self, text: &mut Vec<u8>) {
        serde_json::to_writer(Escaped(text), self.0).expect("a row has string keys and serializes");
    }
}

impl Cell for Vec<Uuid> {
    fn write(&self, text: &mut Vec<u8>) {
        array(text, self, |text, id| id.write(text));
    }
}

impl Cell for Vec<String> {
    fn write(&self, text: &mut Vec<u8>) {
        array(text, self, |text, word| {
            let quoted = format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
            quoted.as_str().write(text);
        });
    }
}

fn array<T>(text: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    text.push(b'{');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        write(text, value);
    }
    text.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: impl Cell) -> String {
        let mut text = Vec::new();
        let mut line = Line::after(&mut text);
        line.put(value);
        line.end();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn nothing_in_a_text_ends_its_column_or_row() {
        assert_eq!(written("a\tb\nc\rd\\e"), "a\\tb\\nc\\rd\\\\e\n");
        assert_eq!(written(Json(&"a\n\"b")), "\"a\\\\n\\\\\"b\"\n");
        assert_eq!(written(vec!["a\"b\\c,d".to_owned(), String::new()]), "{\"a\\\\\"b\\\\\\\\c,d\",\"\"}\n");
    }

    #[test]
    fn a_value_that_is_missing_is_no_empty_text() {
        assert_eq!(written(None::<&str>), "\\N\n");
        assert_eq!(written("\\N"), "\\\\N\n");
        assert_eq!(written(""), "\n");
    }

    #[test]
    fn a_moment_is_written_to_the_microsecond_in_utc() {
        let at: DateTime<Utc> = "2026-03-02T09:05:07.000123+02:00".parse().unwrap();
        assert_eq!(written(at), "2026-03-02 07:05:07.000123+00\n");
    }
}
