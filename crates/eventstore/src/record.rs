//! From what was decided to the exact text that is hashed and stored, and back.

use crate::error::StoreError;
use crate::seal;
use crate::submission::Submission;
use crate::vault::Vault;
use countersign_canon::{Digest, canonical_text_of, leaf_hash, sha256};
use countersign_domain::envelope::{Actor, ObjectRef, Principal, Provenance, Recorded};
use countersign_domain::ids::{ClientId, CommandId, EventId, OrgId};
use countersign_domain::portal::{PortalEvent, StreamId, Wire, WireError};
use countersign_domain::values::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use uuid::Uuid;

/// The envelope on the wire, with the event's own fields as a value or as the text that they stand in. Names, for ever;
/// fields that do not apply are absent.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "Data: Deserialize<'de>"))]
struct Envelope<'a, Data> {
    org: OrgId,
    position: u64,
    event_id: EventId,
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    schema: u16,
    stream: StreamId,
    version: u64,
    recorded_at: Timestamp,
    actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acting_client: Option<ClientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<Principal>,
    command_id: CommandId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causation_id: Option<EventId>,
    correlation_id: Uuid,
    provenance: Provenance,
    objects: Vec<ObjectRef>,
    data: Data,
}

/// What every build reads of an envelope.
#[derive(Deserialize)]
struct Name {
    #[serde(rename = "type")]
    event_type: String,
    schema: u16,
}

/// Where an event goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) position: u64,
    pub(crate) stream: StreamId,
    pub(crate) version: u64,
    pub(crate) recorded_at: Timestamp,
}

/// An event ready to be appended.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) place: Place,
    pub(crate) event_type: String,
    pub(crate) envelope: String,
    pub(crate) leaf_hash: Digest,
}

impl Record {
    /// Puts an event, its personal fields sealed, into the envelope of its submission.
    pub(crate) fn new(
        submission: &Submission,
        place: Place,
        wire: Wire,
        event: &PortalEvent,
        index: usize,
    ) -> Result<Self, StoreError> {
        let envelope = Envelope {
            org: submission.org,
            position: place.position,
            event_id: event_id(submission.command_id, index, place.recorded_at),
            event_type: Cow::Borrowed(&wire.event_type),
            schema: wire.schema,
            stream: place.stream,
            version: place.version,
            recorded_at: place.recorded_at,
            actor: submission.actor.clone(),
            acting_client: submission.acting_client,
            on_behalf_of: submission.on_behalf_of,
            command_id: submission.command_id,
            causation_id: submission.causation_id,
            correlation_id: submission.correlation_id,
            provenance: provenance(&submission.provenance, event),
            objects: event.objects(place.stream.id),
            data: Value::Null,
        };
        let mut envelope = serde_json::to_value(&envelope).expect("an envelope has string keys and serializes");
        // Put in rather than serialized with the rest: it is a value already, and the largest.
        envelope["data"] = wire.data;
        let text = canonical_text_of(&envelope)?;
        Ok(Self { place, event_type: wire.event_type, leaf_hash: leaf_hash(&text), envelope: text })
    }
}

/// An event as its row holds it.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Whose ledger.
    pub org: OrgId,
    /// Its place in it.
    pub position: u64,
    /// The canonical text that was hashed.
    pub envelope: String,
    /// The hash of that text as a leaf of the Merkle log.
    pub leaf_hash: Digest,
}

impl StoredEvent {
    /// The event; personal values stay sealed.
    pub fn read(&self) -> Result<Recorded, StoreError> {
        let envelope: Envelope<&RawValue> = self.parse()?;
        let event = PortalEvent::read(envelope.stream.kind, &envelope.event_type, envelope.schema, envelope.data.get());
        self.recorded(envelope, event)
    }

    /// The event with every personal value opened whose person still has a key.
    pub async fn read_opened(&self, vault: &Vault) -> Result<Recorded, StoreError> {
        let mut all = Self::read_all_opened(vault, std::slice::from_ref(self)).await?;
        Ok(all.remove(0))
    }

    /// Events with every personal value opened whose person still has a key. Keys that are not at hand are asked for once
    /// for each organization.
    pub async fn read_all_opened(vault: &Vault, events: &[Self]) -> Result<Vec<Recorded>, StoreError> {
        let mut envelopes: Vec<Envelope<Value>> = events.iter().map(Self::parse).collect::<Result<_, _>>()?;
        seal::open_all(
            vault,
            events.iter().zip(&mut envelopes).map(|(event, envelope)| (event.org, &mut envelope.data)),
        )
        .await?;
        let opened = events.iter().zip(envelopes).map(|(event, mut envelope)| {
            let wire = Wire {
                event_type: envelope.event_type.clone().into_owned(),
                schema: envelope.schema,
                data: std::mem::take(&mut envelope.data),
            };
            let read = PortalEvent::from_wire(envelope.stream.kind, wire);
            event.recorded(envelope, read)
        });
        opened.collect()
    }

    fn parse<'a, Data: Deserialize<'a>>(&'a self) -> Result<Envelope<'a, Data>, StoreError> {
        serde_json::from_str(&self.envelope).map_err(|error| self.unreadable(&error))
    }

    /// A text that is what was hashed when it was written was written by a build that knows more words than this one: a
    /// kind of stream, of actor, of object. Any other is damaged.
    fn unreadable(&self, error: &serde_json::Error) -> StoreError {
        match serde_json::from_str::<Name>(&self.envelope) {
            Ok(Name { event_type, schema }) if leaf_hash(&self.envelope) == self.leaf_hash => {
                StoreError::Outdated(WireError::Unknown { event_type, schema })
            }
            Ok(_) | Err(_) => StoreError::Damaged {
                org: self.org,
                position: self.position,
                what: format!("the envelope does not read: {error}"),
            },
        }
    }

    fn recorded<Data>(
        &self,
        envelope: Envelope<'_, Data>,
        event: Result<PortalEvent, WireError>,
    ) -> Result<Recorded, StoreError> {
        let event = event.map_err(|error| match error {
            unknown @ WireError::Unknown { .. } => StoreError::Outdated(unknown),
            malformed @ WireError::Malformed { .. } => {
                StoreError::Damaged { org: self.org, position: self.position, what: malformed.to_string() }
            }
        })?;
        Ok(Recorded {
            org: envelope.org,
            position: envelope.position,
            event_id: envelope.event_id,
            stream: envelope.stream,
            version: envelope.version,
            recorded_at: envelope.recorded_at,
            actor: envelope.actor,
            acting_client: envelope.acting_client,
            on_behalf_of: envelope.on_behalf_of,
            command_id: envelope.command_id,
            causation_id: envelope.causation_id,
            correlation_id: envelope.correlation_id,
            provenance: envelope.provenance,
            objects: envelope.objects,
            event,
        })
    }
}

/// The same command at the same moment yields the same ids; they sort by time.
fn event_id(command: CommandId, index: usize, at: Timestamp) -> EventId {
    let digest = sha256(&[b"event:", command.0.as_bytes(), &index.to_be_bytes()]);
    let mut random = [0; 10];
    random.copy_from_slice(&digest.0[..10]);
    let millis = u64::try_from(at.as_utc().timestamp_millis()).unwrap_or(0);
    EventId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

fn provenance(of_submission: &Provenance, event: &PortalEvent) -> Provenance {
    match of_submission {
        Provenance::Imported { source, .. } => {
            Provenance::Imported { source: source.clone(), original_time: event.original_time() }
        }
        Provenance::Witnessed | Provenance::Simulated => of_submission.clone(),
    }
}
