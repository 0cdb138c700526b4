//! No case is larger than allowed, and no file can make the reader hold more than that.

use crate::harness::*;
use crate::{Fault, Limits, Reader};
use std::io::{BufReader, Read, repeat};

fn events(count: usize) -> String {
    event("Request Payment", "").repeat(count)
}

#[test]
fn a_case_of_ten_thousand_steps_is_read_and_one_more_is_refused_with_its_name() {
    assert_eq!(cases(log(&trace("long", &events(10_000))))[0].steps.len(), 10_000);
    let error = spoils_only_itself(Limits::default(), &trace("too long", &events(10_001)), |fault| {
        matches!(fault, Fault::TooManySteps { limit: 10_000 })
    });
    assert_eq!(error.case(), Some("too long"));
}

#[test]
fn a_case_of_eight_mebibytes_is_read_and_one_byte_more_is_refused_with_its_name() {
    let filled = |bytes: usize| {
        let full = format!("<string key='note' value='{}'/>", "x".repeat(1024 * 1024 - 4));
        let used = 7 * 1024 * 1024 + "concept:name".len() + "large".len() + "note".len();
        trace("large", &[full.repeat(7), format!("<string key='note' value='{}'/>", "x".repeat(bytes - used))].concat())
    };
    assert_eq!(cases(log(&filled(8 * 1024 * 1024)))[0].attributes.len(), 8);
    let error = spoils_only_itself(Limits::default(), &filled(8 * 1024 * 1024 + 1), |fault| {
        matches!(fault, Fault::TooMuchText { limit_bytes: 8_388_608 })
    });
    assert_eq!(error.case(), Some("large"));
}

#[test]
fn the_limits_hold_per_case_and_begin_anew_with_each() {
    let limits = Limits { steps_per_case: 2, attributes_per_case: 3, case_bytes: 100, ..Limits::default() };
    let text = log(&trace("a", &events(2)).repeat(50));
    assert_eq!(Reader::with_limits(text.as_bytes(), limits).unwrap().flatten().count(), 50);
}

#[test]
fn a_long_value_costs_its_case_only() {
    let limits = Limits { value_bytes: 20, ..Limits::default() };
    let long = format!("<string key='note' value='{}'/>", "é".repeat(11));
    let error = spoils_only_itself(
        limits,
        &trace("wordy", &long),
        |fault| matches!(fault, Fault::ValueTooLong { key, limit_bytes: 20 } if key == "note"),
    );
    assert_eq!(error.case(), Some("wordy"));
}

#[test]
fn too_many_attributes_cost_their_case_only() {
    let limits = Limits { attributes_per_case: 4, ..Limits::default() };
    let many = event("Request Payment", &"<string key='a' value=''/>".repeat(3));
    spoils_only_itself(limits, &trace("busy", &many), |fault| matches!(fault, Fault::TooManyAttributes { limit: 4 }));
}

#[test]
fn attributes_nested_too_deep_cost_their_case_only() {
    let nested =
        |depth: usize| trace("deep", &["<container key='c'>".repeat(depth), "</container>".repeat(depth)].concat());
    assert_eq!(cases(log(&nested(16))).len(), 1);
    spoils_only_itself(Limits::default(), &nested(17), |fault| matches!(fault, Fault::TooDeep { limit: 16 }));
}

#[test]
fn elements_nested_without_end_end_reading() {
    let error = first_error(log(&trace("deep", &"<container key='c'>".repeat(5000))));
    assert!(error.is_fatal() && matches!(error.fault(), Fault::Oversized { .. }), "{error}");
    assert_eq!(error.case(), Some("deep"));
}

#[test]
fn a_tag_with_very_many_xml_attributes_or_a_very_long_name_ends_reading() {
    let many: String = (0..100).map(|number| format!(" a{number}=''")).collect();
    for tag in [format!("<string{many}/>"), format!("<{}/>", "x".repeat(5000))] {
        assert!(matches!(first_error(log(&trace("odd", &tag))).fault(), Fault::Oversized { .. }));
    }
}

#[test]
fn a_comment_without_end_is_not_read_without_end() {
    let endless = (&b"<log><trace><string key='concept:name' value='claim 1'/><!--"[..]).chain(repeat(b' '));
    let mut reader = Reader::new(BufReader::new(endless)).unwrap();
    let error = reader.next().unwrap().unwrap_err();
    assert!(error.is_fatal() && matches!(error.fault(), Fault::Oversized { .. }), "{error}");
    assert_eq!(error.case(), Some("claim 1"));
    assert!(reader.next().is_none());
}

#[test]
fn a_header_is_held_to_the_limits_too() {
    let limits = Limits { attributes_per_case: 10, ..Limits::default() };
    let extension = "<extension name='a' prefix='b' uri='c'/>";
    for part in [extension, "<string key='a' value='b'/>", "<global scope='event'></global>"] {
        let error = first_error_within(limits, log(&part.repeat(11)));
        assert!(error.is_fatal() && matches!(error.fault(), Fault::TooManyAttributes { limit: 10 }), "{error}");
    }
}
