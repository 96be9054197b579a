//! Arrivals: an open loop of independent clients, whose number may change with time.
//!
//! Gaps between arrivals are exponential, so that requests come in the clumps that many independent
//! clients make. Nothing waits for an answer: a slow server does not make its clients polite.

use tidegate_core::rng::Rng;
use tidegate_core::time::{Duration, Instant};

/// How many requests arrive each second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Always the same number.
    Steady(f64),
    /// One number before a point in time, another after it.
    Step {
        /// Before.
        before: f64,
        /// The point.
        at: Instant,
        /// After.
        after: f64,
    },
    /// One number, and another for a while.
    Spike {
        /// Before and after.
        usual: f64,
        /// Meanwhile.
        height: f64,
        /// From then on,
        from: Instant,
        /// until then.
        to: Instant,
    },
    /// Up and down between two numbers, in a straight line each way.
    Wave {
        /// The lowest.
        low: f64,
        /// The highest, half a period later.
        high: f64,
        /// From one lowest point to the next.
        period: Duration,
    },
}

impl Rate {
    /// Requests per second at `now`.
    #[must_use]
    pub fn at(&self, now: Instant) -> f64 {
        match *self {
            Self::Steady(rate) => rate,
            Self::Step { before, at, after } => {
                if now < at {
                    before
                } else {
                    after
                }
            }
            Self::Spike { usual, height, from, to } => {
                if (from..to).contains(&now) {
                    height
                } else {
                    usual
                }
            }
            Self::Wave { low, high, period } => {
                let phase = now.since(Instant::ZERO).as_secs_f64() / period.as_secs_f64();
                let height = 1.0 - (2.0 * phase.fract() - 1.0).abs();
                low + (high - low) * height
            }
        }
    }

    /// When the next request arrives after one at `now`; at the latest in a minute, so that a rate
    /// that rises from zero is noticed.
    #[must_use]
    pub fn next(&self, now: Instant, chance: &mut Rng) -> Instant {
        let gap = -(1.0 - chance.ratio()).ln() / self.at(now).max(f64::MIN_POSITIVE);
        now + Duration::from_secs_f64(gap.min(60.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn rates_follow_their_shape() {
        let step = Rate::Step { before: 10.0, at: at(5), after: 30.0 };
        assert_eq!([step.at(at(4)), step.at(at(5))].map(f64::round), [10.0, 30.0]);
        let spike = Rate::Spike { usual: 10.0, height: 30.0, from: at(5), to: at(7) };
        let seen = [4, 5, 6, 7].map(|second| spike.at(at(second)).round());
        assert_eq!(seen, [10.0, 30.0, 30.0, 10.0]);
        let wave = Rate::Wave { low: 10.0, high: 30.0, period: Duration::from_secs(40) };
        let seen = [0, 10, 20, 30, 40].map(|second| wave.at(at(second)).round());
        assert_eq!(seen, [10.0, 20.0, 30.0, 20.0, 10.0]);
    }

    #[test]
    fn arrivals_come_at_the_rate_and_not_in_step() {
        let (rate, mut chance) = (Rate::Steady(100.0), Rng::new(3));
        let (mut now, mut count, mut close) = (Instant::ZERO, 0u32, 0u32);
        while now < at(100) {
            let next = rate.next(now, &mut chance);
            close += u32::from(next.since(now) < Duration::from_millis(1));
            (now, count) = (next, count + 1);
        }
        assert!((9_700..10_300).contains(&count), "{count} arrivals");
        assert!((800..1100).contains(&close), "{close} gaps below a tenth of the mean");
    }
}
