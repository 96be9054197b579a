//! Durations in buckets: from 100 microseconds to a minute, three bounds to the decade.
//!
//! The bounds are fixed, so that histograms of any two cores, servers or balancers add up, and are the round
//! numbers in which people state goals (a goal of 500 ms lies on a bound). Time is kept in nanoseconds and shown
//! in seconds. A quantile is an estimate: it is right to the bucket, and interpolated within.

use super::cell::Counter;
use crate::time::Duration;

/// The upper bounds of the buckets but the last, which has none; a bound belongs to its bucket.
pub const BOUNDS: [Duration; 18] = [
    Duration::from_micros(100),
    Duration::from_micros(200),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(60),
];

/// Buckets, the one without a bound included.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// A histogram of durations with one writer.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BUCKETS],
    nanos: Counter,
}

impl Histogram {
    /// The writer only: counts one duration.
    pub fn observe(&self, duration: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < duration);
        self.buckets[bucket].increment();
        self.nanos.add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> HistogramTotals {
        HistogramTotals {
            buckets: self.buckets.each_ref().map(Counter::value),
            nanos: u128::from(self.nanos.value()),
        }
    }
}

/// Histograms added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistogramTotals {
    /// How many durations fell into each bucket; not cumulative.
    pub buckets: [u64; BUCKETS],
    nanos: u128,
}

impl HistogramTotals {
    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All durations together, in seconds.
    #[must_use]
    pub fn sum_seconds(&self) -> f64 {
        self.nanos as f64 / 1e9
    }

    /// The buckets as exposition wants them: the upper bound in seconds (infinite for the last) and how many
    /// durations lie at or below it.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = BOUNDS.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        bounds.zip(self.buckets).scan(0, |below, (bound, count)| {
            *below += count;
            Some((bound, *below))
        })
    }

    /// The duration below which a share `q` (0 to 1) of all lie; `None` when nothing was counted.
    ///
    /// The estimate is the last bound, a minute, for what lies beyond it.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * count as f64;
        let mut below = 0.0;
        for (place, inside) in self.buckets.iter().enumerate() {
            let inside = *inside as f64;
            if inside > 0.0 && below + inside >= rank {
                return Some(within(place, (rank - below) / inside));
            }
            below += inside;
        }
        Some(BOUNDS[BOUNDS.len() - 1])
    }

    /// Adds other totals to these.
    pub fn add(&mut self, other: &Self) {
        for (total, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *total += more;
        }
        self.nanos += other.nanos;
    }
}

/// The duration a `share` of the way through a bucket.
fn within(bucket: usize, share: f64) -> Duration {
    let lower = bucket.checked_sub(1).map_or(Duration::ZERO, |below| BOUNDS[below]);
    let upper = BOUNDS.get(bucket).copied().unwrap_or(lower);
    lower + (upper - lower).mul_f64(share.clamp(0.0, 1.0))
}
