//! How long instances take from their launch to their first healthy answer, as measured.

use std::collections::VecDeque;

use crate::time::Duration;

/// The last measurements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Startup(VecDeque<Duration>);

impl Startup {
    /// How many are kept.
    pub const KEPT: usize = 32;

    /// The last of these measurements, oldest first.
    pub fn new(measured: impl IntoIterator<Item = Duration>) -> Self {
        let mut startup = Self::default();
        measured.into_iter().for_each(|took| startup.push(took));
        startup
    }

    /// Adds a measurement.
    pub fn push(&mut self, took: Duration) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(took);
    }

    /// The measurements, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Duration> {
        self.0.iter().copied()
    }

    /// The median; `None`: nothing was measured.
    #[must_use]
    pub fn median(&self) -> Option<Duration> {
        self.quantile(1, 2)
    }

    /// What nine of ten launches stay within; `None`: nothing was measured.
    #[must_use]
    pub fn high(&self) -> Option<Duration> {
        self.quantile(9, 10)
    }

    /// The nearest rank, so that few measurements give the longest for a high quantile.
    fn quantile(&self, part: usize, of: usize) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.iter().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * part).div_ceil(of);
        sorted.get(rank.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_last_measurements() {
        assert_eq!(Startup::default().median(), None);
        let millis = |millis: Vec<u64>| Startup::new(millis.into_iter().map(Duration::from_millis));
        let one = millis(vec![7]);
        assert_eq!((one.median(), one.high()), (one.iter().next(), one.iter().next()));
        let many = millis((0..100).chain((1..=10).map(|n| n * 100)).collect());
        assert_eq!(many.iter().len(), Startup::KEPT);
        assert_eq!(many.median(), Some(Duration::from_millis(93)));
        assert_eq!(many.high(), Some(Duration::from_millis(700)));
    }
}
