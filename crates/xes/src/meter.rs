//! Counts the bytes and lines that have been read, and lets no piece of markup be larger than allowed.

use crate::error::Position;
use crate::fault::Fault;
use std::io::{self, BufRead, Read};

/// A source of text that knows where it is and how much the piece that is being read may still take.
pub(crate) struct Meter<R> {
    source: R,
    position: Position,
    allowed_bytes: usize,
    left_bytes: usize,
}

impl<R: BufRead> Meter<R> {
    /// Meters a source of which `skipped_bytes` (a byte order mark) have been read already.
    pub(crate) fn new(source: R, skipped_bytes: u64, allowed_bytes: usize) -> Self {
        Self { source, position: Position { byte: skipped_bytes, line: 1 }, allowed_bytes, left_bytes: allowed_bytes }
    }

    /// Where the next byte stands.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// A new piece of markup begins, with the whole allowance before it.
    pub(crate) fn begin_piece(&mut self) {
        self.left_bytes = self.allowed_bytes;
    }
}

impl<R: BufRead> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let (left, allowed) = (self.left_bytes, self.allowed_bytes);
        let available = self.source.fill_buf()?;
        if left == 0 && !available.is_empty() {
            return Err(io::Error::other(Fault::Oversized { part: "one piece of markup in bytes", limit: allowed }));
        }
        Ok(&available[..available.len().min(left)])
    }

    fn consume(&mut self, amount: usize) {
        if amount == 0 {
            return;
        }
        // Consuming follows a fill that answered something: filling again answers the same.
        let consumed = self.source.fill_buf().map_or(&[][..], |buffered| &buffered[..amount.min(buffered.len())]);
        self.position.line += consumed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.position.byte += amount as u64;
        self.left_bytes -= amount.min(self.left_bytes);
        self.source.consume(amount);
    }
}

impl<R: BufRead> Read for Meter<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_counts_what_was_taken_and_not_what_was_buffered() {
        let mut meter = Meter::new(&b"one\ntwo\nthree"[..], 3, 100);
        meter.fill_buf().unwrap();
        assert_eq!(meter.position(), Position { byte: 3, line: 1 });
        meter.consume(5);
        assert_eq!(meter.position(), Position { byte: 8, line: 2 });
    }

    #[test]
    fn a_piece_ends_at_its_allowance_and_the_next_has_a_new_one() {
        let mut meter = Meter::new(&b"abcdef"[..], 0, 4);
        assert_eq!(meter.fill_buf().unwrap(), b"abcd");
        meter.consume(4);
        assert!(meter.fill_buf().is_err());
        meter.begin_piece();
        assert_eq!(meter.fill_buf().unwrap(), b"ef");
        meter.consume(2);
        assert!(meter.fill_buf().unwrap().is_empty());
    }
}
