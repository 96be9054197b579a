//! How launches slow down while they fail.
//!
//! A strike doubles the wait before the next launch, up to a bound, and halves how many may be
//! under test at once. Launches that began before the last strike fall in with it: a hundred that
//! fail together are one strike, as many lost packets of one window are one loss to TCP (RFC 5681,
//! section 3.1).

use crate::rng::Rng;
use crate::time::Instant;

use super::settings::Pace;

/// A run of failures, and what waits for its end.
#[derive(Clone, Debug, Default)]
pub(super) struct BackOff {
    strikes: u32,
    struck: Instant,
    until: Instant,
}

impl BackOff {
    /// After so many times the longest wait without a strike, a run is forgotten.
    const FORGOTTEN_AFTER: u32 = 10;

    /// What began at `began` has failed.
    pub(super) fn strike(&mut self, began: Instant, pace: &Pace, rng: &mut Rng, now: Instant) {
        if self.strikes > 0 && began <= self.struck {
            return;
        }
        if now.since(self.struck) > pace.back_off_max * Self::FORGOTTEN_AFTER {
            self.strikes = 0;
        }
        let doubled = pace.back_off_first.saturating_mul(1 << self.strikes.min(20));
        let wait = doubled.min(pace.back_off_max);
        self.strikes = self.strikes.saturating_add(1);
        self.struck = now;
        self.until = now + wait.mul_f64(0.75 + 0.5 * rng.ratio());
    }

    /// What began at `began` went well. What began before the last strike says nothing of now.
    pub(super) fn clear(&mut self, began: Instant) {
        if began > self.struck {
            *self = Self { struck: self.struck, ..Self::default() };
        }
    }

    /// Until when nothing may begin.
    pub(super) const fn until(&self) -> Instant {
        self.until
    }

    /// The time since which what began is under test; `None`: nothing is.
    pub(super) const fn on_trial_since(&self) -> Option<Instant> {
        if self.strikes == 0 { None } else { Some(self.struck) }
    }

    /// How many of `most` may be under way.
    pub(super) fn width(&self, most: u32) -> u32 {
        most.checked_shr(self.strikes).unwrap_or(0).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn wait(back_off: &BackOff, now: Instant) -> Duration {
        back_off.until().since(now)
    }

    #[test]
    fn each_strike_doubles_the_wait_up_to_the_bound() {
        let (pace, mut rng, mut back_off) = (Pace::default(), Rng::new(1), BackOff::default());
        let (mut now, mut seen) = (at(10), Vec::new());
        for _ in 0..10 {
            back_off.strike(now, &pace, &mut rng, now);
            seen.push(wait(&back_off, now).as_secs_f64());
            now = back_off.until();
        }
        for (strike, seen) in seen.iter().enumerate() {
            let plain = f64::from(1u32 << strike).min(60.0);
            assert!((0.75 * plain..1.25 * plain).contains(seen), "{seen} after {strike}");
        }
        assert_eq!(back_off.width(32), 1);
    }

    #[test]
    fn what_fails_together_is_one_strike_and_success_since_ends_it() {
        let (pace, mut rng, mut back_off) = (Pace::default(), Rng::new(1), BackOff::default());
        for _ in 0..100 {
            back_off.strike(at(10), &pace, &mut rng, at(20));
        }
        assert!(wait(&back_off, at(20)) < Duration::from_secs(2));
        assert_eq!(back_off.width(32), 16);
        back_off.clear(at(19));
        assert_eq!(back_off.on_trial_since(), Some(at(20)), "it began before the strike");
        back_off.clear(at(21));
        assert_eq!((back_off.width(32), back_off.until()), (32, Instant::ZERO));
    }

    #[test]
    fn an_old_run_is_forgotten() {
        let (pace, mut rng, mut back_off) = (Pace::default(), Rng::new(1), BackOff::default());
        for second in [100, 200, 300, 400] {
            back_off.strike(at(second), &pace, &mut rng, at(second));
        }
        back_off.strike(at(2000), &pace, &mut rng, at(2000));
        assert!(wait(&back_off, at(2000)) < Duration::from_secs(2));
    }
}
