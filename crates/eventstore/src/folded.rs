//! A stream folded up to a head, and how much room that takes.

use countersign_domain::portal::{PortalEvent, StreamKind, StreamState};
use std::io;

/// What an entry takes besides its state.
const OVERHEAD_BYTES: usize = 200;
/// A state in memory takes about so many times the room of its text.
const TIMES_ITS_TEXT: usize = 2;
/// A state is not measured before so much text was folded into it.
const MEASURED_AFTER_BYTES: usize = 4 << 10;

/// A stream folded up to a head.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    pub(crate) state: StreamState,
    pub(crate) version: u64,
    /// The room that the state took when it was measured last.
    measured: usize,
    /// How much text was folded since: it may all have stayed.
    since: usize,
}

impl Folded {
    /// A stream in which nothing has happened.
    pub(crate) fn empty(kind: StreamKind) -> Self {
        Self { state: StreamState::empty(kind), version: 0, measured: 0, since: 0 }
    }

    /// A state that was kept as this many bytes of text.
    pub(crate) fn kept(state: StreamState, version: u64, text_bytes: usize) -> Self {
        Self { state, version, measured: text_bytes * TIMES_ITS_TEXT, since: 0 }
    }

    /// What became of a stream by some events of so much text.
    pub(crate) fn after(before: Option<&Self>, state: StreamState, events: u64, text_bytes: usize) -> Self {
        let (version, measured, since) =
            before.map_or((0, 0, 0), |before| (before.version, before.measured, before.since));
        let mut after = Self { state, version: version + events, measured, since: since + text_bytes };
        after.measure_if_grown();
        after
    }

    /// Folds one more event, which takes so much text.
    pub(crate) fn evolve(&mut self, event: &PortalEvent, text_bytes: usize) {
        let state = std::mem::replace(&mut self.state, StreamState::empty(event.kind()));
        self.state = state.evolve(event);
        self.version += 1;
        self.since += text_bytes;
        self.measure_if_grown();
    }

    /// About how many bytes of memory it takes; at least as many as it does take.
    pub(crate) fn bytes(&self) -> usize {
        OVERHEAD_BYTES + self.measured + self.since
    }

    /// A stream of many events may have a small state. It is measured when the folded text has doubled, which costs a
    /// fixed part of having folded it.
    fn measure_if_grown(&mut self) {
        if self.since > MEASURED_AFTER_BYTES.max(self.measured) {
            let mut text = Count(0);
            serde_json::to_writer(&mut text, &self.state).expect("a state has string keys and serializes");
            self.measured = text.0 * TIMES_ITS_TEXT;
            self.since = 0;
        }
    }
}

/// Counts what is written and keeps none of it.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
