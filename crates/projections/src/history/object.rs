//! Every event under every object that it concerned, with the parts that the object played in it.

mod query;
#[cfg(test)]
mod spec;
mod table;

pub use query::{HistoryEntry, of_object};

use crate::projector::{Keys, Projector, Rows};
use countersign_domain::envelope::{Actor, ObjectKind, ObjectRef, Recorded, Role};
use countersign_domain::portal::StreamId;
use countersign_domain::values::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// The read model.
#[derive(Debug)]
pub struct ObjectHistory;

/// An event that concerned an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObjectHistoryRow {
    /// In the order in which the event names them.
    roles: Vec<Role>,
    event_type: String,
    stream: StreamId,
    recorded_at: Timestamp,
    actor: Actor,
}

impl Projector for ObjectHistory {
    /// An object, and a place in the ledger.
    type Key = (ObjectKind, Uuid, u64);
    type Row = ObjectHistoryRow;

    fn keys(event: &Recorded) -> Keys<Self::Key> {
        Keys::of(event.objects.iter().map(|object| (object.kind, object.id, event.position)))
    }

    fn project(rows: &mut Rows<Self::Key, ObjectHistoryRow>, event: &Recorded) {
        let event_type = event.event.name();
        for object in &event.objects {
            let same = |other: &&ObjectRef| (other.kind, other.id) == (object.kind, object.id);
            let row = ObjectHistoryRow {
                roles: event.objects.iter().filter(same).map(|other| other.role).collect(),
                event_type: event_type.clone(),
                stream: event.stream,
                recorded_at: event.recorded_at,
                actor: event.actor.clone(),
            };
            rows.put((object.kind, object.id, event.position), row);
        }
    }
}
