//! The ceiling on compression: how much of a core's time went into encoders lately, and what that
//! means for the next response.
//!
//! A Machine. It is told how long each call of an encoder took and adds that up over the last
//! second, in tenths. While the sum is below three quarters of the ceiling, responses are encoded
//! as configured; from there on at the cheapest level; and from the ceiling on not at all, until
//! time has passed. Nothing else is measured: a core that is busy with other work compresses less
//! because encoders take longer then.
//!
//! A response that has begun to be encoded goes on to its end at its level. So a core exceeds the
//! ceiling by what is under way, and begins nothing new meanwhile.

use crate::model::ratio::Ratio;
use crate::time::{Duration, Instant};

/// The time over which is added up.
pub const WINDOW: Duration = Duration::from_secs(1);
const SLOTS: u64 = 10;
const SLOT_NANOS: u64 = WINDOW.as_nanos() as u64 / SLOTS;
/// The part of the ceiling from which on encoders are used at their cheapest.
const LOWERED_FROM: f64 = 0.75;

/// How hard the next response may be worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// As configured.
    Full,
    /// At the cheapest level.
    Lowered,
    /// Not at all.
    None,
}

/// The time that one core spent in encoders.
#[derive(Clone, Debug, Default)]
pub struct Ceiling {
    /// Nanoseconds in each of the last tenths.
    slots: [u64; SLOTS as usize],
    sum: u64,
    /// The tenth, counted from the clock's origin, that the newest slot stands for.
    newest: u64,
}

impl Ceiling {
    /// An encoder worked for `took`, until `now`.
    pub fn spend(&mut self, took: Duration, now: Instant) {
        self.lapse(now);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // A call that took longer than the window fills it: more could not lapse in time.
        let nanos = nanos.min(WINDOW.as_nanos() as u64);
        self.slots[(self.newest % SLOTS) as usize] += nanos;
        self.sum += nanos;
        debug_assert!(self.slots.iter().sum::<u64>() == self.sum, "the sum is kept");
    }

    /// How hard a response that begins now may be worked on, under a route's ceiling. A whole core
    /// is no ceiling.
    pub fn effort(&mut self, ceiling: Ratio, now: Instant) -> Effort {
        self.lapse(now);
        if ceiling.value() >= 1.0 {
            return Effort::Full;
        }
        #[expect(clippy::cast_precision_loss, reason = "a second has far fewer nanoseconds")]
        let share = self.sum as f64 / WINDOW.as_nanos() as f64;
        if share >= ceiling.value() {
            Effort::None
        } else if share >= ceiling.value() * LOWERED_FROM {
            Effort::Lowered
        } else {
            Effort::Full
        }
    }

    /// Forgets what is older than the window. Time that runs backwards changes nothing.
    fn lapse(&mut self, now: Instant) {
        let newest = now.as_nanos() / SLOT_NANOS;
        let passed = newest.saturating_sub(self.newest).min(SLOTS);
        for step in 1..=passed {
            let slot = &mut self.slots[((self.newest + step) % SLOTS) as usize];
            self.sum -= *slot;
            *slot = 0;
        }
        if passed == SLOTS {
            debug_assert!(self.sum == 0, "everything has lapsed");
        }
        self.newest = self.newest.max(newest);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(value: f64) -> Ratio {
        Ratio::new(value).expect("tests use ratios")
    }

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn effort_falls_in_two_steps_and_comes_back() {
        let mut ceiling = Ceiling::default();
        let mut effort = |spent, now| {
            ceiling.spend(millis(spent), at(now));
            ceiling.effort(ratio(0.5), at(now))
        };
        assert_eq!(effort(0, 0), Effort::Full);
        assert_eq!(effort(374, 350), Effort::Full);
        assert_eq!(effort(1, 350), Effort::Lowered);
        assert_eq!(effort(125, 480), Effort::None);
        assert_eq!(effort(0, 1299), Effort::None);
        assert_eq!(effort(0, 1300), Effort::Full, "what was spent at 350 has lapsed");
    }

    #[test]
    fn the_ends_of_the_scale_are_never_and_always() {
        let mut ceiling = Ceiling::default();
        assert_eq!(ceiling.effort(ratio(0.0), at(0)), Effort::None);
        ceiling.spend(Duration::MAX, at(60));
        assert_eq!(ceiling.effort(ratio(1.0), at(60)), Effort::Full);
        assert_eq!(ceiling.effort(ratio(0.99), at(60)), Effort::None);
        assert_eq!(ceiling.effort(ratio(0.99), at(10)), Effort::None, "time stood still");
    }

    /// A core for ten seconds of a simulated clock: a response comes every `gap`, costs `full` to
    /// encode and a quarter of it at the cheapest level. Returns the share of the time that went
    /// into encoders, and how many responses were encoded in full and how many were not at all.
    fn simulate(gap: Duration, full: Duration, ceiling: Ratio) -> (f64, [u32; 2]) {
        const RUN: Duration = Duration::from_secs(10);
        let (mut machine, mut now) = (Ceiling::default(), Instant::ZERO);
        let (mut spent, mut counts) = (Duration::ZERO, [0, 0]);
        while now.since(Instant::ZERO) < RUN {
            let took = match machine.effort(ceiling, now) {
                Effort::Full => full,
                Effort::Lowered => full / 4,
                Effort::None => Duration::ZERO,
            };
            counts[0] += u32::from(took == full);
            counts[1] += u32::from(took.is_zero());
            now = now + took.max(gap);
            machine.spend(took, now);
            spent += took;
        }
        (spent.as_secs_f64() / RUN.as_secs_f64(), counts)
    }

    #[test]
    fn a_core_below_the_ceiling_encodes_everything_in_full() {
        let (share, [full, none]) = simulate(millis(10), millis(2), ratio(0.5));
        assert_eq!((full, none), (1000, 0));
        assert!((0.19..0.21).contains(&share), "{share}");
    }

    #[test]
    fn a_flood_is_held_at_the_ceiling() {
        for (gap, full, ceiling) in [(1, 10, 0.5), (0, 1, 0.2), (5, 100, 0.8), (1, 3, 0.05)] {
            let gap = millis(gap).max(Duration::from_micros(50));
            let (share, [_, none]) = simulate(gap, millis(full), ratio(ceiling));
            // The window is nine to ten tenths of its length, and one response may be under way.
            let most = ceiling / 0.9 + 0.1 * (full as f64 / 100.0) + 0.01;
            assert!(share <= most, "{share} of {ceiling}");
            assert!(share >= ceiling * 0.6, "{share} of {ceiling}: the rest is not wasted");
            assert!(none > 0, "a flood is answered uncompressed");
        }
    }

    proptest! {
        /// The sum is that of a plain list of what was spent in the tenths of the window.
        #[test]
        fn the_window_is_what_a_plain_list_says(
            calls in prop::collection::vec((0u64..400, 0u64..300), 1..60),
            ceiling in 0.0..=1.0f64,
        ) {
            let (mut machine, mut now, mut list) = (Ceiling::default(), 0, Vec::new());
            for (pause, took) in calls {
                now += pause;
                machine.spend(millis(took), at(now));
                list.push((now / 100, took));
                let recent = list.iter().filter(|(slot, _)| slot + 10 > now / 100);
                let share = recent.map(|(_, took)| took).sum::<u64>() as f64 / 1000.0;
                let expected = if share >= ceiling {
                    Effort::None
                } else if share >= ceiling * 0.75 {
                    Effort::Lowered
                } else {
                    Effort::Full
                };
                prop_assert_eq!(machine.effort(ratio(ceiling), at(now)), expected);
            }
        }
    }
}
