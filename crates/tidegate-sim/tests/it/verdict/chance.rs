//! Draws: Poisson, binomial and multinomial counts, and the lognormal distribution.

use tidegate_core::rng::Rng;
use tidegate_core::telemetry::latency::{BUCKETS, LatencyTotals, lower_bound};

/// Beyond so large a variance a count is drawn from a normal distribution.
const NORMAL_FROM: f64 = 20.0;

pub(super) fn poisson(rng: &mut Rng, mean: f64) -> u64 {
    if mean > NORMAL_FROM {
        return (mean + mean.sqrt() * normal(rng)).round().max(0.0) as u64;
    }
    let (mut count, mut product) = (0, rng.ratio());
    let least = (-mean).exp();
    while product > least {
        count += 1;
        product *= rng.ratio();
    }
    count
}

pub(super) fn binomial(rng: &mut Rng, n: u64, p: f64) -> u64 {
    if p > 0.5 {
        return n - binomial(rng, n, 1.0 - p);
    }
    let (mean, variance) = (n as f64 * p, n as f64 * p * (1.0 - p));
    if variance > NORMAL_FROM {
        return (mean + variance.sqrt() * normal(rng)).round().clamp(0.0, n as f64) as u64;
    }
    if p <= 0.0 {
        return 0;
    }
    // From success to success: the gaps are geometric.
    let (mut count, mut tried, miss) = (0, 0.0, (-p).ln_1p());
    loop {
        tried += ((1.0 - rng.ratio()).ln() / miss).floor() + 1.0;
        if tried > n as f64 {
            return count;
        }
        count += 1;
    }
}

fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.ratio()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.ratio()).cos()
}

/// How latencies are spread over buckets.
#[derive(Clone)]
pub(super) struct Spread {
    /// The probability of each bucket.
    each: [f64; BUCKETS],
    /// The probability of each bucket and all before it.
    up_to: [f64; BUCKETS],
}

impl Spread {
    /// Lognormal: `median` in seconds, `sigma` of the logarithm.
    pub(super) fn lognormal(median: f64, sigma: f64) -> Self {
        let below = |place: usize| match place {
            BUCKETS => 1.0,
            _ => normal_below((lower_bound(place).as_secs_f64() / median).ln() / sigma),
        };
        let up_to = std::array::from_fn(|place| below(place + 1));
        let each = std::array::from_fn(|place| (below(place + 1) - below(place)).max(0.0));
        Self { each, up_to }
    }

    /// Adds `n` durations.
    pub(super) fn draw(&self, rng: &mut Rng, n: u64, into: &mut LatencyTotals) {
        if n < 50 {
            for _ in 0..n {
                let draw = rng.ratio();
                let place = self.up_to.partition_point(|up_to| *up_to <= draw);
                into.buckets[place.min(BUCKETS - 1)] += 1;
            }
            return;
        }
        let (mut left, mut share) = (n, 1.0);
        for (bucket, each) in into.buckets.iter_mut().zip(self.each) {
            if left == 0 {
                return;
            }
            if each > 0.0 {
                let count = binomial(rng, left, (each / share).min(1.0));
                *bucket += count;
                left -= count;
                share = (share - each).max(f64::MIN_POSITIVE);
            }
        }
        into.buckets[BUCKETS - 1] += left;
    }
}

/// The standard normal distribution (Abramowitz and Stegun 7.1.26, to 1.5e-7).
fn normal_below(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let tail = series.iter().fold(0.0, |sum, term| (sum + term) * t) * (-x * x).exp() / 2.0;
    if z > 0.0 { 1.0 - tail } else { tail }
}
