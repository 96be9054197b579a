//! The highest value of the last while, at one or a few looks a second.

use std::collections::VecDeque;

use crate::time::{Duration, Instant};

/// Values that are remembered; at one a second this covers five minutes.
const VALUES_MAX: usize = 512;

/// Values of the last while. They fall: a lower one before a higher one can never be the highest
/// again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Highest(VecDeque<(Instant, f64)>);

impl Highest {
    /// The highest value of the time `during`, this one included.
    pub(super) fn highest(&mut self, value: f64, during: Duration, now: Instant) -> f64 {
        while self.0.front().is_some_and(|(then, _)| now.since(*then) >= during) {
            self.0.pop_front();
        }
        while self.0.back().is_some_and(|(_, lower)| *lower <= value) {
            self.0.pop_back();
        }
        if self.0.len() == VALUES_MAX {
            self.0.pop_back();
        }
        self.0.push_back((now, value));
        self.0.front().map_or(value, |(_, highest)| *highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_for_its_while() {
        let mut highest = Highest::default();
        for (second, value, expected) in
            [(0, 5.0, 5.0), (1, 9.0, 9.0), (2, 3.0, 9.0), (10, 1.0, 9.0), (11, 1.0, 3.0)]
        {
            let now = Instant::ZERO + Duration::from_secs(second);
            let found = highest.highest(value, Duration::from_secs(10), now);
            assert!((found - expected).abs() < 1e-9, "{found} at {second} s");
        }
    }

    #[test]
    fn however_many_there_are_few_are_kept() {
        let mut highest = Highest::default();
        for falling in (0..10_000_u32).rev() {
            highest.highest(f64::from(falling), Duration::from_secs(60), Instant::ZERO);
        }
        assert_eq!(highest.0.len(), VALUES_MAX);
    }
}
