//! A batch while it is filled, and while it is being appended.

use crate::batch::{OrgAnswer, OrgBatch};
use crate::connection::LaneConnection;
use crate::error::StoreError;
use crate::ledger::LedgerOptions;
use crate::measure;
use countersign_domain::ids::OrgId;
use countersign_postgres::fault;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// What became of the parts of a batch, or why that is not known.
pub(crate) type Answers = Result<HashMap<OrgId, OrgAnswer>, StoreError>;

/// Parts of organizations, each once.
#[derive(Debug)]
pub(crate) struct Batch {
    parts: Vec<OrgBatch>,
    places: HashMap<OrgId, usize>,
    pub(crate) room: Room,
    whole_room: Room,
}

/// A batch holds a lock for each of its organizations, and the server has room for some thousands.
const ORGANIZATIONS_AT_A_TIME: usize = 128;

/// How much more a batch takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    commands: usize,
    bytes: usize,
    organizations: usize,
}

/// A batch that is being appended. What it changes is read meanwhile.
pub(crate) struct Flight {
    batch: Arc<Batch>,
    landing: Landing,
}

enum Landing {
    Awaited(Pin<Box<dyn Future<Output = Landed> + Send>>),
    /// It came down before anybody looked.
    Over(Option<Landed>),
}

/// The connection, for the next one, and what became of this one.
pub(crate) type Landed = (LaneConnection, Answers);

impl Batch {
    pub(crate) fn new(options: &LedgerOptions) -> Self {
        let room = Room {
            commands: options.batch_commands,
            bytes: options.batch_bytes,
            organizations: ORGANIZATIONS_AT_A_TIME,
        };
        Self { parts: Vec::new(), places: HashMap::new(), room, whole_room: room }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn part(&self, org: OrgId) -> Option<&OrgBatch> {
        self.places.get(&org).map(|place| &self.parts[*place])
    }

    /// Takes an organization's part out to put it back; its room stays taken.
    pub(crate) fn borrow(&mut self, org: OrgId) -> Option<OrgBatch> {
        let place = self.places.remove(&org)?;
        let part = self.parts.swap_remove(place);
        if let Some(moved) = self.parts.get(place) {
            self.places.insert(moved.org, place);
        }
        Some(part)
    }

    /// Takes an organization's part out for good. Once nothing is left there is room again.
    pub(crate) fn take(&mut self, org: OrgId) -> Option<OrgBatch> {
        let part = self.borrow(org);
        if self.is_empty() {
            self.room = self.whole_room;
        }
        part
    }

    /// Puts an organization's part in, unless nothing was decided in it.
    pub(crate) fn put(&mut self, part: OrgBatch) {
        if !part.commands.is_empty() {
            self.places.insert(part.org, self.parts.len());
            self.parts.push(part);
        }
    }
}

impl Room {
    pub(crate) fn is_left(&self) -> bool {
        self.commands > 0 && self.bytes > 0 && self.organizations > 0
    }

    /// Counts the command that was decided last, which is not in its part yet.
    pub(crate) fn count_last(&mut self, part: &OrgBatch) {
        let events = part.commands.last().map_or(part.expected_head, |before| before.position);
        let new = part.records.iter().skip((events - part.expected_head) as usize);
        self.commands -= 1;
        if part.commands.is_empty() {
            self.organizations -= 1;
        }
        self.bytes = self.bytes.saturating_sub(new.map(|record| record.envelope.len()).sum());
    }
}

impl Flight {
    /// Appends a batch. It has been sent when this returns, if the connection took it; the rest is done as far as the
    /// landing is asked for: the lane's own task does it, which saves a change of threads on the way there and another one
    /// back.
    pub(crate) async fn take_off(batch: Batch, mut connection: LaneConnection) -> Self {
        fault::reached("batch.decided").await;
        let batch = Arc::new(batch);
        let flying = batch.clone();
        let mut landing: Pin<Box<dyn Future<Output = Landed> + Send>> = Box::pin(async move {
            let answers = measure::appending(&flying.parts, connection.append(&flying.parts)).await;
            (connection, answers)
        });
        let landing = match poll_fn(|context| Poll::Ready(landing.as_mut().poll(context))).await {
            Poll::Pending => Landing::Awaited(landing),
            Poll::Ready(landed) => Landing::Over(Some(landed)),
        };
        fault::reached("batch.sent").await;
        Self { batch, landing }
    }

    pub(crate) fn part(&self, org: OrgId) -> Option<&OrgBatch> {
        self.batch.part(org)
    }

    /// Waits until it is known what became of the batch. May be given up and asked again until it is known.
    pub(crate) async fn landing(&mut self) -> Landed {
        match &mut self.landing {
            Landing::Awaited(landing) => landing.as_mut().await,
            Landing::Over(landed) => landed.take().expect("a flight lands once"),
        }
    }

    /// The parts, once it has landed.
    pub(crate) fn into_parts(self) -> Vec<OrgBatch> {
        drop(self.landing);
        Arc::into_inner(self.batch).expect("a batch that has landed is nobody else's").parts
    }
}
