//! How long many things took.

use std::time::Duration;

/// Of those that are done one after the other or at once, the time that each took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn push(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// So many in a hundred took no longer than this many milliseconds; nothing without a hundred.
    pub(crate) fn within_ms(&self, in_a_hundred: usize) -> Result<f64, String> {
        if self.len() < 100 {
            return Err(format!("{} are too few to tell what {in_a_hundred} in a hundred take", self.len()));
        }
        let mut sorted = self.0.clone();
        let place = (sorted.len() * in_a_hundred / 100).saturating_sub(1);
        let (_, at, _) = sorted.select_nth_unstable(place);
        Ok(at.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_hundred_the_third_longest_is_what_ninety_nine_in_a_hundred_do_not_exceed() {
        let mut latencies = Latencies::default();
        (1..=200).rev().for_each(|ms| latencies.push(Duration::from_millis(ms)));
        assert_eq!((latencies.within_ms(99), latencies.within_ms(50)), (Ok(198.0), Ok(100.0)));
    }

    #[test]
    fn a_few_tell_nothing_of_one_in_a_hundred() {
        let mut few = Latencies::default();
        (0..99).for_each(|_| few.push(Duration::ZERO));
        assert!(few.within_ms(99).is_err());
    }
}
