//! How rules are specified: given what has happened, when a command comes, then this follows.
//!
//! Everything goes through the real `facts`, over a small ledger in memory, so that a rule which forgets to ask for
//! something it needs to know fails here.

use crate::decider::{Decider, Folded, Moment, Needs};
use crate::envelope::{Actor, ObjectKind, Principal, Role};
use crate::ids::OrgId;
use crate::portal::{Aggregate, PortalEvent, Rejection, StreamId, StreamState, Undecided};
use crate::use_case::{States, UseCase};
use crate::values::Timestamp;
use chrono::TimeDelta;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Debug;
use uuid::Uuid;

pub mod cast;

/// The organization of all specifications.
pub const ORG: OrgId = OrgId(Uuid::from_u128(0x0a11));

/// An id of any kind that is easy to recognise in a failed test.
pub fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

/// Noon of a day in January 2026: specifications begin on day 1.
pub fn day(number: i64) -> Timestamp {
    let first: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    first.plus(TimeDelta::days(number - 1))
}

/// An aggregate to which these events have happened, and nothing else.
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    Given { id: id(1), history: events.into_iter().collect(), ledger: Ledger::default() }
}

/// What has happened, before the command comes.
pub struct Given<A: Aggregate> {
    id: A::Id,
    history: Vec<A::Event>,
    ledger: Ledger,
}

impl<A: Aggregate> Given<A> {
    /// Names the aggregate in question; number 1 of its kind if nobody says.
    pub fn named(mut self, id: A::Id) -> Self {
        self.id = id;
        self
    }

    /// What has happened to others in the same ledger.
    pub fn in_ledger(mut self, others: impl FnOnce(Ledger) -> Ledger) -> Self {
        self.ledger = others(self.ledger);
        self
    }

    /// When the command comes; on day 1 if nobody says.
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.ledger = self.ledger.at(moment);
        self
    }

    /// Whose command it is; the operator's if nobody says.
    pub fn by(mut self, actor: impl Into<Actor>) -> Self {
        self.ledger = self.ledger.by(actor);
        self
    }

    /// The command comes.
    pub fn when(self, command: A::Command) -> When<A> {
        let mut ledger = self.ledger.with::<A>(self.id, self.history);
        When { answer: ledger.decide::<A>(self.id, command) }
    }
}

/// What the rules answered.
pub struct When<A: Decider> {
    answer: Result<Vec<A::Event>, A::Rejection>,
}

impl<A: Decider> When<A>
where
    A::Event: PartialEq,
    A::Rejection: PartialEq,
{
    /// Exactly this happens.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = A::Event>) {
        assert_eq!(self.answer, Ok(expected.into_iter().collect()));
    }

    /// It is already so.
    #[track_caller]
    pub fn then_nothing(self) {
        self.then([]);
    }

    /// It may not be, for this reason.
    #[track_caller]
    pub fn then_rejected(self, expected: impl Into<A::Rejection>) {
        assert_eq!(self.answer, Err(expected.into()));
    }
}

/// A ledger in memory. As in the store, a stream is at hand only once somebody has asked for it.
#[derive(Clone)]
pub struct Ledger {
    stored: HashMap<StreamId, StreamState>,
    at_hand: HashMap<StreamId, StreamState>,
    moment: Moment,
}

impl Default for Ledger {
    fn default() -> Self {
        let moment = Moment { org: ORG, at: day(1), actor: Actor::Operator, on_behalf_of: None, acting_client: None };
        Self { stored: HashMap::new(), at_hand: HashMap::new(), moment }
    }
}

impl Ledger {
    /// These events have happened to one aggregate.
    pub fn with<A: Aggregate>(mut self, id: A::Id, events: impl IntoIterator<Item = A::Event>) -> Self {
        let stream = StreamId { kind: A::KIND, id: id.into() };
        for event in events {
            self.append(stream, &A::recorded(event));
        }
        self
    }

    /// The moment of the next command.
    pub fn at(mut self, at: Timestamp) -> Self {
        self.moment.at = at;
        self
    }

    /// Whose command the next one is.
    pub fn by(mut self, actor: impl Into<Actor>) -> Self {
        self.moment.actor = actor.into();
        self
    }

    /// On whose behalf the next command is.
    pub fn on_behalf_of(mut self, principal: Principal) -> Self {
        self.moment.on_behalf_of = Some(principal);
        self
    }

    /// What the rules of one aggregate answer now. Changes nothing.
    pub fn decide<A: Aggregate>(&mut self, id: A::Id, command: A::Command) -> Result<Vec<A::Event>, A::Rejection> {
        loop {
            match self.try_decide::<A>(id, command.clone()) {
                Ok(answer) => return answer,
                Err(needs) => self.load(needs),
            }
        }
    }

