//! Whatever the bytes are, reading ends and never panics.

use crate::harness::*;
use crate::{Limits, Reader};
use proptest::prelude::*;

/// Small enough that damaged samples run into them.
const TIGHT: Limits = Limits {
    steps_per_case: 6,
    attributes_per_case: 60,
    case_bytes: 2_000,
    value_bytes: 60,
    attribute_depth: 2,
    token_bytes: 400,
};

/// Reads everything there is. Each item takes at least one byte, so there are no more items than bytes.
fn read_all(bytes: &[u8], limits: Limits) {
    let Ok(mut reader) = Reader::with_limits(bytes, limits) else { return };
    let mut fatal = false;
    let items = reader.by_ref().take(bytes.len() + 1).inspect(|item| {
        assert!(!fatal, "an item follows the one that ended reading");
        if let Err(error) = item {
            fatal = error.is_fatal();
            assert!(!error.to_string().is_empty());
        }
    });
    assert!(items.count() <= bytes.len());
    assert!(reader.next().is_none());
}

/// One damage to a text: bytes changed, cut out, put in, moved or repeated.
#[derive(Debug, Clone)]
enum Damage {
    Change(prop::sample::Index, u8),
    Cut(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    Repeat(prop::sample::Index, usize),
}

impl Damage {
    fn apply(&self, text: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        match self {
            Self::Change(at, to) => *at.get_mut(text) = *to,
            Self::Cut(at, length) => {
                let start = at.index(text.len());
                text.drain(start..text.len().min(start + length));
            }
            Self::Insert(at, bytes) => {
                let start = at.index(text.len());
                text.splice(start..start, bytes.iter().copied());
            }
            Self::Repeat(at, length) => {
                let start = at.index(text.len());
                let piece = text[start..text.len().min(start + length)].to_vec();
                text.splice(start..start, piece);
            }
        }
    }
}

/// Bytes that mean something to XML, XES or gzip, more often than chance would have it.
fn telling() -> impl Strategy<Value = Vec<u8>> {
    let pieces: [&[u8]; 24] = [
        b"<",
        b">",
        b"/>",
        b"</",
        b"\"",
        b"'",
        b"&",
        b"&#0;",
        b"&lt;",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?",
        b"?>",
        b"<!DOCTYPE a [",
        b"<event>",
        b"</event>",
        b"<trace>",
        b"</trace>",
        b"</log>",
        b"<values>",
        b"\xff\xfe",
        b"\x1f\x8b",
    ];
    prop_oneof![
        prop::sample::select(pieces.to_vec()).prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 1..8)
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, to)| Damage::Change(at, to)),
        (at(), 1..200_usize).prop_map(|(at, length)| Damage::Cut(at, length)),
        (at(), telling()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), 1..2_000_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_damage_to_a_log_makes_the_reader_panic_or_go_on_for_ever(damages in prop::collection::vec(damage(), 1..6)) {
        let mut text = SAMPLE.as_bytes().to_vec();
        damages.iter().for_each(|damage| damage.apply(&mut text));
        read_all(&text, Limits::default());
        read_all(&text, TIGHT);
    }

    #[test]
    fn no_damage_to_a_gzip_file_makes_the_reader_panic_or_go_on_for_ever(damages in prop::collection::vec(damage(), 1..4)) {
        let mut packed = gzip(SAMPLE.as_bytes());
        damages.iter().for_each(|damage| damage.apply(&mut packed));
        // Unpacked it may be larger than it looks: the items are counted against the text.
        let Ok(reader) = Reader::new(packed.as_slice()) else { return Ok(()) };
        prop_assert!(reader.take(1 + packed.len() * 1032).count() <= packed.len() * 1032);
    }

    #[test]
    fn random_bytes_are_refused_or_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        read_all(&bytes, Limits::default());
    }

    #[test]
    fn random_markup_is_refused_or_read_to_its_end(pieces in prop::collection::vec(telling(), 0..60)) {
        read_all(&[b"<log>", pieces.concat().as_slice()].concat(), TIGHT);
    }

    #[test]
    fn any_text_that_xml_allows_survives_being_escaped(text in "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\u{fffe}\u{ffff}]{0,40}x") {
        let escaped: String = text.chars().map(|one| format!("&#{};", u32::from(one))).collect();
        let case = cases(log(&trace(&escaped, ""))).remove(0);
        prop_assert_eq!(case.id, text);
    }

    #[test]
    fn where_a_log_is_cut_off_all_cases_before_are_read(end in 1_300..SAMPLE.len() - 8) {
        let text = &SAMPLE.as_bytes()[..end];
        let Ok(reader) = Reader::new(text) else { return Ok(()) };
        let items: Vec<_> = reader.collect();
        let whole = text.windows(8).filter(|window| window == b"</trace>").count();
        prop_assert_eq!(items.iter().flatten().count(), whole);
        prop_assert!(items.last().is_some_and(|item| item.as_ref().is_err_and(crate::XesError::is_fatal)));
    }
}
