//! Everything that happened to one object, in the order of the ledger.

use crate::audit::Inquiry;
use crate::audit::object::{Object, Wanted};
use crate::audit::sentence::sentence;
use crate::failure::Failure;
use countersign_domain::envelope::{Provenance, Recorded, Role};
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use countersign_eventstore::{StoreError, StoredEvent};
use countersign_projections::history::object::{HistoryEntry, of_object};
use countersign_projections::{Limit, PageRequest, ReadError};
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// The read models in which a history and its names stand.
const GROUPS: [&str; 3] = ["history", "people", "portal"];

/// What happened to an object.
#[derive(Debug)]
pub(crate) struct History {
    object: Object,
    entries: Vec<Entry>,
}

/// One event that concerned it.
#[derive(Debug)]
struct Entry {
    stored: StoredEvent,
    recorded: Recorded,
    /// The parts that the object played in it.
    roles: Vec<Role>,
    sentence: String,
}

/// Tells what happened to an object, or had happened by a moment.
pub(crate) async fn history(
    inquiry: &Inquiry<'_>,
    wanted: &Wanted,
    as_of: Option<Timestamp>,
) -> Result<History, Failure> {
    let object = inquiry.find(wanted).await?;
    inquiry.bring_up(&GROUPS).await?;
    let places = inquiry.places(&object, as_of).await?;
    let unreadable = |error: StoreError| Failure::because("the ledger could not be read", error);
    let stored = inquiry.stored(&places).await.map_err(unreadable)?;
    let recorded: Vec<Recorded> = stored.iter().map(StoredEvent::read).collect::<Result<_, _>>().map_err(unreadable)?;
    let mut names = inquiry.names(&recorded.iter().collect::<Vec<_>>()).await?;
    names.about = Some((object.kind, object.id));
    let told = stored.into_iter().zip(recorded).zip(places);
    let entries = told.map(|((stored, recorded), place)| {
        let sentence = sentence(&recorded, &names);
        Entry { stored, recorded, roles: place.roles, sentence }
    });
    Ok(History { entries: entries.collect(), object })
}

impl Inquiry<'_> {
    /// Where in the ledger the object's events stand.
    async fn places(&self, object: &Object, as_of: Option<Timestamp>) -> Result<Vec<HistoryEntry>, Failure> {
        let mut places = Vec::new();
        let limit = Limit::try_from(u64::from(Limit::MOST)).expect("the longest page is a page");
        let mut page = PageRequest { after: None, limit };
        loop {
            let found = of_object(self.pool, &self.scope(), self.now, (object.kind, object.id), as_of, &page).await;
            let found = found.map_err(|error| nothing_or(error, object, as_of))?;
            places.extend(found.items);
            match found.next {
                Some(next) => page.after = Some(next),
                None => return Ok(places),
            }
        }
    }

    /// The events at these places. Neighbours are read together.
    async fn stored(&self, places: &[HistoryEntry]) -> Result<Vec<StoredEvent>, StoreError> {
        let mut events = Vec::with_capacity(places.len());
        for together in places.chunk_by(|one, next| one.position + 1 == next.position) {
            let Some(first) = together.first() else { continue };
            let mut after = first.position - 1;
            let end = after + together.len() as u64;
            while after < end {
                let count = u32::try_from((end - after).min(1_000)).expect("a thousand is less than 2^32");
                let read = self.ledger().reader().after(self.org, after, count).await?;
                let Some(last) = read.last() else { return Err(missing(self.org, after + 1)) };
                after = last.position;
                events.extend(read);
            }
        }
        Ok(events)
    }
}

/// The read model names an event that the ledger does not have.
fn missing(org: OrgId, position: u64) -> StoreError {
    StoreError::Damaged { org, position, what: "an event that was there is missing".to_owned() }
}

fn nothing_or(error: ReadError, object: &Object, as_of: Option<Timestamp>) -> Failure {
    match error {
        ReadError::Denied(_) => {
            let by_then = as_of.map(|moment| format!(" by {moment}")).unwrap_or_default();
            Failure::say(format!("nothing has happened to {object}{by_then}; is the id right, and the organization?"))
        }
        ReadError::Database(_) | ReadError::Behind | ReadError::Cursor(_) => {
            Failure::because("the history could not be read", error)
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)?;
        self.called.iter().try_for_each(|called| write!(f, " ({called})"))
    }
}

/// A line for each event: where it stands, when it was recorded, and what happened.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made_up = self.entries.iter().any(|entry| entry.recorded.provenance == Provenance::Simulated);
        writeln!(f, "{}{}", self.object, if made_up { ", in a ledger that is made up" } else { "" })?;
        self.entries.iter().try_for_each(|Entry { recorded, sentence, .. }| {
            let at = recorded.recorded_at.as_utc().format("%Y-%m-%d %H:%M:%S UTC");
            writeln!(f, "{at}  #{:<6} {sentence}", recorded.position)
        })
    }
}

/// An event for a program: its envelope as the ledger holds it, personal values sealed, so that the hash can be computed
/// from it again; and what we say about it, in which names are open.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    envelope: Value,
    leaf_hash: String,
    roles: &'a [Role],
    sentence: &'a str,
}

impl History {
    /// The events for a program, as a JSON array.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        let told = self.entries.iter().map(|Entry { stored, roles, sentence, .. }| {
            let envelope = serde_json::from_str(&stored.envelope)?;
            Ok(Told { envelope, leaf_hash: stored.leaf_hash.to_string(), roles, sentence })
        });
        serde_json::to_string(&told.collect::<Result<Vec<_>, serde_json::Error>>()?)
    }
}
