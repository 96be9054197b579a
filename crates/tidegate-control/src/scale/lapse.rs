//! Time that passes faster for the planner than for everybody else.
//!
//! A planner thinks in minutes: what was needed lately is kept, a pool shrinks some time after it
//! grew. A demonstration has seconds. So the planner may be told of a time that passes several
//! times as fast, and launches that take as many times as long in it. Nothing else is touched:
//! instances live, and requests are counted and timed, by the clock.

use std::num::NonZeroU32;

use tidegate_core::scale::observed::Observed;
use tidegate_core::time::{Duration, Instant, UnixTime};

/// How fast the planner's time passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lapse {
    factor: NonZeroU32,
    /// When both times were the same.
    origin: (Instant, UnixTime),
}

impl Lapse {
    /// Time that passes `factor` times as fast from `origin` on.
    pub(crate) const fn new(factor: NonZeroU32, origin: (Instant, UnixTime)) -> Self {
        Self { factor, origin }
    }

    /// What the clock shows at `now`, as the planner is told.
    pub(super) fn instant(&self, now: Instant) -> Instant {
        let (origin, _) = self.origin;
        origin.min(now) + self.stretched(now.since(origin))
    }

    /// What was observed, as the planner is told.
    pub(super) fn observed(&self, observed: Observed) -> Observed {
        Observed {
            startup: observed.startup.map(|startup| self.stretched(startup)),
            at: self.wall(observed.at),
            ..observed
        }
    }

    fn wall(&self, at: UnixTime) -> UnixTime {
        let (at, origin) = (at.as_millis(), self.origin.1.as_millis());
        let passed = at.saturating_sub(origin).saturating_mul(u64::from(self.factor.get()));
        UnixTime::from_millis(at.min(origin).saturating_add(passed))
    }

    fn stretched(&self, duration: Duration) -> Duration {
        duration.saturating_mul(self.factor.get())
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::scale::observed::{FleetCount, Load, Steering};

    use super::*;

    fn at(seconds: u64) -> (Instant, UnixTime) {
        let instant = Instant::ZERO + Duration::from_secs(seconds);
        (instant, UnixTime::from_millis(1_000_000 + seconds * 1000))
    }

    fn told(factor: u32, seconds: u64) -> (Instant, UnixTime, Option<Duration>) {
        let lapse = Lapse::new(NonZeroU32::new(factor).expect("not zero"), at(100));
        let (now, wall) = at(seconds);
        let observed = Observed {
            demand: None,
            fleet: FleetCount::default(),
            load: Load::default(),
            startup: Some(Duration::from_secs(2)),
            quota: None,
            steering: Steering::default(),
            pledge: None,
            at: wall,
        };
        let observed = lapse.observed(observed);
        (lapse.instant(now), observed.at, observed.startup)
    }

    #[test]
    fn time_passes_as_many_times_as_fast_from_its_origin_on() {
        for (factor, second, shown, startup) in
            [(1, 100, 100, 2), (1, 160, 160, 2), (20, 100, 100, 40), (20, 103, 160, 40)]
        {
            let (instant, wall) = at(shown);
            let startup = Some(Duration::from_secs(startup));
            assert_eq!(told(factor, second), (instant, wall, startup), "{factor} at {second} s");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_shows_what_it_shows() {
        let (instant, wall) = at(90);
        assert_eq!(told(20, 90), (instant, wall, Some(Duration::from_secs(40))));
    }
}
