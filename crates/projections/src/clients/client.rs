//! The companies that the firm serves.

mod query;
mod table;

pub use query::{ClientView, get, list};

use crate::projector::{Keys, Projector, Rows};
use countersign_domain::clients::client::Event;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::ClientId;
use countersign_domain::portal::PortalEvent;
use countersign_domain::values::{Label, Timestamp};
use serde::Serialize;

/// The read model.
#[derive(Debug)]
pub struct Client;

/// A client.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientRow {
    name: Label,
    opened_at: Timestamp,
}

impl Projector for Client {
    type Key = ClientId;
    type Row = ClientRow;

    fn keys(event: &Recorded) -> Keys<ClientId> {
        let PortalEvent::Client(_) = &event.event else { return Keys::none() };
        Keys::one(event.stream.id.into())
    }

    fn project(rows: &mut Rows<ClientId, ClientRow>, event: &Recorded) {
        let PortalEvent::Client(client) = &event.event else { return };
        let id = ClientId(event.stream.id);
        match client {
            Event::Opened { name } => {
                rows.put(id, ClientRow { name: name.clone(), opened_at: event.recorded_at });
            }
            Event::Renamed { to, .. } => rows.change(&id, |row| row.name = to.clone()),
        }
    }
}
