//! The script of the demo: what happens when, and how fast the day passes.
//!
//! Whatever the duration, the same story is told: a quiet shop, a promotion that brings
//! ten times the customers within seconds, a server that dies in the middle of it, and the quiet
//! after it.

use std::num::NonZeroU32;

use tidegate_core::time::Duration;

/// The part of the day that is shown, if that is no longer than the demo needs it to be.
const DAY: Duration = Duration::from_secs(20 * 60);
/// A longer demo shows more of the day, so that nothing in it is slower than this.
const HASTE_MIN: u32 = 10;
/// How long a server takes to start, and then to get warm, in the time of the day.
const START: Duration = Duration::from_secs(10);
const SLOW_START: Duration = Duration::from_secs(30);
/// Requests a second on a quiet day,
pub(super) const QUIET: u32 = 100;
/// and in the promotion.
pub(super) const RUSH: u32 = 1000;
/// The longest that customers take to come, or to leave.
const CHANGE_MAX: Duration = Duration::from_secs(3);
/// How long it takes to see the promotion, and to work off what waits once servers are there.
const REACTION: Duration = Duration::from_secs(5);
/// Steps in which the fleet grows: each doubles it at most.
const STEPS: u32 = 2;

/// What happens when, from the first request on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    pub(super) duration: Duration,
    /// The promotion begins.
    pub(super) surge: Duration,
    /// A server dies.
    pub(super) crash: Duration,
    /// The promotion is over.
    pub(super) calm: Duration,
    /// How long customers take to come, or to leave.
    pub(super) change: Duration,
}

/// A part of the demo that is judged by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the promotion.
    Before,
    /// Servers are started for it.
    Startup,
    /// It goes on, and a server dies.
    Rush,
    /// After it.
    After,
}

impl Phase {
    /// Every phase, in order.
    pub(super) const ALL: [Self; 4] = [Self::Before, Self::Startup, Self::Rush, Self::After];

    /// The word for it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Startup => "startup",
            Self::Rush => "rush",
            Self::After => "after",
        }
    }
}

impl Script {
    /// The script of a demo that lasts so long.
    pub(super) fn new(duration: Duration) -> Self {
        let percent = |share: u32| duration * share / 100;
        Self {
            duration,
            surge: percent(12),
            crash: percent(46),
            calm: percent(57),
            change: percent(10).min(CHANGE_MAX),
        }
    }

    /// How many times as fast as the clock the day passes.
    pub(super) fn haste(&self) -> NonZeroU32 {
        let factor = DAY.as_nanos() / self.duration.as_nanos().max(1);
        let factor = u32::try_from(factor).unwrap_or(u32::MAX).max(HASTE_MIN);
        NonZeroU32::new(factor).unwrap_or(NonZeroU32::MIN)
    }

    /// How long a server takes to start, by the clock.
    pub(super) fn start(&self) -> Duration {
        START / self.haste().get()
    }

    /// How long a server then takes to get warm, by the clock.
    pub(super) fn slow_start(&self) -> Duration {
        SLOW_START / self.haste().get()
    }

    /// When servers have been started for the promotion: until then the promise may be broken.
    fn ready(&self) -> Duration {
        self.surge + REACTION + (self.start() + self.slow_start()) * STEPS
    }

    /// The part that a moment belongs to.
    pub(super) fn phase(&self, at: Duration) -> Phase {
        let [_, startup, rush, after] = Phase::ALL.map(|phase| self.span(phase).0);
        match at {
            at if at >= after => Phase::After,
            at if at >= rush => Phase::Rush,
            at if at >= startup => Phase::Startup,
            _ => Phase::Before,
        }
    }

    /// When a part begins and ends.
    pub(super) fn span(&self, phase: Phase) -> (Duration, Duration) {
        let ready = self.ready();
        match phase {
            Phase::Before => (Duration::ZERO, self.surge),
            Phase::Startup => (self.surge, ready),
            Phase::Rush => (ready, self.calm),
            Phase::After => (self.calm, self.duration),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_duration_all_acts_find_their_time() {
        for (seconds, haste) in [(20, 60), (45, 26), (60, 20), (120, 10), (86_400, 10)] {
            let script = Script::new(Duration::from_secs(seconds));
            assert_eq!(script.haste().get(), haste, "{seconds} s");
            let times = [
                Duration::ZERO,
                script.surge,
                script.ready(),
                script.crash,
                script.calm,
                script.calm + script.change,
                script.duration,
            ];
            assert!(times.is_sorted_by(|one, next| one < next), "{script:?}");
        }
    }

    #[test]
    fn each_moment_is_in_the_phase_whose_span_it_lies_in() {
        let script = Script::new(Duration::from_secs(20));
        for phase in Phase::ALL {
            let (begin, end) = script.span(phase);
            assert_eq!(script.phase(begin), phase);
            assert_eq!(script.phase(end - Duration::from_millis(1)), phase);
        }
        assert_eq!(script.phase(script.crash), Phase::Rush);
        assert_eq!(script.phase(script.duration * 2), Phase::After);
    }
}
