//! How often somebody may ask: a bucket of tries that fills again with time.

use chrono::TimeDelta;
use countersign_domain::values::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// So many buckets are kept; full ones are forgotten first, because they say nothing.
const KEPT: usize = 100_000;

/// How many tries at once, and how long until one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many tries at once.
    pub burst: u32,
    /// How long until there is one more.
    pub refill: TimeDelta,
}

/// Counts tries, in this node's memory.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// When each bucket will be full again.
    full_at: Mutex<HashMap<String, Timestamp>>,
}

impl Tries {
    /// Takes a try, or says for how many seconds there is none.
    pub(crate) fn take(&self, whose: &str, rate: Rate, now: Timestamp) -> Result<(), u64> {
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEPT {
            buckets.retain(|_, full_at| *full_at > now);
        }
        let taken = rate.full_after_one_more(buckets.get(whose).copied(), now)?;
        buckets.insert(whose.to_owned(), taken);
        Ok(())
    }

    /// The same answer, without taking a try.
    pub(crate) fn look(&self, whose: &str, rate: Rate, now: Timestamp) -> Result<(), u64> {
        let buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        rate.full_after_one_more(buckets.get(whose).copied(), now).map(drop)
    }
}

impl Rate {
    /// When a bucket will be full again after one more try, or for how many seconds there is none.
    fn full_after_one_more(self, full_at: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, u64> {
        let taken = full_at.unwrap_or(now).max(now).plus(self.refill);
        let too_full = taken.as_utc() - now.as_utc() - self.refill * i32::try_from(self.burst).unwrap_or(i32::MAX);
        if too_full > TimeDelta::zero() {
            return Err(too_full.num_milliseconds().max(0).unsigned_abs().div_ceil(1_000).max(1));
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, refill: TimeDelta::seconds(10) };

    fn at(seconds: i64) -> Timestamp {
        "2026-01-31T09:00:00Z".parse::<Timestamp>().unwrap().plus(TimeDelta::seconds(seconds))
    }

    #[test]
    fn after_the_burst_there_is_one_try_each_time_the_bucket_gains_one() {
        let tries = Tries::default();
        for _ in 0..3 {
            assert_eq!(tries.take("ann", RATE, at(0)), Ok(()));
        }
        assert_eq!(tries.take("ann", RATE, at(0)), Err(10));
        assert_eq!(tries.take("ann", RATE, at(4)), Err(6));
        assert_eq!(tries.take("bob", RATE, at(4)), Ok(()));
        assert_eq!(tries.take("ann", RATE, at(10)), Ok(()));
        assert_eq!(tries.take("ann", RATE, at(10)), Err(10));
        assert_eq!(tries.take("ann", RATE, at(3_600)), Ok(()));
    }

    #[test]
    fn looking_whether_there_is_a_try_takes_none() {
        let tries = Tries::default();
        for _ in 0..3 {
            assert_eq!(tries.look("ann", RATE, at(0)), Ok(()));
            assert_eq!(tries.take("ann", RATE, at(0)), Ok(()));
        }
        assert_eq!(tries.look("ann", RATE, at(0)), Err(10));
        assert_eq!(tries.look("ann", RATE, at(10)), Ok(()));
    }
}
