//! A clock that only events move, and the queue they wait in.
//!
//! Events happen in the order of their time, and those of one time in the order they were planned,
//! so that a run depends on the seed and nothing else. The last few are remembered, to be shown
//! when an oracle objects.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::fmt::{Debug, Write};

use tidegate_core::rng::Rng;
use tidegate_core::time::{Duration, Instant};

/// A world in which events of type `E` happen.
#[derive(Debug)]
pub struct World<E> {
    seed: u64,
    now: Instant,
    planned: u64,
    queue: BinaryHeap<Reverse<Planned<E>>>,
    chance: Rng,
    past: VecDeque<(Instant, E)>,
}

/// An event to come.
#[derive(Debug)]
struct Planned<E> {
    at: Instant,
    sequence: u64,
    event: E,
}

impl<E: Clone + Debug> World<E> {
    /// How many past events are remembered.
    const PAST: usize = 40;

    /// A world at the origin of its clock.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            now: Instant::ZERO,
            planned: 0,
            queue: BinaryHeap::new(),
            chance: Rng::new(seed),
            past: VecDeque::with_capacity(Self::PAST),
        }
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The world's one source of chance.
    pub const fn chance(&mut self) -> &mut Rng {
        &mut self.chance
    }

    /// Plans an event; one in the past happens now.
    pub fn plan(&mut self, at: Instant, event: E) {
        let planned = Planned { at: at.max(self.now), sequence: self.planned, event };
        self.planned += 1;
        self.queue.push(Reverse(planned));
    }

    /// Plans an event for a while from now.
    pub fn plan_after(&mut self, wait: Duration, event: E) {
        self.plan(self.now + wait, event);
    }

    /// Moves the clock to the next event, unless that lies beyond `end`, and returns it.
    pub fn next_until(&mut self, end: Instant) -> Option<E> {
        if self.queue.peek()?.0.at > end {
            return None;
        }
        let Reverse(Planned { at, event, .. }) = self.queue.pop()?;
        debug_assert!(at >= self.now, "time goes on");
        self.now = at;
        if self.past.len() == Self::PAST {
            self.past.pop_front();
        }
        self.past.push_back((at, event.clone()));
        Some(event)
    }

    /// Where the world stands, for the message of an oracle that objects.
    #[must_use]
    pub fn report(&self) -> String {
        let step = self.planned - self.queue.len() as u64;
        let mut report = format!("seed {}, step {step}, time {:?}", self.seed, seconds(self.now));
        for (at, event) in &self.past {
            // Writing to a string does not fail.
            let _ = write!(report, "\n  {:>12.6} {event:?}", seconds(*at));
        }
        report
    }
}

fn seconds(at: Instant) -> f64 {
    at.since(Instant::ZERO).as_secs_f64()
}

impl<E> Ord for Planned<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Planned<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_happen_by_time_and_then_in_the_order_they_were_planned() {
        let mut world = World::new(1);
        for (millis, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (3, 'b'), (9, 'e')] {
            world.plan_after(Duration::from_millis(millis), event);
        }
        let end = Instant::ZERO + Duration::from_millis(5);
        let happened: String = std::iter::from_fn(|| world.next_until(end)).collect();
        assert_eq!(happened, "abcd");
        assert_eq!(world.now(), end);
    }

    #[test]
    fn what_is_planned_for_the_past_happens_now() {
        let mut world = World::new(1);
        world.plan_after(Duration::from_secs(1), 'a');
        assert_eq!(world.next_until(Instant::NEVER), Some('a'));
        world.plan(Instant::ZERO, 'b');
        assert_eq!(world.next_until(Instant::NEVER), Some('b'));
        assert_eq!(world.now(), Instant::ZERO + Duration::from_secs(1));
    }

    #[test]
    fn the_report_names_the_seed_and_the_last_events() {
        let mut world = World::new(42);
        (0..100).for_each(|event| world.plan_after(Duration::from_secs(event), event));
        while world.next_until(Instant::NEVER).is_some() {}
        let report = world.report();
        assert!(report.starts_with("seed 42, step 100") && report.ends_with("99.000000 99"));
        assert_eq!(report.lines().count(), 1 + World::<u64>::PAST);
    }
}
