//! Memory does not grow with the file: neither what is read ahead nor what is kept.

use crate::Reader;
use crate::harness::*;
use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

const CASES: u64 = 40_000;
const STEPS: u64 = 5;
const BUFFER_BYTES: usize = 8 * 1024;

/// A log that is written while it is read, and tells how much of it has been taken.
struct Written {
    next_case: u64,
    pending: Vec<u8>,
    taken_bytes: Rc<Cell<u64>>,
}

impl Written {
    fn case(number: u64) -> String {
        let steps: String =
            (0..STEPS).map(|step| event("Request Payment", &format!("<string key='id' value='{step}'/>"))).collect();
        trace(&format!("claim {number}"), &steps)
    }
}

impl Read for Written {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.pending.is_empty() && self.next_case <= CASES {
            self.pending = match self.next_case {
                CASES => b"</log>".to_vec(),
                number => Self::case(number).into_bytes(),
            };
            self.next_case += 1;
        }
        let read = self.pending.as_slice().read(into)?;
        self.pending.drain(..read);
        self.taken_bytes.set(self.taken_bytes.get() + read as u64);
        Ok(read)
    }
}

#[test]
fn a_log_of_two_hundred_thousand_events_is_read_in_the_memory_of_one_case() {
    let taken_bytes = Rc::new(Cell::new(0));
    let source = Written { next_case: 0, pending: b"<log>".to_vec(), taken_bytes: Rc::clone(&taken_bytes) };
    let mut reader = Reader::new(BufReader::with_capacity(BUFFER_BYTES, source)).unwrap();
    let (mut events, mut used_bytes) = (0, "<log>".len() as u64);
    let mut number = 0;
    while let Some(case) = reader.next() {
        let case = case.unwrap();
        events += case.steps.len() as u64;
        used_bytes += Written::case(number).len() as u64;
        number += 1;
        // What was taken and is not yet in a case is at most one buffer, and nothing that was used is kept.
        assert!(taken_bytes.get() - used_bytes.min(taken_bytes.get()) <= BUFFER_BYTES as u64);
        assert!(reader.kept_bytes() <= 1024);
    }
    assert_eq!(events, CASES * STEPS);
}

#[test]
fn a_large_comment_is_not_paid_for_until_the_end() {
    let comment = format!("<!--{}-->", " ".repeat(4 * 1024 * 1024));
    let text = log(&[good("a"), comment, good("b")].concat());
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    assert_eq!(reader.by_ref().flatten().count(), 2);
    assert!(reader.kept_bytes() <= 64 * 1024);
}
