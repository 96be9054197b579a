//! The power of two choices: the less loaded of two drawn at random.
//!
//! Two draws are enough to keep the fullest server close to the average, at the cost of two looks
//! at shared counters however large the pool is, and without the herd that forms when many
//! balancers pick the one least loaded server at once (Mitzenmacher, "The power of two choices in
//! randomized load balancing", 2001).
//!
//! Both are drawn by weight and compared by requests in flight per weight. The first drawn wins a
//! tie, so that an idle pool is spread exactly by weight.

use super::balancer::PickRequest;
use super::choices::{Choice, Choices};
use super::lottery::Lottery;
use super::picker::Picker;

/// Picks the less loaded of two.
#[derive(Debug, Default)]
pub(super) struct PowerOfTwo {
    lottery: Lottery,
}

impl Picker for PowerOfTwo {
    fn rebuild(&mut self, choices: &Choices) {
        self.lottery.rebuild(choices);
    }

    fn pick<'c>(&mut self, choices: &'c Choices, request: &PickRequest<'_>) -> Option<&'c Choice> {
        let (first, second) = self.lottery.two(choices, request)?;
        Some(match second {
            Some(second) if is_less_loaded(second, first) => second,
            _ => first,
        })
    }
}

/// Whether `one` has fewer requests in flight per weight than `other`.
fn is_less_loaded(one: &Choice, other: &Choice) -> bool {
    let load =
        |of: &Choice, against: &Choice| u64::from(of.state.in_flight()) * u64::from(against.weight);
    load(one, other) < load(other, one)
}
