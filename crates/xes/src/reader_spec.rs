//! What the reader reads from a log that is as it should be, and which cases it cannot read.

use crate::harness::*;
use crate::{Attribute, Fault, Limits, Reader, Scope, Value};
use chrono::DateTime;

fn text(key: &str, value: &str) -> Attribute {
    Attribute { key: key.into(), value: Value::String(value.into()), nested: Vec::new() }
}

#[test]
fn the_header_tells_the_name_the_vocabularies_and_the_globals_of_the_log() {
    let reader = Reader::new(SAMPLE.as_bytes()).unwrap();
    let header = reader.header();
    assert_eq!(header.name.as_deref(), Some("Expense approvals"));
    assert_eq!(header.attributes, [text("creator", "Countersign")]);
    let prefixes: Vec<_> = header.extensions.iter().map(|extension| extension.prefix.as_str()).collect();
    assert_eq!(prefixes, ["concept", "time", "org", "lifecycle"]);
    let globals: Vec<_> = header.globals.iter().map(|global| (global.scope, global.attributes.len())).collect();
    assert_eq!(globals, [(Scope::Trace, 1), (Scope::Event, 2)]);
}

#[test]
fn a_log_without_a_name_has_none_and_a_log_without_cases_is_read_to_its_end() {
    let mut reader = Reader::new(&b"<log/>"[..]).unwrap();
    assert_eq!(reader.header().name, None);
    assert!(reader.next().is_none() && reader.next().is_none());
}

#[test]
fn a_step_has_its_activity_time_person_role_and_transition_and_keeps_the_rest() {
    let inner = r#"
        <date key="time:timestamp" value="2025-03-03T09:12:00.250+01:00"/><string key="org:resource" value="Ines Vidal"/>
        <string key="org:role" value="EMPLOYEE"/><string key="lifecycle:transition" value="complete"/>
        <string key="id" value="step 1"/><float key="amount" value="26.85120450862128"/><int key="pages" value="-3"/>
        <boolean key="urgent" value="true"/><id key="form" value="f-7"/><date key="due" value="2025-03-31T00:00:00Z"/>"#;
    let [case] = &cases(log(&trace("claim 1", &event("Declaration SUBMITTED by EMPLOYEE", inner))))[..] else {
        panic!()
    };
    let step = &case.steps[0];
    assert_eq!(step.id.as_deref(), Some("step 1"));
    assert_eq!(step.activity, "Declaration SUBMITTED by EMPLOYEE");
    assert_eq!(step.at.unwrap().to_rfc3339(), "2025-03-03T09:12:00.250+01:00");
    assert_eq!(step.resource.as_deref(), Some("Ines Vidal"));
    assert_eq!(step.role.as_deref(), Some("EMPLOYEE"));
    assert_eq!(step.transition.as_deref(), Some("complete"));
    let rest: Vec<_> = step.attributes.iter().map(|one| (one.key.as_str(), one.value.clone())).collect();
    let expected = [
        ("amount", Value::Float("26.85120450862128".into())),
        ("pages", Value::Int(-3)),
        ("urgent", Value::Boolean(true)),
        ("form", Value::Id("f-7".into())),
        ("due", Value::Date(DateTime::parse_from_rfc3339("2025-03-31T00:00:00Z").unwrap())),
    ];
    assert_eq!(rest, expected);
}

#[test]
fn what_a_step_does_not_say_is_absent_and_a_blank_says_nothing() {
    let inner = r#"<string key="org:role" value=" "/><string key="id" value=""/>"#;
    let step = cases(log(&trace("claim 1", &event("Payment Handled", inner)))).remove(0).steps.remove(0);
    assert_eq!((step.id, step.at, step.resource, step.role, step.transition), (None, None, None, None, None));
    assert!(step.attributes.is_empty());
}

#[test]
fn an_identity_comes_before_a_plain_id_which_is_then_kept_beside_it() {
    let inner = r#"<string key="id" value="7"/><id key="identity:id" value="a-1"/>"#;
    let step = cases(log(&trace("claim 1", &event("Payment Handled", inner)))).remove(0).steps.remove(0);
    assert_eq!(step.id.as_deref(), Some("a-1"));
    assert_eq!(step.attributes, [text("id", "7")]);
}

