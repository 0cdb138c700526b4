//! What stands in ledgers can be read for ever: one committed sample of every event in every schema version it had.
//!
//! `samples/invoice.approved.1.json` is an `invoice.approved` in schema 1, as a ledger holds it, personal values sealed;
//! `samples/invoice.approved.1.with_note.json` is another one. A sample is never edited once its schema was released.

use crate::billing::{invoice::Invoice, number_series::NumberSeries};
use crate::clients::{client::Client, contact::Contact, mailbox::Mailbox, portal_user::PortalUser};
use crate::decider::Decider;
use crate::firm::{organization::Organization, seats::Seats, staff::Staff};
use crate::imported::case::ImportedCase;
use crate::portal::{PortalEvent, StreamKind, StreamState, Wire, WireError};
use crate::upcast::current_schema;
use crate::work::{project::Project, time_entry::TimeEntry};
use countersign_canon::canonical_text;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use uuid::Uuid;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
/// Set it, and what is missing is begun and what is there brought into its form.
const WRITE: &str = "COUNTERSIGN_WRITE_SAMPLES";

/// A sample as its file holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    data: Value,
    stream: StreamKind,
}

/// A sample with what its file's name says of it.
struct Sample {
    file: String,
    kind: StreamKind,
    wire: Wire,
}

/// Every name under which something can happen to an aggregate of a kind.
fn names(kind: StreamKind) -> Vec<String> {
    match kind {
        StreamKind::Organization => names_of::<Organization>(),
        StreamKind::Staff => names_of::<Staff>(),
        StreamKind::Seats => names_of::<Seats>(),
        StreamKind::Client => names_of::<Client>(),
        StreamKind::Contact => names_of::<Contact>(),
        StreamKind::Mailbox => names_of::<Mailbox>(),
        StreamKind::PortalUser => names_of::<PortalUser>(),
        StreamKind::Project => names_of::<Project>(),
        StreamKind::TimeEntry => names_of::<TimeEntry>(),
        StreamKind::Invoice => names_of::<Invoice>(),
        StreamKind::NumberSeries => names_of::<NumberSeries>(),
        StreamKind::ImportedCase => names_of::<ImportedCase>(),
    }
}

