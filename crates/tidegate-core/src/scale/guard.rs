//! What slows every policy, so that no mistake of a policy becomes a storm.
//!
//! Growth: within one `startup` what is committed may grow by a factor, or by four servers where
//! that is more; what is ordered beyond that comes when those have arrived. Shrinking: not for a
//! while after the last growth, and then in steps. A start, an adoption or a takeover counts as a
//! growth, so that for one cooldown the count may only rise.

use crate::model::autoscale::{DownStep, Guard};
use crate::time::{Duration, Instant};

/// A growth by this many servers is allowed in any case.
const STEP_MIN: u32 = 4;

/// What a guard remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// When the pool last grew, or the planner began.
    last_up: Option<Instant>,
    last_down: Option<Instant>,
    /// The step under way: when it began, and from how many servers.
    step: Option<(Instant, u32)>,
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

    /// The pool changed from `before` servers to `after`, for whatever reason.
    pub fn changed(&mut self, before: u32, after: u32, now: Instant) {
        if after > before {
            self.last_up = Some(now);
        } else if after < before {
            self.last_down = Some(now);
        }
    }

    fn allow_up(&mut self, guard: &Guard, look: Look, now: Instant) -> (u32, Held) {
        let open = self.step.filter(|(began, _)| now.since(*began) < look.startup);
        let (began, base) = open.unwrap_or((now, look.current));
        self.step = Some((began, base));
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