    /// Performs a use case, all of it or nothing, and names the events that it led to.
    pub fn perform(&mut self, use_case: &UseCase) -> Result<Vec<String>, Rejection> {
        let outcome = loop {
            match use_case.decide(&self.moment, self) {
                Ok(outcome) => break outcome,
                Err(Undecided::Needs(needs)) => self.load(needs),
                Err(Undecided::Rejected(rejection)) => return Err(rejection),
            }
        };
        let names = outcome.events.iter().map(|decided| decided.event.to_wire().event_type).collect();
        for decided in &outcome.events {
            self.append(decided.stream, &decided.event);
        }
        Ok(names)
    }

    /// The state of one aggregate.
    pub fn folded<A: Aggregate>(&mut self, id: A::Id) -> A::State {
        let stream = StreamId { kind: A::KIND, id: id.into() };
        self.load(Needs(vec![stream]));
        self.state::<A>(id).cloned().unwrap()
    }

    fn try_decide<A: Aggregate>(
        &self,
        id: A::Id,
        command: A::Command,
    ) -> Result<Result<Vec<A::Event>, A::Rejection>, Needs> {
        let state = self.state::<A>(id)?;
        let facts = A::facts(id, state, &command, self)?;
        Ok(A::decide(state, &facts, command))
    }

    fn load(&mut self, Needs(streams): Needs) {
        for stream in streams {
            let stored = self.stored.get(&stream).cloned().unwrap_or_else(|| StreamState::empty(stream.kind));
            self.at_hand.insert(stream, stored);
        }
    }

    fn append(&mut self, stream: StreamId, event: &PortalEvent) {
        let state = self.stored.remove(&stream).unwrap_or_else(|| StreamState::empty(stream.kind)).evolve(event);
        self.stored.insert(stream, state);
        self.at_hand.remove(&stream);
    }
}

impl Folded for Ledger {
    fn state<A: Aggregate>(&self, id: A::Id) -> Result<&A::State, Needs> {
        let stream = StreamId { kind: A::KIND, id: id.into() };
        let state = self.at_hand.get(&stream).ok_or_else(|| Needs(vec![stream]))?;
        Ok(A::state_in(state).expect("a stream's state is of its own kind"))
    }

    fn moment(&self) -> &Moment {
        &self.moment
    }
}

impl States for Ledger {
    fn get(&self, stream: StreamId) -> Option<&StreamState> {
        self.at_hand.get(&stream)
    }
}

/// The property of every aggregate: whatever is asked, in whatever order and by whomever, the rules answer; what happens
/// survives its wire form and its snapshot; and asking the same again changes nothing more.
pub fn any_history_is_sound<A: Aggregate>(mut ledger: Ledger, id: A::Id, commands: Vec<(Actor, A::Command)>) {
    for (actor, command) in commands {
        ledger = ledger.by(actor);
        let Ok(events) = ledger.decide::<A>(id, command.clone()) else { continue };
        for event in &events {
            survives_its_wire_form::<A>(id, event);
        }
        ledger = ledger.with::<A>(id, events);
        survives_its_snapshot(&ledger.folded::<A>(id));
        if let Ok(again) = ledger.decide::<A>(id, command.clone()) {
            assert!(again.is_empty(), "{command:?} a second time led to {again:?}");
        }
    }
}

/// What objects an event concerns besides its own aggregate, and as what.
pub fn concerned<A: Decider>(event: &A::Event) -> Vec<(ObjectKind, Role)> {
    A::objects(event).into_iter().map(|object| (object.kind, object.role)).collect()
}

/// An event reads back from the ledger as what was written, and concerns its own aggregate first.
#[track_caller]
pub fn survives_its_wire_form<A: Aggregate>(id: A::Id, event: &A::Event) {
    let recorded = A::recorded(event.clone());
    let written = recorded.to_wire();
    let read = PortalEvent::from_wire(A::KIND, written.clone()).expect("an event that was written can be read");
    assert_eq!(read.to_wire(), written);
    assert_eq!(recorded.name(), written.event_type);
    let text = written.data.to_string();
    let read_at_once = PortalEvent::read(A::KIND, &written.event_type, written.schema, &text);
    assert_eq!(read_at_once.expect("an event that was written can be read").to_wire(), written);
    assert_eq!(read.objects(id.into()), recorded.objects(id.into()));
    assert_eq!(recorded.objects(id.into())[0].id, id.into());
}

fn survives_its_snapshot<S: Serialize + serde::de::DeserializeOwned + Debug>(state: &S) {
    let kept = serde_json::to_value(state).expect("a state can be kept");
    let read: S = serde_json::from_value(kept.clone()).expect("a state that was kept can be read");
    assert_eq!(serde_json::to_value(&read).expect("a state can be kept"), kept);
}

impl From<Principal> for Actor {
    fn from(principal: Principal) -> Self {
        match principal {
            Principal::Staff(id) => Self::Staff(id),
            Principal::PortalUser(id) => Self::PortalUser(id),
        }
    }
}

impl From<crate::ids::StaffId> for Actor {
    fn from(id: crate::ids::StaffId) -> Self {
        Self::Staff(id)
    }
}

impl From<crate::ids::PortalUserId> for Actor {
    fn from(id: crate::ids::PortalUserId) -> Self {
        Self::PortalUser(id)
    }
}
