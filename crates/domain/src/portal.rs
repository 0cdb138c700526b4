//! The portal's aggregates in one table: what kinds of streams there are, and which rules each follows.
//!
//! The store, the projectors and the api meet aggregates only through the enums made here. To add one, add its line to
//! the table at the end and follow the compiler.

use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{ObjectKind, ObjectRef, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use uuid::Uuid;

/// Names one aggregate's stream within an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId {
    /// What kind of aggregate.
    pub kind: StreamKind,
    /// Which one.
    pub id: Uuid,
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

/// An event's own part of the wire form: name, schema version, fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Wire {
    /// The name, for ever: `invoice.approved`.
    pub event_type: String,
    /// The version of the fields' shape under that name, from 1.
    pub schema: u16,
    /// The fields.
    pub data: Value,
}

/// Why a recorded event could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A name or schema version that this build does not know: the build is older than the ledger, not the event broken.
    #[error("event {event_type} in schema {schema} is unknown to this build")]
    Unknown {
        /// The event's name.
        event_type: String,
        /// Its schema version.
        schema: u16,
    },
    /// Fields that are not what the name and schema promise.
    #[error("event {event_type} does not have the fields that it should")]
    Malformed {
        /// The event's name.
        event_type: String,
        /// What was wrong.
        #[source]
        source: serde_json::Error,
    },
}

/// A refused step, apart from which aggregate refused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The stable code.
    pub code: &'static str,
    /// How much of it the asker may learn.
    pub kind: RejectionKind,
    /// A sentence in business words.
    pub message: String,
    /// Numbers and ids that explain it.
    pub details: Vec<(&'static str, String)>,
}

impl Rejection {
    /// What a rule answered, whichever aggregate it belongs to.
    pub fn of(rejected: &impl Rejected) -> Self {
        Self {
            code: rejected.code(),
            kind: rejected.kind(),
            message: rejected.to_string(),
            details: rejected.details(),
        }
    }
}

/// Why a step yields no answer now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// Streams must be loaded first.
    Needs(Needs),
    /// It may not be.
    Rejected(Rejection),
}

/// Ties an aggregate's own types to the portal's enums.
pub trait Aggregate: Decider + Sized {
    /// The aggregate's state, if a stream's state is of its kind.
    fn state_in(state: &StreamState) -> Option<&Self::State>;
    /// One of its commands as a step.
    fn step(id: Self::Id, command: Self::Command) -> Step;
    /// One of its events as an event of the portal.
    fn recorded(event: Self::Event) -> PortalEvent;
}

fn split_tag(tagged: Value) -> (String, Value) {
    let Value::Object(mut fields) = tagged else { unreachable!("events are tagged objects") };
    let Some(Value::String(event_type)) = fields.remove("type") else { unreachable!("events carry their name") };
    (event_type, fields.remove("data").unwrap_or_else(|| Value::Object(Map::new())))
}

/// An event without fields of its own is a variant with empty braces, so that `data` is always an object.
fn join_tag(event_type: &str, data: Value) -> Value {
    Value::Object(Map::from_iter([
        ("type".to_owned(), Value::String(event_type.to_owned())),
        ("data".to_owned(), data),
    ]))
}

/// A name that serde does not know belongs to an event of a later build.
fn unread(event_type: &str, schema: u16, source: serde_json::Error) -> WireError {
    let event_type = event_type.to_owned();
    if source.to_string().starts_with("unknown variant") {
        WireError::Unknown { event_type, schema }
    } else {
        WireError::Malformed { event_type, source }
    }
}

