//! How a lane fares, as whoever watches over a node sees it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How a lane fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneState {
    /// How many commands are in it that are not answered yet.
    pub waiting: usize,
    /// For how long none of them was answered; zero while none waits.
    pub silent_for: Duration,
}

/// When a lane last answered a command, or got one to answer after it had none.
#[derive(Debug)]
pub(crate) struct Pulse {
    since: Instant,
    beat_at_ms: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { since: Instant::now(), beat_at_ms: AtomicU64::new(0) }
    }
}

impl Pulse {
    pub(crate) fn beat(&self) {
        self.beat_at_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    pub(crate) fn silent_for(&self) -> Duration {
        Duration::from_millis(self.now_ms().saturating_sub(self.beat_at_ms.load(Ordering::Relaxed)))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
