//! What is measured of the agenda. No organization is named in a metric: their number has no end.

use crate::agenda::Taken;
use crate::task::Errand;
use chrono::TimeDelta;
use countersign_domain::values::Timestamp;
use std::time::Duration;

/// How an item was left.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Left {
    /// Ticked off.
    Done,
    /// To be looked at again later: its time has not come, or it failed.
    PutOff,
    /// Ticked off as what cannot be done.
    GivenUp,
}

/// So many items were due at a look; at most as many as are looked up at a time.
pub(crate) fn due(errand: Errand, count: usize) {
    metrics::gauge!("countersign_agenda_due", "errand" => name(errand)).set(count as f64);
}

/// An item was worked on for so long, from so long after it had been due.
pub(crate) fn worked_on(errand: Errand, taken: &Taken, begun: Timestamp, took: Duration, left: Left) {
    let left = match left {
        Left::Done => "done",
        Left::PutOff => "put_off",
        Left::GivenUp => "given_up",
    };
    metrics::counter!("countersign_agenda_items_total", "errand" => name(errand), "left" => left).increment(1);
    metrics::histogram!("countersign_agenda_item_seconds", "errand" => name(errand)).record(took);
    // A made-up history says of its items that they were due long ago.
    if let (Some(due_at), None) = (taken.due_at, taken.cause.simulated_at) {
        let late = begun.as_utc().signed_duration_since(due_at.as_utc()).max(TimeDelta::zero());
        metrics::histogram!("countersign_agenda_lateness_seconds", "errand" => name(errand))
            .record(late.as_seconds_f64());
    }
}

fn name(errand: Errand) -> &'static str {
    match errand {
        Errand::Here => "here",
        Errand::Mail => "mail",
    }
}
