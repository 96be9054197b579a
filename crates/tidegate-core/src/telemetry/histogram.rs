//! Durations in buckets: from 100 microseconds to a minute, three bounds to the decade.
//!
//! The bounds are fixed, so that histograms of any two cores, servers or balancers add up, and are
//! the round numbers in which people state goals (a goal of 500 ms lies on a bound). Time is kept
//! in nanoseconds and shown in seconds. A quantile is an estimate: it is right to the bucket, and
//! interpolated within.

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

    /// The buckets as exposition wants them: the upper bound in seconds (infinite for the last) and
    /// how many durations lie at or below it.
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

    /// How many durations lie at or below `limit`, which is right where that is a bound and
    /// interpolated within a bucket.
    #[must_use]
    pub fn within(&self, limit: Duration) -> f64 {
        let place = BOUNDS.partition_point(|bound| *bound <= limit);
        let below: u64 = self.buckets[..place].iter().sum();
        let lower = place.checked_sub(1).map_or(Duration::ZERO, |below| BOUNDS[below]);
        let Some(upper) = BOUNDS.get(place) else { return below as f64 };
        let share = (limit - lower).as_secs_f64() / (*upper - lower).as_secs_f64();
        below as f64 + share * self.buckets[place] as f64
    }

    /// The squared coefficient of variation, variance over squared mean, as far as buckets tell;
    /// `None` when nothing was counted.
    #[must_use]
    pub fn variation(&self) -> Option<f64> {
        let count = self.count() as f64;
        let mean = self.sum_seconds() / count;
        if count == 0.0 || mean <= 0.0 {
            return None;
        }
        // Durations are spread evenly over their bucket, as far as is known.
        let second = |place: usize| {
            let (low, high) = (within(place, 0.0).as_secs_f64(), within(place, 1.0).as_secs_f64());
            (low * low + low * high + high * high) / 3.0
        };
        let sum: f64 = self.buckets.iter().enumerate().map(|(i, n)| *n as f64 * second(i)).sum();
        Some((sum / count / (mean * mean) - 1.0).max(0.0))
    }

    /// What was counted since `earlier`, which these grew from.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = *self;
        for (count, before) in since.buckets.iter_mut().zip(&earlier.buckets) {
            *count = count.saturating_sub(*before);
        }
        since.nanos = since.nanos.saturating_sub(earlier.nanos);
        since
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

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(durations: impl IntoIterator<Item = Duration>) -> HistogramTotals {
        let histogram = Histogram::default();
        durations.into_iter().for_each(|duration| histogram.observe(duration));
        histogram.totals()
    }

    #[test]
    fn what_lies_within_a_limit_is_exact_at_a_bound() {
        let totals = totals((1..=10).map(|tenth| Duration::from_millis(tenth * 100)));
        for (limit, within) in [(500, 5.0), (1000, 10.0), (750, 7.5), (90_000, 10.0), (0, 0.0)] {
            assert_eq!(totals.within(Duration::from_millis(limit)), within, "{limit} ms");
        }
    }

    #[test]
    fn equal_durations_vary_little_and_unequal_ones_much() {
        let equal = totals((0..100).map(|_| Duration::from_millis(15)));
        assert!(equal.variation().is_some_and(|variation| variation < 0.1), "{equal:?}");
        let mixed = (0..100).map(|n| Duration::from_millis(if n % 10 == 0 { 1000 } else { 10 }));
        assert!(totals(mixed).variation().is_some_and(|variation| variation > 3.0));
        assert_eq!(totals([]).variation(), None);
    }

    #[test]
    fn what_was_counted_since() {
        let earlier = totals([Duration::from_millis(3); 2]);
        let later = totals([Duration::from_millis(3); 5]);
        let since = later.since(&earlier);
        assert_eq!((since.count(), since.sum_seconds()), (3, 0.009));
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        for (place, bound) in BOUNDS.into_iter().enumerate() {
            let just_over = bound + Duration::from_nanos(1);
            let totals = totals([bound, just_over]);
            assert_eq!((totals.buckets[place], totals.buckets[place + 1]), (1, 1), "{bound:?}");
        }
        assert!(BOUNDS.is_sorted());
    }

    #[test]
    fn the_exposition_is_cumulative_and_in_seconds() {
        let totals = totals([Duration::ZERO, Duration::from_millis(3), Duration::from_secs(3600)]);
        let rows: Vec<(f64, u64)> = totals.cumulative().collect();
        assert_eq!((rows[0], rows[4], rows[5]), ((0.0001, 1), (0.002, 1), (0.005, 2)));
        assert_eq!(rows[BUCKETS - 1], (f64::INFINITY, 3));
        assert!((totals.sum_seconds() - 3600.003).abs() < 1e-9);
    }

    #[test]
    fn quantiles_are_right_to_the_bucket() {
        let totals = totals((1..=1000).map(Duration::from_millis));
        for (q, low, high) in [(0.0, 0, 1), (0.5, 500, 501), (0.9, 500, 1000), (1.0, 1000, 1000)] {
            let quantile = totals.quantile(q).expect("something was counted");
            let bounds = Duration::from_millis(low)..=Duration::from_millis(high);
            assert!(bounds.contains(&quantile), "{q}: {quantile:?}");
        }
        assert_eq!(HistogramTotals::default().quantile(0.5), None);
    }

    #[test]
    fn beyond_the_last_bound_a_quantile_is_the_last_bound() {
        let totals = totals([Duration::from_secs(600)]);
        assert_eq!(totals.quantile(0.99), Some(Duration::from_secs(60)));
    }

    #[test]
    fn totals_add_up() {
        let mut sum = totals([Duration::from_millis(1)]);
        sum.add(&totals([Duration::from_millis(1), Duration::from_secs(2)]));
        assert_eq!((sum.count(), sum.buckets[3]), (3, 2));
        assert!((sum.sum_seconds() - 2.002).abs() < 1e-9);
    }
}
