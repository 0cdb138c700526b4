//! What is not well-formed XML ends reading, with the place and the case where it was noticed.

use crate::harness::*;
use crate::{Fault, XesError};

/// Reading a log with this inside of its second case ends there, after the first case was read.
#[track_caller]
fn ends_reading(inner: &str) -> XesError {
    let mut items = items(log(&format!("{}{}{}", good("before"), trace("claim 9", inner), good("after"))));
    assert_eq!(items.len(), 2, "{items:?}");
    let error = items.remove(1).unwrap_err();
    assert!(items[0].is_ok() && error.is_fatal(), "{error}");
    assert_eq!(error.case(), Some("claim 9"));
    error
}

#[test]
fn malformed_xml_ends_reading_and_names_line_byte_and_case() {
    let error = ends_reading("\n\n<event></trace>");
    assert_eq!(error.position().line, 6);
    let message = error.to_string();
    let expected = format!(
        "line 6, byte {}, case \"claim 9\": the XML is malformed: expected `</event>`, but `</trace>` was found",
        error.position().byte
    );
    assert_eq!(message, expected);
}

#[test]
fn every_kind_of_broken_markup_is_refused_as_malformed() {
    let broken = [
        "</event>",
        "<event",
        "<event id>",
        "<event id=1/>",
        "<string key='a' key='b' value='c'/>",
        "<string key='a' value='1 < 2'/>",
        "<string key='a' value='R & D'/>",
        "<string key='a' value='&#xD800;'/>",
        "<string key='a' value='&#x110000;'/>",
        "<string key='a' value='&#;'/>",
        "<!-- a -- b -->",
        "<?1 a?>",
        "<string\u{D7} key='a' value='b'/>",
        "<1event/>",
        "< event/>",
        "<>",
        "<!event>",
        "<?xml version='1.0'?>",
        "R & D",
        "]]>",
        "<string key='a'value='b'/>",
    ];
    for inner in broken {
        let error = ends_reading(inner);
        assert!(matches!(error.fault(), Fault::Malformed { .. }), "{inner}: {error}");
    }
}

#[test]
fn an_xml_declaration_that_says_something_else_is_malformed() {
    for declaration in [
        "<?xml?>",
        "<?xml encoding='UTF-8'?>",
        "<?xml version='2.0'?>",
        "<?xml version='1.0' encog='UTF-8'?>",
        " <!-- --><?xml version='1.0'?>",
    ] {
        let error = first_error(format!("{declaration}<log/>"));
        assert!(matches!(error.fault(), Fault::Malformed { .. }), "{declaration}: {error}");
    }
    assert!(cases("<?xml version='1.0' encoding='us-ascii' standalone='yes'?><log/>").is_empty());
}

#[test]
fn a_log_that_ends_early_is_noticed_and_its_whole_cases_are_kept() {
    let whole = log(&[good("first"), good("second")].concat());
    let ends = [
        (whole.find("</log>").unwrap(), "log", None),
        (whole.rfind("</trace>").unwrap(), "trace", Some("second")),
        (whole.rfind("</event>").unwrap(), "event", Some("second")),
    ];
    for (end, open, case) in ends {
        let items = items(&whole[..end]);
        let error = items.last().unwrap().as_ref().unwrap_err();
        assert!(matches!(error.fault(), Fault::Unclosed { element } if element == open), "{error}");
        assert_eq!((error.is_fatal(), error.case(), error.position().byte), (true, case, end as u64));
        assert_eq!(items.iter().flatten().count(), if case.is_some() { 1 } else { 2 });
    }
}

#[test]
fn nothing_but_comments_may_follow_the_log() {
    let log = log(&good("claim 1"));
    assert_eq!(cases(format!("{log}<!-- end --> \n")).len(), 1);
    for more in ["<log/>", "more", "<!DOCTYPE log>", "</log>"] {
        let items = items(format!("{log}{more}"));
        assert!(items[0].is_ok() && items[1].as_ref().unwrap_err().is_fatal() && items.len() == 2, "{items:?}");
    }
}

#[test]
fn another_root_is_not_an_event_log() {
    let error = first_error("<?xml version='1.0'?><html><log/></html>");
    assert!(matches!(error.fault(), Fault::NotALog { root } if root == "html"));
    let prefixed = first_error("<xes:log xmlns:xes='http://www.xes-standard.org/'/>");
    assert!(matches!(prefixed.fault(), Fault::NotALog { root } if root == "xes:log"));
    assert!(error.is_fatal() && prefixed.is_fatal());
}

#[test]
fn what_is_not_xml_is_said_to_be_none() {
    for other in [&b""[..], b"  \n", b"case,activity\n", b"PK\x03\x04", b"{}", b"<!-- nothing -->", b"\xEF\xBB\xBF"] {
        let error = first_error(other);
        assert!(error.is_fatal() && matches!(error.fault(), Fault::NotXml), "{error}");
    }
}

#[test]
fn a_document_type_is_refused_before_any_entity_could_be_defined() {
    let bomb = "<!DOCTYPE log [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><log/>";
    for text in [bomb, "<!DOCTYPE log SYSTEM 'http://example.org/log.dtd'><log/>", "<!DOCTYPE log ["] {
        assert!(matches!(first_error(text).fault(), Fault::DocumentType));
    }
}

#[test]
fn an_entity_that_xml_does_not_predefine_is_refused() {
    for inner in ["<string key='a' value='&nbsp;'/>", "&nbsp;"] {
        let error = ends_reading(inner);
        assert!(matches!(error.fault(), Fault::UnknownEntity { name } if name == "nbsp"), "{error}");
    }
}

#[test]
fn characters_that_xml_forbids_are_refused_also_as_references() {
    for (inner, forbidden) in [
        ("<string key='a' value='\u{0}'/>", 0),
        ("<string key='a' value='&#0;'/>", 0),
        ("<string key='a' value='&#x1F;'/>", 0x1F),
        ("<string key='a' value='\u{FFFE}'/>", 0xFFFE),
        ("<string key='a\u{1}' value=''/>", 1),
        ("<!-- \u{8} -->", 8),
        ("\u{b}", 0xb),
        ("<![CDATA[\u{2}]]>", 2),
    ] {
        let error = ends_reading(inner);
        assert!(matches!(error.fault(), Fault::ForbiddenCharacter { code } if *code == forbidden), "{error}");
    }
    assert_eq!(cases(log(&trace("&#9;a", "<string key='a' value='\u{FEFF}\u{FFFD}\u{7f}'/>")))[0].id, "\ta");
}

#[test]
fn other_encodings_are_refused_by_name() {
    let utf16: Vec<u8> = log("").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xFF, 0xFE][..], &utf16].concat();
    let declared = b"<?xml version='1.0' encoding='ISO-8859-1'?><log><string key='a' value='\xE9'/></log>".to_vec();
    for (text, name) in [(utf16, "UTF-16"), (marked, "UTF-16"), (declared, "ISO-8859-1")] {
        let error = first_error(text);
        assert!(matches!(error.fault(), Fault::Encoding { encoding } if encoding == name), "{error}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let [before, after] = [format!("{}<trace><string key='concept:name' value='", good("before")), good("after")];
    let text = [b"<log>", before.as_bytes(), b"caf\xE9'/></trace>", after.as_bytes(), b"</log>"].concat();
    let items = items(text);
    let error = items[1].as_ref().unwrap_err();
    assert!(error.is_fatal() && matches!(error.fault(), Fault::InvalidUtf8) && items.len() == 2, "{error}");
}
