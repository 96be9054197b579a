//! What slows every policy, so that no mistake of a policy becomes a storm.
//!
//! Growth: within one `startup` what is committed may grow by a factor, or by four servers where
//! that is more; what is ordered beyond that comes when those have arrived. Shrinking: not for a
//! while after the last growth, and then in steps. A start, an adoption or a takeover counts as a
//! growth, so that for one cooldown the count may only rise.

use std::collections::VecDeque;

use crate::model::autoscale::{DownStep, Guard};
use crate::time::{Duration, Instant};

/// A growth by this many servers is allowed in any case.
const STEP_MIN: u32 = 4;
/// Counts that are remembered.
const COUNTS_MAX: usize = 64;

/// What a guard remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// When the pool last grew, or the planner began.
    last_up: Option<Instant>,
    last_down: Option<Instant>,
    /// What the counts of the last while were, and until when. Both rise: a higher count before a
    /// lower one bounds nothing.
    counts: VecDeque<(Instant, u32)>,
}

/// What held a wish back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is as wished.
    Free,
    /// It may not grow faster.
    Step,
    /// It may not shrink yet, or not so much at a time.
    Cooldown,
}

/// One look of the guard.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Servers now, arrived and ordered.
    pub current: u32,
    /// Servers that are wished for.
    pub wished: u32,
    /// How long a launch takes.
    pub startup: Duration,
}

impl Memory {
    /// What may be done about a wish now.
    pub fn allow(&mut self, guard: &Guard, look: Look, now: Instant) -> (u32, Held) {
        self.last_up.get_or_insert(now);
        if look.wished > look.current {
            self.allow_up(guard, look, now)
        } else if look.wished < look.current {
            self.allow_down(guard, look, now)
        } else {
            (look.current, Held::Free)
        }
    }

    /// Counts as a growth: for one cooldown the count may only rise.
    pub const fn begin_anew(&mut self, now: Instant) {
        self.last_up = Some(now);
    }

    /// The pool changed from `before` servers to `after`, for whatever reason.
    pub fn changed(&mut self, before: u32, after: u32, now: Instant) {
        if after > before {
            self.last_up = Some(now);
            self.remember(before, now);
        } else if after < before {
            self.last_down = Some(now);
        }
    }

    /// There were `count` servers until now.
    fn remember(&mut self, count: u32, now: Instant) {
        while self.counts.back().is_some_and(|(_, higher)| *higher >= count) {
            self.counts.pop_back();
        }
        let is_full = self.counts.len() == COUNTS_MAX;
        match self.counts.back_mut() {
            // The lower count lasts for longer: that allows less, never more.
            Some((until, _)) if is_full => *until = now,
            _ => self.counts.push_back((now, count)),
        }
    }

    /// From the lowest count of the last `startup`: what was ordered since has not arrived.
    fn allow_up(&mut self, guard: &Guard, look: Look, now: Instant) -> (u32, Held) {
        while self.counts.front().is_some_and(|(until, _)| now.since(*until) >= look.startup) {
            self.counts.pop_front();
        }
        let base = self.counts.front().map_or(look.current, |(_, count)| look.current.min(*count));
        let most = most_after(base, guard.max_step).max(look.current);
        if look.wished > most { (most, Held::Step) } else { (look.wished, Held::Free) }
    }

    fn allow_down(&self, guard: &Guard, look: Look, now: Instant) -> (u32, Held) {
        let passed = |then: Option<Instant>, wait| then.is_none_or(|then| now.since(then) >= wait);
        let may =
            passed(self.last_up, guard.down_cooldown) && passed(self.last_down, guard.down_every);
        if !may {
            return (look.current, Held::Cooldown);
        }
        let least = match guard.down_step {
            DownStep::Auto => look.wished,
            DownStep::Count(count) => look.current.saturating_sub(count),
        };
        if look.wished < least { (least, Held::Cooldown) } else { (look.wished, Held::Free) }
    }
}

/// The most servers that one step from `base` may lead to.
pub(super) fn most_after(base: u32, max_step: f64) -> u32 {
    let grown = (f64::from(base) * max_step).floor();
    // Saturates: a count of servers that a `u32` cannot hold is beyond any bound.
    (grown as u32).max(base.saturating_add(STEP_MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUARD: Guard = Guard {
        max_step: 2.0,
        down_cooldown: Duration::from_secs(300),
        down_step: DownStep::Auto,
        down_every: Duration::from_secs(60),
    };

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(1000 + seconds)
    }

    /// Wishes by second, from a count on; what the guard makes of each.
    #[track_caller]
    fn check(guard: Guard, from: u32, wishes: &[(u64, u32, u32)]) {
        let (mut memory, mut current) = (Memory::default(), from);
        for &(second, wished, allowed) in wishes {
            let look = Look { current, wished, startup: Duration::from_secs(30) };
            let (servers, _) = memory.allow(&guard, look, at(second));
            assert_eq!(servers, allowed, "{wished} wished at {second} s with {current}");
            memory.changed(current, servers, at(second));
            current = servers;
        }
    }

    #[test]
    fn what_is_paid_for_doubles_once_per_startup() {
        check(GUARD, 10, &[(0, 60, 20), (1, 60, 20), (29, 60, 20), (30, 60, 40), (60, 60, 60)]);
    }

    #[test]
    fn however_a_growth_is_cut_one_launch_time_sees_one_step() {
        check(GUARD, 10, &[(0, 11, 11), (29, 60, 20), (30, 60, 22), (59, 60, 40), (60, 60, 44)]);
    }

    #[test]
    fn a_growth_in_many_parts_is_remembered_within_bounds() {
        let mut memory = Memory::default();
        for count in 0..10_000 {
            memory.changed(count, count + 1, at(u64::from(count) / 100));
        }
        assert_eq!(memory.counts.len(), COUNTS_MAX);
        let look = Look { current: 10_000, wished: 90_000, startup: Duration::from_secs(30) };
        let (servers, held) = memory.allow(&GUARD, look, at(100));
        assert_eq!((servers, held), (10_000, Held::Step));
    }

    #[test]
    fn a_small_pool_may_grow_by_four() {
        check(GUARD, 1, &[(0, 60, 5), (29, 60, 5), (30, 60, 10)]);
    }

    #[test]
    fn after_a_start_the_count_may_only_rise_for_a_while() {
        check(GUARD, 10, &[(0, 4, 10), (299, 4, 10), (300, 4, 4)]);
    }

    #[test]
    fn nothing_shrinks_soon_after_a_growth_or_right_after_another_shrinking() {
        let wishes =
            [(300, 4, 10), (301, 12, 12), (600, 8, 12), (601, 8, 8), (660, 6, 8), (661, 6, 6)];
        check(GUARD, 10, &[(0, 10, 10)]);
        check(GUARD, 10, &[&[(0, 10, 10)][..], &wishes[1..]].concat());
    }

    #[test]
    fn one_down_at_a_time() {
        let guard = Guard { down_step: DownStep::Count(1), ..GUARD };
        check(guard, 10, &[(0, 10, 10), (300, 2, 9), (301, 2, 9), (360, 2, 8), (420, 2, 7)]);
    }
}
