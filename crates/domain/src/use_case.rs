//! Use cases: one command from outside, an ordered list of steps, all of which happen or none.

use crate::decider::{Folded, Moment, Needs};
use crate::portal::{Aggregate, PortalEvent, Step, StreamId, StreamState, Undecided};
use std::collections::HashMap;
use uuid::Uuid;

/// What somebody asked for, as the steps it takes.
#[derive(Clone, Debug)]
pub struct UseCase {
    /// Its name, as the API's operation id: `InviteGuest`.
    pub name: &'static str,
    /// The steps, each decided on the state left by the one before.
    pub steps: Vec<Step>,
}

/// One event that a use case leads to, and where it goes.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The stream it is appended to.
    pub stream: StreamId,
    /// What happened.
    pub event: PortalEvent,
}

/// The streams' states as a store has them at hand.
pub trait States {
    /// A stream's state at the head, or nothing if it must be loaded.
    fn get(&self, stream: StreamId) -> Option<&StreamState>;
}

/// What a use case comes to: its events, and the states it leaves behind.
#[derive(Debug, Default)]
pub struct Outcome {
    /// In the order in which they are appended; none means "already so".
    pub events: Vec<Decided>,
    /// The states of all changed streams, after it.
    pub states: HashMap<StreamId, StreamState>,
}

impl UseCase {
    /// A use case of one step.
    pub fn single<A: Aggregate>(name: &'static str, id: A::Id, command: A::Command) -> Self {
        Self { name, steps: vec![A::step(id, command)] }
    }

    /// A use case of several steps.
    pub fn of(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Self {
        Self { name, steps: steps.into_iter().collect() }
    }

    /// Decides all steps in order. The first refusal refuses the whole.
    pub fn decide(&self, moment: &Moment, states: &impl States) -> Result<Outcome, Undecided> {
        let mut ledger = Overlay { base: states, outcome: Outcome::default(), moment };
        let missing: Vec<_> =
            self.steps.iter().map(Step::stream).filter(|stream| states.get(*stream).is_none()).collect();
        if !missing.is_empty() {
            return Err(Undecided::Needs(Needs(missing)));
        }
        for step in &self.steps {
            let stream = step.stream();
            let events = step.clone().decide(&ledger)?;
            ledger.append(stream, events);
        }
        Ok(ledger.outcome)
    }
}

/// The states at the head, with what this use case has changed so far laid over them.
struct Overlay<'a, S> {
    base: &'a S,
    outcome: Outcome,
    moment: &'a Moment,
}

impl<S: States> Overlay<'_, S> {
    fn get(&self, stream: StreamId) -> Option<&StreamState> {
        self.outcome.states.get(&stream).or_else(|| self.base.get(stream))
    }

    fn append(&mut self, stream: StreamId, events: Vec<PortalEvent>) {
        if events.is_empty() {
            return;
        }
        let mut state = self.get(stream).cloned().unwrap_or_else(|| StreamState::empty(stream.kind));
        for event in &events {
            state = state.evolve(event);
        }
        self.outcome.states.insert(stream, state);
        self.outcome.events.extend(events.into_iter().map(|event| Decided { stream, event }));
    }
}

impl<S: States> Folded for Overlay<'_, S> {
    fn state<A: Aggregate>(&self, id: A::Id) -> Result<&A::State, Needs> {
        let id: Uuid = id.into();
        let stream = StreamId { kind: A::KIND, id };
        let state = self.get(stream).ok_or_else(|| Needs(vec![stream]))?;
        Ok(A::state_in(state).expect("a stream's state is of its own kind"))
    }

    fn moment(&self) -> &Moment {
        self.moment
    }
}