/// Asked for an event that is none, serde answers with all those that are, each between backticks.
fn names_of<A: Decider>() -> Vec<String> {
    let refused = serde_json::from_value::<A::Event>(json!({ "type": "?", "data": {} })).unwrap_err().to_string();
    let (_, expected) = refused.split_once(", expected ").expect("serde names the events that it knows");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn samples() -> Vec<Sample> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Sample {
    let file = path.file_name().unwrap().to_str().unwrap().to_owned();
    let parts: Vec<&str> = file.split('.').collect();
    let ([noun, verb, schema, "json"] | [noun, verb, schema, _, "json"]) = parts[..] else {
        panic!("{file} is called neither `noun.verb.schema.json` nor `noun.verb.schema.which.json`");
    };
    let schema = schema.parse().unwrap_or_else(|_| panic!("{file}: {schema} is no schema version"));
    let Content { data, stream } =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{file}: {error}"));
    Sample { kind: stream, wire: Wire { event_type: format!("{noun}.{verb}"), schema, data }, file }
}

fn write(file: &str, content: &Content) {
    std::fs::write(format!("{FOLDER}/{file}"), in_form(content)).unwrap();
}

fn in_form(content: &Content) -> String {
    serde_json::to_string_pretty(content).unwrap() + "\n"
}

#[test]
fn every_event_has_a_sample_of_its_schema() {
    let samples = samples();
    let has = |name: &str| {
        let is_current = |wire: &Wire| wire.event_type == name && wire.schema == current_schema(name);
        samples.iter().any(|sample| is_current(&sample.wire))
    };
    let mut missing = Vec::new();
    for kind in StreamKind::ALL {
        for name in names(*kind).into_iter().filter(|name| !has(name)) {
            let file = format!("{name}.{}.json", current_schema(&name));
            if std::env::var_os(WRITE).is_some() {
                write(&file, &Content { data: json!({}), stream: *kind });
            }
            missing.push(file);
        }
    }
    assert!(
        missing.is_empty(),
        "missing in crates/domain/samples: {missing:?}. `{WRITE}=1 cargo test -p countersign-domain samples` begins the \
         files; put believable fields into `data`, then run it again: it names the field that is still missing and \
         brings the files into their form"
    );
}

#[test]
fn every_sample_is_of_an_event_that_there_is() {
    for Sample { file, kind, wire } in samples() {
        assert!(names(kind).contains(&wire.event_type), "{file}: a {} has no such event", kind.as_str());
        let known = 1..=current_schema(&wire.event_type);
        assert!(known.contains(&wire.schema), "{file}: the event has schemas {known:?}");
    }
}

#[test]
fn every_sample_can_be_read_and_todays_are_written_as_they_stand() {
    for Sample { file, kind, wire } in samples() {
        let event = PortalEvent::from_wire(kind, wire.clone())
            .unwrap_or_else(|error| panic!("{file} does not read: {error}: {:?}", std::error::Error::source(&error)));
        let written = event.to_wire();
        assert_eq!(written.event_type, wire.event_type, "{file}");
        if wire.schema == current_schema(&wire.event_type) {
            assert_eq!(written.schema, wire.schema, "{file}");
            assert_eq!(canonical_text(&written.data), canonical_text(&wire.data), "{file}");
        }
    }
}

/// How an event read, for comparison: what it would be written as, or what was wrong with it.
fn told(read: Result<PortalEvent, WireError>) -> Result<Wire, String> {
    match read {
        Ok(event) => Ok(event.to_wire()),
        Err(WireError::Unknown { event_type, schema }) => Err(format!("{event_type} in {schema} is unknown")),
        Err(WireError::Malformed { event_type, .. }) => Err(format!("{event_type} is malformed")),
    }
}

/// The same sample with each of its fields missing, of another kind, or called otherwise, however deep it stands.
fn spoiled(data: &Value) -> Vec<Value> {
    let mut spoiled = Vec::new();
    match data {
        Value::Object(fields) => {
            for (name, value) in fields {
                let with = |replaced: Option<(&str, Value)>| {
                    let mut fields = fields.clone();
                    fields.remove(name);
                    fields.extend(replaced.map(|(name, value)| (name.to_owned(), value)));
                    Value::Object(fields)
                };
                spoiled.extend([with(None), with(Some((name, json!(null)))), with(Some((name, json!(-1))))]);
                spoiled.extend([with(Some((name, json!({})))), with(Some((name, json!("x"))))]);
                spoiled.push(with(Some(("unheard_of", value.clone()))));
                spoiled.extend(self::spoiled(value).into_iter().map(|deeper| with(Some((name, deeper)))));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let with = |deeper: Value| Value::Array([&items[..index], &[deeper], &items[index + 1..]].concat());
                spoiled.extend(self::spoiled(item).into_iter().map(with));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    spoiled
}

#[test]
fn an_event_reads_the_same_from_its_text_as_from_its_fields_and_so_does_what_is_wrong_with_it() {
    for Sample { file, kind, wire } in samples() {
        let Wire { event_type, schema, data } = wire;
        let names = [event_type.clone(), "invoice.burned".to_owned(), "client.opened".to_owned()];
        let mut cases: Vec<(&str, u16, Value)> = names.iter().map(|name| (&**name, schema, data.clone())).collect();
        cases.extend([(&*event_type, 0, data.clone()), (&*event_type, schema + 1, data.clone())]);
        cases.extend(spoiled(&data).into_iter().map(|spoiled| (&*event_type, schema, spoiled)));
        for (name, schema, data) in cases {
            let wire = Wire { event_type: name.to_owned(), schema, data: data.clone() };
            let at_once = PortalEvent::read(kind, name, schema, &data.to_string());
            assert_eq!(told(at_once), told(PortalEvent::from_wire(kind, wire)), "{file}: {name} {schema} {data}");
        }
    }
}

/// `evolve` judges nothing: a state can be folded from whatever a ledger holds.
#[test]
fn every_sample_can_be_the_first_event_of_a_stream() {
    for Sample { kind, wire, .. } in samples() {
        let event = PortalEvent::from_wire(kind, wire).unwrap();
        StreamState::empty(kind).evolve(&event);
    }
}

#[test]
fn samples_hold_personal_values_as_ledgers_do() {
    for Sample { file, wire, .. } in samples() {
        assert!(!holds_a_clear_value(&wire.data), "{file}: a ledger holds personal values sealed");
    }
}

fn holds_a_clear_value(value: &Value) -> bool {
    match value {
        Value::Object(fields) => is_clear_value(fields) || fields.values().any(holds_a_clear_value),
        Value::Array(items) => items.iter().any(holds_a_clear_value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_clear_value(fields: &Map<String, Value>) -> bool {
    fields.contains_key("person") && fields.contains_key("clear")
}

#[test]
fn samples_have_one_form() {
    for Sample { file, kind, wire } in samples() {
        let content = Content { data: wire.data, stream: kind };
        if std::env::var_os(WRITE).is_some() {
            write(&file, &content);
        }
        let stands = std::fs::read_to_string(format!("{FOLDER}/{file}")).unwrap();
        assert!(
            stands == in_form(&content),
            "{file}: `{WRITE}=1 cargo test -p countersign-domain samples` brings it into form"
        );
    }
}

#[test]
fn an_event_is_called_what_it_is_on_the_wire() {
    for Sample { file, kind, wire } in samples() {
        let event = PortalEvent::from_wire(kind, wire).unwrap();
        assert_eq!(event.name(), event.to_wire().event_type, "{file}");
    }
}

#[test]
fn kinds_and_roles_are_called_what_they_are_on_the_wire() {
    for Sample { kind, wire, .. } in samples() {
        for object in PortalEvent::from_wire(kind, wire).unwrap().objects(Uuid::nil()) {
            assert_eq!(json!(object.kind), object.kind.as_str());
            assert_eq!(json!(object.role), object.role.as_str());
        }
    }
}

/// Schemas are counted by name alone.
#[test]
fn no_two_aggregates_share_an_events_name() {
    let all: Vec<String> = StreamKind::ALL.iter().copied().flat_map(names).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
}
