//! Weighted round-robin: each choice as often as its weight says, smoothly interleaved.
//!
//! The order of a whole cycle is worked out when the choices change (see `schedule`), so that a
//! pick is one look into a list whatever the weights are.

use super::balancer::PickRequest;
use super::choices::{Choice, Choices};
use super::picker::Picker;
use super::schedule;
use crate::rng::mix;

/// The longest cycle. Weights whose sum in lowest terms is beyond are rounded in proportion.
const CYCLE_MAX: u32 = 16_384;
/// The longest cycle while a server is ramping up and the cycle is made anew each second.
const CYCLE_MAX_RAMPING: u32 = 2_048;

/// Picks in turn by weight.
#[derive(Debug)]
pub(super) struct WeightedRoundRobin {
    /// One cycle: places among the choices.
    cycle: Vec<u32>,
    /// The place in the cycle that is next. A new cycle goes on where the old one was, else a pool
    /// that changes often would begin with the same servers over and over.
    next: usize,
}

impl WeightedRoundRobin {
    /// A rotation that starts at a place that depends on `seed`.
    pub(super) const fn new(seed: u64) -> Self {
        Self { cycle: Vec::new(), next: (mix(seed) >> 32) as usize }
    }
}

impl Picker for WeightedRoundRobin {
    fn rebuild(&mut self, choices: &Choices) {
        let bound = if choices.any_ramping() { CYCLE_MAX_RAMPING } else { CYCLE_MAX };
        let weights: Vec<u32> = choices.all().iter().map(|one| one.weight).collect();
        self.cycle = schedule::interleave(&schedule::turns(&weights, bound));
        self.next = self.next.checked_rem(self.cycle.len()).unwrap_or(self.next);
    }

    fn pick<'c>(&mut self, choices: &'c Choices, request: &PickRequest<'_>) -> Option<&'c Choice> {
        for _ in 0..self.cycle.len() {
            let choice = &choices.all()[self.cycle[self.next] as usize];
            self.next += 1;
            if self.next == self.cycle.len() {
                self.next = 0;
            }
            if request.allows(choice.server) {
                return Some(choice);
            }
        }
        None
    }
}
