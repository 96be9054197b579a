//! Past demand in bins of fifteen seconds, for as long as two weeks and a day.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::UnixTime;

/// The length of a bin, in milliseconds.
pub const BIN_MILLIS: u64 = 15_000;
/// Bins of an hour.
pub const HOUR: usize = 240;
/// Bins of a day.
pub const DAY: usize = 24 * HOUR;
/// Bins of a week.
pub const WEEK: usize = 7 * DAY;
/// Bins that are remembered: 338 KiB.
pub const KEPT: usize = 15 * DAY;
/// A gap as short as this, in bins, is bridged with what was before it.
const BRIDGED: u64 = 20;
/// A bin of which nothing is known.
const UNKNOWN: f32 = -1.0;

/// A series with one number a bin, the latest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series(VecDeque<f32>);

impl Series {
    /// Appends; beyond [`KEPT`] the oldest goes. No number is remembered as unknown.
    pub fn push(&mut self, value: Option<f64>) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        let value = value.filter(|value| value.is_finite());
        self.0.push_back(value.map_or(UNKNOWN, |value| value.max(0.0) as f32));
    }

    /// The value so many bins before the latest; `None`: unknown.
    #[must_use]
    pub fn back(&self, ago: usize) -> Option<f64> {
        let place = self.0.len().checked_sub(ago + 1)?;
        self.0.get(place).map(|value| f64::from(*value)).filter(|value| *value >= 0.0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mean of the last `count` that are known.
    #[must_use]
    pub fn mean(&self, count: usize) -> Option<f64> {
        let known = (0..count).filter_map(|ago| self.back(ago));
        let (sum, count) = known.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        (count > 0.0).then(|| sum / count)
    }

    /// The highest of the last `count`.
    #[must_use]
    pub fn highest(&self, count: usize) -> Option<f64> {
        (0..count).filter_map(|ago| self.back(ago)).reduce(f64::max)
    }
}

/// Demand by bins, and the bin under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// The bins that are over.
    pub past: Series,
    /// The number of the bin under way, since the epoch.
    current: Option<u64>,
    /// What came in it, and in how many milliseconds.
    sum: f64,
    millis: f64,
    last: Option<u64>,
}

impl Bins {
    /// `rate` requests a second came since the last time this was called; calls `over` for each bin
    /// that is over with this, after it was appended.
    pub fn observe(&mut self, rate: f64, at: UnixTime, mut over: impl FnMut(&Series)) {
        let now = at.as_millis();
        let before = self.last.replace(now).unwrap_or_else(|| now.saturating_sub(BIN_MILLIS));
        // A clock that was set back: what came counts for now, with no time of its own.
        let since = now.saturating_sub(before).clamp(1, BIN_MILLIS);
        let bin = now.saturating_sub(1) / BIN_MILLIS;
        let current = *self.current.get_or_insert(bin);
        if bin > current {
            let is_begun = self.millis > 0.0;
            if is_begun {
                self.close(&mut over);
            }
            self.skip(bin - current - u64::from(is_begun), &mut over);
            self.current = Some(bin);
        }
        self.sum += rate * since as f64;
        self.millis += since as f64;
        if now >= (bin.max(current) + 1) * BIN_MILLIS {
            self.close(&mut over);
            self.current = Some(bin.max(current) + 1);
        }
    }

    /// Demand over about the last fifteen seconds.
    #[must_use]
    pub fn level(&self) -> Option<f64> {
        let missing = (BIN_MILLIS as f64 - self.millis).max(0.0);
        match self.past.back(0) {
            Some(last) => Some((self.sum + last * missing) / (self.millis + missing)),
            None if self.millis > 0.0 => Some(self.sum / self.millis),
            None => None,
        }
    }

    fn close(&mut self, over: &mut impl FnMut(&Series)) {
        let mean = (self.millis > 0.0).then(|| self.sum / self.millis);
        (self.sum, self.millis) = (0.0, 0.0);
        self.past.push(mean);
        over(&self.past);
    }

    /// A short gap is bridged, a long one stays unknown: it is nobody's zero.
    fn skip(&mut self, bins: u64, over: &mut impl FnMut(&Series)) {
        let bridge = if bins <= BRIDGED { self.past.back(0) } else { None };
        for _ in 0..bins.min(KEPT as u64) {
            self.past.push(bridge);
            over(&self.past);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> UnixTime {
        UnixTime::from_millis(1_000_000 * BIN_MILLIS + millis)
    }

    #[test]
    fn looks_a_second_apart_make_bins_of_their_mean() {
        let mut bins = Bins::default();
        let mut closed = 0;
        for second in 1..=30 {
            bins.observe(if second <= 15 { 10.0 } else { 20.0 }, at(second * 1000), |_| {
                closed += 1
            });
        }
        assert_eq!((closed, bins.past.back(1), bins.past.back(0)), (2, Some(10.0), Some(20.0)));
        bins.observe(50.0, at(33_000), |_| ());
        let level = bins.level().expect("there were looks");
        assert!((level - 26.0).abs() < 0.01, "three seconds of fifteen: {level}");
    }

    #[test]
    fn a_short_gap_is_bridged_and_a_long_one_unknown() {
        let mut bins = Bins::default();
        bins.observe(10.0, at(15_000), |_| ());
        bins.observe(30.0, at(60_000), |_| ());
        assert_eq!(bins.past.len(), 4);
        assert_eq!(bins.past.back(1), Some(10.0));
        bins.observe(30.0, at(60_000 + 3_600_000), |_| ());
        assert_eq!((bins.past.back(0), bins.past.back(1)), (Some(30.0), None));
    }

    #[test]
    fn neither_a_clock_set_back_nor_a_leap_of_years_does_harm() {
        let mut bins = Bins::default();
        for millis in [15_000, 1000, 16_000, u64::MAX / 4, 0, 40_000] {
            bins.observe(5.0, UnixTime::from_millis(millis), |_| ());
        }
        assert!(bins.past.len() <= KEPT);
        assert!(bins.level().is_some_and(|level| level.is_finite() && level >= 0.0));
    }
}
