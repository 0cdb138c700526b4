//! Every event that a ledger can hold, in words: the samples of the domain, told.
//!
//! In them, Ann is of the staff, Gina is a guest at Acme, and what is asked about is the invoice or the time entry.

use super::{deed, sentence};
use crate::audit::names::Names;
use countersign_domain::envelope::{Actor, ObjectKind, Principal, ProcessName, Provenance, Recorded};
use countersign_domain::ids::{CommandId, ContactId, EventId, OrgId, PersonId, PortalUserId, StaffId};
use countersign_domain::imported::case::Event;
use countersign_domain::portal::{PortalEvent, StreamId, StreamKind, Wire};
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x1d);
const ANN: StaffId = StaffId(Uuid::from_u128(0x5a));
const GINA: PortalUserId = PortalUserId(Uuid::from_u128(0x9a));

/// Each sample, and under it its sentence, without who did it.
const TOLD: &str = include_str!("told.txt");

#[derive(Deserialize)]
struct Sample {
    data: Value,
    stream: StreamKind,
}

fn samples() -> Vec<(String, PortalEvent)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/samples");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), read(&file))).collect()
}

fn read(file: &Path) -> PortalEvent {
    let name = file.file_name().unwrap().to_str().unwrap();
    let mut parts = name.splitn(4, '.');
    let event_type = format!("{}.{}", parts.next().unwrap(), parts.next().unwrap());
    let schema = parts.next().unwrap().parse().unwrap();
    let Sample { data, stream } = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    PortalEvent::from_wire(stream, Wire { event_type, schema, data }).unwrap()
}

/// Everybody of one kind goes by one name.
fn names(event: &PortalEvent) -> Names {
    let mut names = Names { about: Some((event.kind().object_kind(), ID)), ..Names::default() };
    for object in event.objects(ID) {
        match object.kind {
            ObjectKind::Staff => drop(names.people.insert(PersonId(object.id), "Ann".into())),
            ObjectKind::Contact => drop(names.people.insert(PersonId(object.id), "Gina".into())),
            ObjectKind::PortalUser => {
                names.contacts.insert(object.id.into(), ContactId(object.id));
                names.people.insert(PersonId(object.id), "Gina".into());
            }
            ObjectKind::Client => drop(names.clients.insert(object.id.into(), "Acme".into())),
            ObjectKind::Project => drop(names.projects.insert(object.id.into(), "Portal".into())),
            ObjectKind::Invoice => drop(names.invoices.insert(object.id.into(), "INV-2026-00017".into())),
            ObjectKind::Organization
            | ObjectKind::Mailbox
            | ObjectKind::Seats
            | ObjectKind::ContractLine
            | ObjectKind::TimeEntry
            | ObjectKind::NumberSeries
            | ObjectKind::Invitation
            | ObjectKind::Case => {}
        }
    }
    if let PortalEvent::ImportedCase(Event::StepRecorded { step, .. }) = event {
        names.people.extend(step.resource.as_ref().map(|name| (name.person(), "Tomas Brandt".into())));
    }
    names
}

#[test]
fn every_event_is_told_in_words() {
    let told: String =
        samples().iter().map(|(file, event)| format!("{file}\n  {}\n", deed(event, ID, &names(event)))).collect();
    let differs = told.lines().zip(TOLD.lines()).find(|(told, expected)| told != expected);
    assert_eq!(differs, None, "all of told.txt would be:\n{told}");
    assert_eq!(told.lines().count(), TOLD.lines().count(), "all of told.txt would be:\n{told}");
}

fn client_opened_by(actor: Actor, on_behalf_of: Option<Principal>) -> String {
    let (_, event) = samples().into_iter().find(|(file, _)| file == "client.opened.1.json").unwrap();
    let recorded = Recorded {
        org: OrgId(ID),
        position: 1,
        event_id: EventId(ID),
        stream: StreamId { kind: StreamKind::Client, id: ID },
        version: 1,
        recorded_at: "2026-01-01T12:00:00Z".parse().unwrap(),
        actor,
        acting_client: None,
        on_behalf_of,
        command_id: CommandId(ID),
        causation_id: None,
        correlation_id: ID,
        provenance: Provenance::Witnessed,
        objects: event.objects(ID),
        event,
    };
    let mut names = Names::default();
    names.people.insert(ANN.into(), "Ann".into());
    names.contacts.insert(GINA, ContactId(GINA.0));
    sentence(&recorded, &names)
}

#[test]
fn a_sentence_begins_with_who_did_it() {
    let ann = Principal::Staff(ANN);
    for (actor, on_behalf_of, begins) in [
        (Actor::Staff(ANN), None, "Ann (staff) took on the client"),
        (Actor::Token(ID), Some(ann), "An API token, on behalf of Ann, took on"),
        (Actor::Process(ProcessName::AutoSend), None, "The process auto_send took on"),
        (Actor::Importer, None, "The import took on"),
        (Actor::Operator, None, "The operator took on"),
    ] {
        let told = client_opened_by(actor, on_behalf_of);
        assert!(told.starts_with(begins) && told.ends_with('.'), "{told}");
    }
}

#[test]
fn whoever_was_erased_has_no_name_left() {
    assert!(client_opened_by(Actor::PortalUser(GINA), None).starts_with("(erased) (portal user) took on"));
}

#[test]
fn a_step_whose_person_was_erased_still_tells_what_was_done() {
    let taken_over = samples().into_iter().find_map(|(_, event)| {
        let PortalEvent::ImportedCase(step @ Event::StepRecorded { .. }) = event else { return None };
        Some(step)
    });
    let told = super::imported::case(&taken_over.unwrap(), &Names::default());
    assert!(told.starts_with("took over step "), "{told}");
}