#[test]
fn cases_and_steps_keep_the_order_of_the_file_whatever_their_times_say() {
    let at = |time: &str| format!(r#"<date key="time:timestamp" value="{time}"/>"#);
    let (late, early) = (at("2025-06-02T09:00:00Z"), at("2025-06-01T09:00:00Z"));
    let steps = [event("C", &late), event("A", &early), event("B", &early)].concat();
    let read = cases(log(&[trace("z", &steps), good("a")].concat()));
    assert_eq!(read.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), ["z", "a"]);
    assert_eq!(read[0].steps.iter().map(|step| step.activity.as_str()).collect::<Vec<_>>(), ["C", "A", "B"]);
}

#[test]
fn a_case_may_be_named_by_a_number_and_after_its_events() {
    let late = format!(r#"<trace>{}<int key="concept:name" value="173688"/></trace>"#, event("Payment Handled", ""));
    assert_eq!(cases(log(&late))[0].id, "173688");
}

#[test]
fn lists_containers_and_attributes_of_attributes_stay_nested() {
    let inner = r#"<list key="receipts"><string key="origin" value="scan"/><values>
            <string key="receipt" value="a"><boolean key="legible" value="0"/></string><string key="receipt" value="b"/>
        </values></list><container key="trip"><string key="to" value="Oslo"/></container>"#;
    let case = cases(log(&trace("claim 1", inner))).remove(0);
    let legible = Attribute { key: "legible".into(), value: Value::Boolean(false), nested: Vec::new() };
    let first = Attribute { nested: vec![legible], ..text("receipt", "a") };
    let receipts = Value::List(vec![first, text("receipt", "b")]);
    let expected = [
        Attribute { key: "receipts".into(), value: receipts, nested: vec![text("origin", "scan")] },
        Attribute { key: "trip".into(), value: Value::Container(vec![text("to", "Oslo")]), nested: Vec::new() },
    ];
    assert_eq!(case.attributes, expected);
}

#[test]
fn what_is_said_about_a_person_is_not_lost() {
    let inner = r#"<string key="org:resource" value="Ines"><string key="team" value="Sales"/></string>"#;
    let step = cases(log(&trace("claim 1", &event("Payment Handled", inner)))).remove(0).steps.remove(0);
    assert_eq!(step.resource.as_deref(), Some("Ines"));
    assert_eq!(step.attributes[0].nested, [text("team", "Sales")]);
}

#[test]
fn escaped_text_is_read_as_it_was_meant() {
    let inner = event("Ask &quot;M&#xF6;ller &amp; S&#246;hne&quot; &lt;3&gt; &apos;ok&apos;", "");
    assert_eq!(cases(log(&trace("a&#10;b\tc", &inner)))[0].steps[0].activity, "Ask \"Möller & Söhne\" <3> 'ok'");
    assert_eq!(cases(log(&trace("a&#10;b\tc", &inner)))[0].id, "a\nb c");
}

#[test]
fn the_namespace_of_the_standard_may_be_declared_with_or_without_its_slash_or_not_at_all() {
    for namespace in ["", "xmlns='http://www.xes-standard.org/'", "xmlns='http://www.xes-standard.org'"] {
        assert_eq!(cases(format!("<log {namespace}>{}</log>", good("claim 1"))).len(), 1);
    }
    let other = format!("<log xmlns='http://example.org/'>{}</log>", good("claim 1"));
    assert!(matches!(first_error(other).fault(), Fault::ForeignNamespace { uri } if uri == "http://example.org/"));
}

#[test]
fn a_case_without_a_name_is_refused_and_the_next_is_read() {
    for case in ["<trace></trace>", r#"<trace><string key="concept:name" value=" "/></trace>"#] {
        let error = spoils_only_itself(Limits::default(), case, |fault| matches!(fault, Fault::CaseWithoutName));
        assert_eq!((error.case(), error.position().line), (None, 4));
        let start = log(&good("before")).len() as u64 - "\n</log>\n".len() as u64;
        assert_eq!(error.position().byte, start);
    }
}

#[test]
fn an_event_without_an_activity_is_refused_with_its_case_and_its_number() {
    let case = trace("claim 9", &[event("Request Payment", ""), "<event/>".into()].concat());
    let error =
        spoils_only_itself(Limits::default(), &case, |fault| matches!(fault, Fault::EventWithoutActivity { event: 2 }));
    assert_eq!(error.case(), Some("claim 9"));
    assert!(error.to_string().ends_with(", case \"claim 9\": event 2 of the case has no activity (concept:name)"));
}

#[test]
fn a_bad_timestamp_is_refused_with_its_value_also_when_the_case_is_named_later() {
    for (kind, time) in [("date", "yesterday"), ("date", "2025-03-03T09:12:00"), ("string", "2025-02-30T00:00:00Z")] {
        let bad = format!(r#"<{kind} key="time:timestamp" value="{time}"/>"#);
        let events = event("Request Payment", &bad);
        let case = format!(r#"<trace>{events}<string key="concept:name" value="claim 9"/></trace>"#);
        let error = spoils_only_itself(
            Limits::default(),
            &case,
            |fault| matches!(fault, Fault::BadTimestamp { value } if value == time),
        );
        assert_eq!(error.case(), Some("claim 9"));
    }
}

#[test]
fn two_different_names_for_one_thing_are_refused_and_the_same_twice_is_once() {
    let twice = |first: &str, second: &str| {
        let id = |value: &str| format!(r#"<string key="id" value="{value}"/>"#);
        trace("claim 9", &event("Request Payment", &[id(first), id(second)].concat()))
    };
    assert_eq!(cases(log(&twice("1", "1")))[0].steps[0].id.as_deref(), Some("1"));
    spoils_only_itself(
        Limits::default(),
        &twice("1", "2"),
        |fault| matches!(fault, Fault::Ambiguous { key } if key == "id"),
    );
}

#[test]
fn an_element_that_is_not_xes_costs_its_case_and_is_named() {
    for inner in
        ["<note>ok</note>", "<event><event/></event>", "<values/>", "<string key='a' value='b'><trace/></string>"]
    {
        spoils_only_itself(Limits::default(), &trace("claim 9", inner), |fault| {
            matches!(fault, Fault::Misplaced { .. })
        });
    }
    for inner in ["approved", "<![CDATA[approved]]>", "&amp;", "<event>x</event>"] {
        spoils_only_itself(Limits::default(), &trace("claim 9", inner), |fault| matches!(fault, Fault::UnexpectedText));
    }
}

#[test]
fn an_attribute_without_its_key_or_value_costs_its_case() {
    for (inner, missing) in [("<string value='x'/>", "key"), ("<int key='x'/>", "value"), ("<list/>", "key")] {
        spoils_only_itself(
            Limits::default(),
            &trace("claim 9", inner),
            |fault| matches!(fault, Fault::MissingPart { part, .. } if *part == missing),
        );
    }
}

#[test]
fn what_stands_beside_the_cases_is_reported_and_reading_goes_on() {
    let beside = format!("<string key='late' value='x'/>{}<trade/>stray", event("Payment Handled", ""));
    let items = items(log(&[good("before"), beside, good("after")].concat()));
    let errors: Vec<_> = items.iter().filter_map(|item| item.as_ref().err()).collect();
    assert_eq!(items.iter().flatten().count(), 2);
    assert!(errors.iter().all(|error| !error.is_fatal() && error.case_number().is_none()));
    assert!(matches!(
        errors[..].iter().map(|error| error.fault()).collect::<Vec<_>>()[..],
        [Fault::HeaderAfterCases { .. }, Fault::EventOutsideCase, Fault::Misplaced { .. }, Fault::UnexpectedText]
    ));
}

#[test]
fn a_fault_in_the_header_keeps_the_log_from_being_opened() {
    let faulty = [
        "<extension name='Concept'/>",
        "<global scope='case'/>",
        "<global><string key='a' value='b'/></global>",
        "<int key='count' value='many'/>",
        "<classifier name='Activity' keys='concept:name'><event/></classifier>",
        "<string key='concept:name' value='a'/><string key='concept:name' value='b'/>",
        "about this log",
    ];
    for inner in faulty {
        let error = Reader::new(log(inner).as_bytes()).err().expect(inner);
        assert!(error.is_fatal(), "{error}");
    }
}
