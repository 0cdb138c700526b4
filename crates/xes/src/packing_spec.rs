//! However a log is packed and however its bytes arrive, the same cases are read.

use crate::harness::*;
use crate::{Fault, Reader};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

#[test]
fn a_gzipped_log_is_known_by_its_bytes_and_read_like_a_plain_one() {
    assert_eq!(cases(gzip(SAMPLE.as_bytes())), cases(SAMPLE));
}

#[test]
fn a_gzip_file_of_several_members_is_read_to_its_end() {
    let (first, second) = SAMPLE.as_bytes().split_at(SAMPLE.len() / 2);
    let members = [gzip(b""), gzip(first), gzip(second), gzip(b"")].concat();
    assert_eq!(cases(members), cases(SAMPLE));
}

#[test]
fn a_gzip_file_that_is_cut_off_says_so_wherever_it_is_cut() {
    let packed = gzip(SAMPLE.as_bytes());
    for end in [5, 100, packed.len() / 2, packed.len() - 5, packed.len() - 1] {
        let error = first_error(&packed[..end]);
        assert!(error.is_fatal() && matches!(error.fault(), Fault::GzipTruncated), "{end}: {error}");
    }
}

#[test]
fn a_damaged_gzip_file_says_so_even_after_its_last_case() {
    let mut wrong_sum = gzip(SAMPLE.as_bytes());
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    for damaged in [wrong_sum, [gzip(SAMPLE.as_bytes()), b"and something more".to_vec()].concat()] {
        let items = items(damaged);
        assert_eq!(items.iter().flatten().count(), 12);
        let error = items.last().unwrap().as_ref().unwrap_err();
        assert!(error.is_fatal() && matches!(error.fault(), Fault::GzipDamaged), "{error}");
    }
}

#[test]
fn positions_of_a_gzipped_log_are_those_of_its_text() {
    let text = log(&[good("before"), "<trace/>".into()].concat());
    let (plain, packed) = (first_error(&text), first_error(gzip(text.as_bytes())));
    assert_eq!(plain.position(), packed.position());
    assert_eq!(&text[plain.position().byte as usize..][..8], "<trace/>");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text_but_counts_as_bytes() {
    let text = format!("\u{FEFF}{}", log("<trace/>"));
    let error = first_error(&text);
    assert_eq!(&text[error.position().byte as usize..][..8], "<trace/>");
    assert_eq!(cases(gzip(format!("\u{FEFF}{SAMPLE}").as_bytes())), cases(SAMPLE));
}

#[test]
fn the_cases_do_not_depend_on_how_the_bytes_arrive() {
    let whole = cases(SAMPLE);
    for text in [SAMPLE.as_bytes().to_vec(), gzip(SAMPLE.as_bytes())] {
        for capacity in [1, 2, 3, 7, 64, 1021] {
            let slowly = Reader::new(BufReader::with_capacity(capacity, Hesitant::new(&text))).unwrap();
            assert_eq!(slowly.collect::<Result<Vec<_>, _>>().unwrap(), whole, "{capacity}");
        }
    }
}

#[test]
fn a_source_that_fails_ends_reading_with_its_own_error_as_the_cause() {
    let text = log(&good("claim 1"));
    let failing = BufReader::new(text.split("</log>").next().unwrap().as_bytes().chain(Failing));
    let mut reader = Reader::new(failing).unwrap();
    assert!(reader.next().unwrap().is_ok());
    let error = reader.next().unwrap().unwrap_err();
    assert!(error.is_fatal() && reader.next().is_none());
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the disk is gone");
}

/// A source that is interrupted before each read.
struct Hesitant<'a> {
    text: &'a [u8],
    ready: bool,
}

impl<'a> Hesitant<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, ready: false }
    }
}

impl Read for Hesitant<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.ready = !self.ready;
        if self.ready { Err(ErrorKind::Interrupted.into()) } else { self.text.read(into) }
    }
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(ErrorKind::ConnectionReset, "the disk is gone"))
    }
}

impl BufRead for Failing {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Err(io::Error::new(ErrorKind::ConnectionReset, "the disk is gone"))
    }

    fn consume(&mut self, _: usize) {}
}
