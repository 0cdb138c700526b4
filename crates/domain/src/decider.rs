//! What every aggregate is: a pure function from a state and a command to events, and one from events to a state.

use crate::envelope::{Actor, ObjectRef, Principal};
use crate::ids::{ClientId, OrgId};
use crate::portal::{Aggregate, StreamId, StreamKind};
use crate::values::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// An aggregate's rules. See `crates/domain/src/billing/invoice.rs` for how a file with one reads.
pub trait Decider {
    /// The kind of stream that holds the aggregate's events; wire name, for ever.
    const KIND: StreamKind;
    /// What names one of them.
    type Id: Copy + Into<uuid::Uuid> + From<uuid::Uuid>;
    /// What may be asked of it.
    type Command: Clone + Debug + Send + Sync;
    /// What can have happened to it; `#[serde(tag = "type", content = "data")]` with explicit names.
    type Event: Clone + Debug + Serialize + DeserializeOwned;
    /// What its rules remember. `Default` is the honest state before the first event.
    type State: Clone + Debug + Default + Serialize + DeserializeOwned;
    /// What its rules must know of other aggregates, folded at the same head.
    type Facts;
    /// Why a command may not be.
    type Rejection: Rejected;

    /// Pulls what a decision needs to know. A stream that is not at hand is named in the error; the store loads it and
    /// asks again.
    fn facts(
        id: Self::Id,
        state: &Self::State,
        command: &Self::Command,
        ledger: &impl Folded,
    ) -> Result<Self::Facts, Needs>;

    /// Events: it happens. No events: already so. A rejection: it may not be.
    fn decide(
        state: &Self::State,
        facts: &Self::Facts,
        command: Self::Command,
    ) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after an event. Total, and judges nothing.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// Every object that an event concerns, besides the aggregate itself, each with the role it has in it.
    fn objects(event: &Self::Event) -> Vec<ObjectRef>;
}

/// What a decision may look at: other streams of the same ledger at the same head, and the moment.
pub trait Folded {
    /// The folded state of a stream of this ledger; its default if nothing has happened there yet.
    fn state<A: Aggregate>(&self, id: A::Id) -> Result<&A::State, Needs>;
    /// Who asks, and when.
    fn moment(&self) -> &Moment;
}

/// Who asks for a decision, and when it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The organization whose ledger this is.
    pub org: OrgId,
    /// When the decision is taken; never earlier than the ledger's last event.
    pub at: Timestamp,
    /// Who acts.
    pub actor: Actor,
    /// Whose rights count when the actor is a token or a process.
    pub on_behalf_of: Option<Principal>,
    /// The client for which a portal user acts (D10).
    pub acting_client: Option<ClientId>,
}

impl Moment {
    /// The person whose rights decide: the actor, or the one on whose behalf a token acts.
    pub fn principal(&self) -> Option<Principal> {
        match &self.actor {
            Actor::Staff(id) => Some(Principal::Staff(*id)),
            Actor::PortalUser(id) => Some(Principal::PortalUser(*id)),
            Actor::Token(_) => self.on_behalf_of,
            Actor::Process(_) | Actor::Importer | Actor::Operator => None,
        }
    }
}

/// Streams that a decision asked for and that are not at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs(pub Vec<StreamId>);

/// What the answer to a refused command is, apart from its own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionKind {
    /// The asker may not know whether the thing exists: answered exactly as "not there".
    Unseen,
    /// The asker sees the thing but may not do this.
    NotAllowed,
    /// A rule of the business stands against it.
    Rule,
}

/// A reason why a command may not be, with a stable code.
pub trait Rejected: std::error::Error {
    /// The code that programs match on, for ever: `invoice.not_in_review`.
    fn code(&self) -> &'static str;
    /// How much of it the asker may learn.
    fn kind(&self) -> RejectionKind {
        RejectionKind::Rule
    }
    /// Numbers and ids that explain it, by name: never personal data.
    fn details(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
