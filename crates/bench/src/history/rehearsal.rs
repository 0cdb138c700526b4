//! A ledger in memory, on which a history is tried before it is sent: the real rules, and the states that they leave.

use countersign_domain::access::Facts;
use countersign_domain::approval::Mask;
use countersign_domain::decider::{Folded, Moment, Needs};
use countersign_domain::ids::ProjectId;
use countersign_domain::portal::{Aggregate, Rejection, StreamId, StreamState, Undecided};
use countersign_domain::use_case::{Decided, States, UseCase};
use std::collections::HashMap;

/// The states of one organization's streams.
#[derive(Debug, Default)]
pub(crate) struct Rehearsal {
    states: HashMap<StreamId, StreamState>,
}

/// The states as somebody asks about them at a moment.
struct Asked<'a> {
    states: &'a HashMap<StreamId, StreamState>,
    moment: &'a Moment,
}

impl Rehearsal {
    /// What a use case comes to.
    pub(crate) fn perform(&mut self, moment: &Moment, use_case: &UseCase) -> Result<Vec<Decided>, Rejection> {
        loop {
            match use_case.decide(moment, self) {
                Ok(outcome) => {
                    self.states.extend(outcome.states);
                    return Ok(outcome.events);
                }
                Err(Undecided::Needs(needs)) => self.begin(needs),
                Err(Undecided::Rejected(rejection)) => return Err(rejection),
            }
        }
    }

    /// A stream's state; `None` if nothing has happened to it.
    pub(crate) fn state<A: Aggregate>(&self, id: A::Id) -> Option<&A::State> {
        A::state_in(self.states.get(&StreamId { kind: A::KIND, id: id.into() })?)
    }

    /// What is masked from whoever asks at a moment about a project's things.
    pub(crate) fn mask(&mut self, moment: &Moment, project: ProjectId) -> Mask {
        loop {
            match Facts::pull(&Asked { states: &self.states, moment }, Some(project)) {
                Ok(access) => return Mask::of(&access, moment.at),
                Err(needs) => self.begin(needs),
            }
        }
    }

    /// Forgets a stream with which the history is done.
    pub(crate) fn forget<A: Aggregate>(&mut self, id: A::Id) {
        self.states.remove(&StreamId { kind: A::KIND, id: id.into() });
    }

    fn begin(&mut self, Needs(streams): Needs) {
        for stream in streams {
            self.states.entry(stream).or_insert_with(|| StreamState::empty(stream.kind));
        }
    }
}

impl States for Rehearsal {
    fn get(&self, stream: StreamId) -> Option<&StreamState> {
        self.states.get(&stream)
    }
}

impl Folded for Asked<'_> {
    fn state<A: Aggregate>(&self, id: A::Id) -> Result<&A::State, Needs> {
        let stream = StreamId { kind: A::KIND, id: id.into() };
        let state = self.states.get(&stream).ok_or_else(|| Needs(vec![stream]))?;
        Ok(A::state_in(state).expect("a stream's state is of its own kind"))
    }

    fn moment(&self) -> &Moment {
        self.moment
    }
}
