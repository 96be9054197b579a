//! Durations in fine buckets, to hold two versions against each other.
//!
//! Eight buckets to each doubling, from 131 microseconds to 69 seconds: a bucket is 6 to 12.5 % as
//! wide as the durations in it are long. The bucket is found in the bits of the nanoseconds: their
//! magnitude is the doubling, the three bits after the leading one are the place in it. Counting is
//! that and one increment; there is no sum. The bounds are fixed, so that what any two writers
//! counted adds up, and what two versions counted compares bucket by bucket.
//!
//! `histogram` is the other kind: few buckets at round numbers, for people and for metrics.

use super::cell::Counter;
use crate::time::Duration;

/// Buckets to a doubling.
const STEPS: usize = 1 << STEP_BITS;
const STEP_BITS: u32 = 3;
/// The power of two nanoseconds at which the second bucket begins; the first has all below.
const FIRST: u32 = 17;
/// The power of two at which the last bucket begins, which has no end.
const LAST: u32 = 36;

/// Buckets, the first and the last included.
pub const BUCKETS: usize = (LAST - FIRST) as usize * STEPS + 2;

/// The bucket that a duration falls into.
#[must_use]
pub fn bucket(duration: Duration) -> usize {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if nanos < 1 << FIRST {
        return 0;
    }
    let magnitude = nanos.ilog2();
    if magnitude >= LAST {
        return BUCKETS - 1;
    }
    let step = (nanos >> (magnitude - STEP_BITS)) as usize & (STEPS - 1);
    (magnitude - FIRST) as usize * STEPS + step + 1
}

/// The shortest duration of a bucket.
#[must_use]
pub fn lower_bound(bucket: usize) -> Duration {
    let Some(place) = bucket.min(BUCKETS - 1).checked_sub(1) else { return Duration::ZERO };
    let magnitude = FIRST as usize + place / STEPS;
    Duration::from_nanos(((STEPS + place % STEPS) as u64) << (magnitude - STEP_BITS as usize))
}

/// A fine histogram of durations with one writer.
#[derive(Debug)]
pub struct Latency([Counter; BUCKETS]);

impl Default for Latency {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl Latency {
    /// The writer only: counts one duration.
    pub fn observe(&self, duration: Duration) {
        self.0[bucket(duration)].increment();
    }

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> LatencyTotals {
        LatencyTotals { buckets: self.0.each_ref().map(Counter::value) }
    }
}

/// Fine histograms added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyTotals {
    /// How many durations fell into each bucket; not cumulative.
    pub buckets: [u64; BUCKETS],
}

impl Default for LatencyTotals {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS] }
    }
}

impl LatencyTotals {
    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The duration below which a share `q` (0 to 1) of all lie, interpolated within its bucket;
    /// `None` when nothing was counted. What lies beyond the last bound counts as that bound.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let rank = q.clamp(0.0, 1.0) * self.count() as f64;
        let mut below = 0.0;
        for (place, inside) in self.buckets.iter().enumerate().filter(|(_, inside)| **inside > 0) {
            let inside = *inside as f64;
            if below + inside >= rank {
                let (low, high) = (lower_bound(place), lower_bound(place + 1));
                return Some(low + (high - low).mul_f64((rank - below) / inside));
            }
            below += inside;
        }
        None
    }

    /// How many durations were longer than `limit` for sure: those in buckets that lie beyond it.
    #[must_use]
    pub fn beyond(&self, limit: Duration) -> u64 {
        let first = self.buckets.len().min(bucket(limit) + usize::from(!is_bound(limit)));
        self.buckets[first..].iter().sum()
    }

    /// What was counted since `earlier`, which these grew from.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = *self;
        for (count, before) in since.buckets.iter_mut().zip(&earlier.buckets) {
            *count = count.saturating_sub(*before);
        }
        since
    }

    /// Adds other totals to these.
    pub fn add(&mut self, other: &Self) {
        for (total, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *total += more;
        }
    }
}

/// Whether a bucket begins here.
fn is_bound(duration: Duration) -> bool {
    lower_bound(bucket(duration)) == duration
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn totals(millis: impl IntoIterator<Item = u64>) -> LatencyTotals {
        let latency = Latency::default();
        millis.into_iter().for_each(|millis| latency.observe(Duration::from_millis(millis)));
        latency.totals()
    }

    #[test]
    fn buckets_follow_each_other_and_none_is_wide() {
        for place in 1..BUCKETS {
            let bound = lower_bound(place);
            assert_eq!(bucket(bound), place, "{bound:?}");
            assert_eq!(bucket(bound - Duration::from_nanos(1)), place - 1, "{bound:?}");
            let width = (lower_bound(place + 1) - bound).as_secs_f64() / bound.as_secs_f64();
            assert!(width <= 0.125, "{bound:?} is {width} wide");
        }
        assert_eq!((bucket(Duration::ZERO), lower_bound(0)), (0, Duration::ZERO));
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
        let (first, last) = (lower_bound(1), lower_bound(BUCKETS - 1));
        assert!(first < Duration::from_micros(200) && last > Duration::from_secs(60));
    }

    #[test]
    fn quantiles_are_right_to_the_bucket() {
        let totals = totals(1..=1000);
        for (q, millis) in [(0.001, 1.0), (0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let quantile = totals.quantile(q).expect("something was counted").as_secs_f64() * 1e3;
            assert!((quantile / millis - 1.0).abs() < 0.13, "{q}: {quantile} ms");
        }
        assert_eq!(LatencyTotals::default().quantile(0.5), None);
    }

    #[test]
    fn beyond_a_limit_is_what_surely_is() {
        let totals = totals([100, 400, 600, 900]);
        for (limit, beyond) in [(0, 4), (450, 2), (880, 0), (700, 1), (100_000, 0)] {
            assert_eq!(totals.beyond(Duration::from_millis(limit)), beyond, "{limit} ms");
        }
        let bound = lower_bound(80);
        let latency = Latency::default();
        latency.observe(bound);
        assert_eq!(latency.totals().beyond(bound), 1, "a bucket begins here");
        assert_eq!(latency.totals().beyond(bound + Duration::from_nanos(1)), 0);
        latency.observe(Duration::from_secs(600));
        assert_eq!(latency.totals().beyond(Duration::from_secs(3600)), 0, "who knows");
    }

    #[test]
    fn totals_add_up_and_part_again() {
        let (one, more) = (totals([1, 1, 20]), totals([1, 70_000]));
        let mut sum = one;
        sum.add(&more);
        assert_eq!((sum.count(), sum.since(&one)), (5, more));
    }

    proptest! {
        #[test]
        fn every_duration_lies_in_its_bucket(nanos: u64) {
            let duration = Duration::from_nanos(nanos);
            let place = bucket(duration);
            prop_assert!(lower_bound(place) <= duration);
            prop_assert!(place == BUCKETS - 1 || duration < lower_bound(place + 1));
        }
    }
}