macro_rules! aggregates {
    ($($(#[$doc:meta])* $name:ident = $aggregate:path, $wire:literal, $object:ident;)*) => {
        /// The kinds of streams. Wire names, for ever.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum StreamKind {
            $($(#[$doc])* #[serde(rename = $wire)] $name,)*
        }

        impl StreamKind {
            /// Every kind there is.
            pub const ALL: &[StreamKind] = &[$(StreamKind::$name),*];

            /// The wire name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The kind with a wire name, if this build knows it.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($wire => Some(Self::$name),)* _ => None }
            }

            /// The kind of object that a stream of this kind is the history of.
            pub fn object_kind(self) -> ObjectKind {
                match self { $(Self::$name => ObjectKind::$object,)* }
            }
        }

        /// Whatever can have happened.
        #[derive(Clone, Debug)]
        pub enum PortalEvent {
            $($(#[$doc])* $name(<$aggregate as Decider>::Event),)*
        }

        /// The folded state of a stream of any kind.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum StreamState {
            $($(#[$doc])* $name(<$aggregate as Decider>::State),)*
        }

        /// One command to one aggregate.
        #[derive(Clone, Debug)]
        pub enum Step {
            $($(#[$doc])* $name(<$aggregate as Decider>::Id, <$aggregate as Decider>::Command),)*
        }

        impl PortalEvent {
            /// The kind of stream that it belongs to.
            pub fn kind(&self) -> StreamKind {
                match self { $(Self::$name(_) => StreamKind::$name,)* }
            }

            /// Name, schema version and fields.
            pub fn to_wire(&self) -> Wire {
                let tagged = match self { $(Self::$name(event) => serde_json::to_value(event),)* };
                let (event_type, data) = split_tag(tagged.expect("events have string keys and serialize"));
                let schema = crate::upcast::current_schema(&event_type);
                Wire { event_type, schema, data }
            }

            /// Reads an event of a kind of stream, of any schema that it ever had (see `upcast`).
            pub fn from_wire(kind: StreamKind, wire: Wire) -> Result<Self, WireError> {
                let Wire { event_type, schema, data } = crate::upcast::to_current(wire)?;
                let tagged = join_tag(&event_type, data);
                let read = match kind {
                    $(StreamKind::$name => serde_json::from_value(tagged).map(Self::$name),)*
                };
                read.map_err(|source| unread(&event_type, schema, source))
            }

            /// The same from the text of its fields, of any schema. Told apart by its kind of stream and its name, it is
            /// read as what it is at once: this is what everybody does who follows a ledger.
            pub fn read(kind: StreamKind, event_type: &str, schema: u16, data: &str) -> Result<Self, WireError> {
                if schema != crate::upcast::current_schema(event_type) {
                    let data = serde_json::from_str(data).map_err(|source| unread(event_type, schema, source))?;
                    return Self::from_wire(kind, Wire { event_type: event_type.to_owned(), schema, data });
                }
                let read = match kind {
                    $(StreamKind::$name => crate::tagged::read(event_type, data).map(Self::$name),)*
                };
                read.map_err(|source| unread(event_type, schema, source))
            }

            /// Its name on the wire.
            pub fn name(&self) -> String {
                match self { $(Self::$name(event) => crate::tagged::name_of(event),)* }
            }

            /// Every object that it concerns: the aggregate itself first, then the others in the order they are named.
            pub fn objects(&self, id: Uuid) -> Vec<ObjectRef> {
                let mut objects = vec![ObjectRef::new(self.kind().object_kind(), id, Role::Subject)];
                objects.extend(match self { $(Self::$name(event) => <$aggregate as Decider>::objects(event),)* });
                objects
            }
        }

        impl StreamState {
            /// The state of a stream to which nothing has happened.
            pub fn empty(kind: StreamKind) -> Self {
                match kind { $(StreamKind::$name => Self::$name(Default::default()),)* }
            }

            /// The state after an event of the same kind of stream.
            pub fn evolve(self, event: &PortalEvent) -> Self {
                match (self, event) {
                    $((Self::$name(state), PortalEvent::$name(event)) =>
                        Self::$name(<$aggregate as Decider>::evolve(state, event)),)*
                    (_, event) => unreachable!("a {} stream holds only its own events", event.kind().as_str()),
                }
            }
        }

        impl Step {
            /// The stream it changes.
            pub fn stream(&self) -> StreamId {
                match self { $(Self::$name(id, _) => StreamId { kind: StreamKind::$name, id: (*id).into() },)* }
            }

            /// Decides the step on the states that a ledger offers.
            pub fn decide(self, ledger: &impl Folded) -> Result<Vec<PortalEvent>, Undecided> {
                match self {
                    $(Self::$name(id, command) => decide_one::<$aggregate>(id, command, ledger),)*
                }
            }
        }

        $(impl Aggregate for $aggregate {
            fn state_in(state: &StreamState) -> Option<&Self::State> {
                if let StreamState::$name(state) = state { Some(state) } else { None }
            }
            fn step(id: Self::Id, command: Self::Command) -> Step {
                Step::$name(id, command)
            }
            fn recorded(event: Self::Event) -> PortalEvent {
                PortalEvent::$name(event)
            }
        })*
    };
}

impl PortalEvent {
    /// When it happened by another system's record, where it was taken over from one.
    pub fn original_time(&self) -> Option<String> {
        if let Self::ImportedCase(event) = self { event.original_time() } else { None }
    }
}

fn decide_one<A: Aggregate>(
    id: A::Id,
    command: A::Command,
    ledger: &impl Folded,
) -> Result<Vec<PortalEvent>, Undecided> {
    let state = ledger.state::<A>(id).map_err(Undecided::Needs)?;
    let facts = A::facts(id, state, &command, ledger).map_err(Undecided::Needs)?;
    let events = A::decide(state, &facts, command).map_err(|no| Undecided::Rejected(Rejection::of(&no)))?;
    Ok(events.into_iter().map(A::recorded).collect())
}

aggregates! {
    /// The firm: its plan, its settings.
    Organization = crate::firm::organization::Organization, "organization", Organization;
    /// A staff member: access level, status.
    Staff = crate::firm::staff::Staff, "staff", Staff;
    /// The plan's seats and who holds them.
    Seats = crate::firm::seats::Seats, "seats", Seats;
    /// A client company.
    Client = crate::clients::client::Client, "client", Client;
    /// A person at a client.
    Contact = crate::clients::contact::Contact, "contact", Contact;
    /// An address, and the one identity that it belongs to.
    Mailbox = crate::clients::mailbox::Mailbox, "mailbox", Mailbox;
    /// A portal user's life from invitation to deactivation.
    PortalUser = crate::clients::portal_user::PortalUser, "portal_user", PortalUser;
    /// A project, its roster and its approval route.
    Project = crate::work::project::Project, "project", Project;
    /// A time entry.
    TimeEntry = crate::work::time_entry::TimeEntry, "time_entry", TimeEntry;
    /// An invoice.
    Invoice = crate::billing::invoice::Invoice, "invoice", Invoice;
    /// A series of invoice numbers.
    NumberSeries = crate::billing::number_series::NumberSeries, "number_series", NumberSeries;
    /// A case of another system's history.
    ImportedCase = crate::imported::case::ImportedCase, "imported_case", Case;
}
