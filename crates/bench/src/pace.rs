//! How fast those who send follow themselves.

use std::time::{Duration, Instant};

/// When the next thing is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As soon as the last one is answered.
    Unbroken,
    /// So many a second, by all senders together, whatever the answers take.
    PerSecond(f64),
}

/// The beat of one sender.
#[derive(Debug)]
pub(crate) struct Beat {
    every: Option<Duration>,
    next: Instant,
}

impl Pace {
    /// The beat of one of several senders, who take turns.
    pub(crate) fn beat(self, sender: usize, senders: usize, began: Instant) -> Beat {
        let every = match self {
            Self::Unbroken => None,
            Self::PerSecond(rate) => Some(Duration::from_secs_f64(senders as f64 / rate.max(1.0))),
        };
        let apart = every.unwrap_or_default() / u32::try_from(senders).unwrap_or(u32::MAX);
        Beat { every, next: began + apart * u32::try_from(sender).unwrap_or(u32::MAX) }
    }
}

impl Beat {
    /// Waits until it is time. Says from when on waiting counts: a sender who is late on account of the last answer has
    /// kept somebody waiting, one whom the clock woke late has not.
    pub(crate) async fn wait(&mut self) -> Instant {
        let Some(every) = self.every else { return Instant::now() };
        let due = self.next;
        self.next += every;
        if due < Instant::now() {
            return due;
        }
        tokio::time::sleep_until(due.into()).await;
        Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sender_who_is_late_counts_from_when_it_was_time() {
        let began = Instant::now() - Duration::from_secs(1);
        let mut beat = Pace::PerSecond(100.0).beat(1, 2, began);
        assert_eq!(beat.wait().await, began + Duration::from_millis(10));
        assert_eq!(beat.wait().await, began + Duration::from_millis(30));
    }

    #[tokio::test]
    async fn nobody_sends_before_it_is_time() {
        let began = Instant::now();
        let mut beat = Pace::PerSecond(50.0).beat(0, 1, began);
        for _ in 0..3 {
            beat.wait().await;
        }
        assert!(began.elapsed() >= Duration::from_millis(40));
    }
}
