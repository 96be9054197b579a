//! Random: at random by weight.
//!
//! It looks at no load, so it spreads evenly only on average; in return, it needs nothing that
//! could be stale or wrong.

use super::balancer::PickRequest;
use super::choices::{Choice, Choices};
use super::lottery::Lottery;
use super::picker::Picker;

/// Picks at random.
#[derive(Debug, Default)]
pub(super) struct Random {
    lottery: Lottery,
}

impl Picker for Random {
    fn rebuild(&mut self, choices: &Choices) {
        self.lottery.rebuild(choices);
    }

    fn pick<'c>(&mut self, choices: &'c Choices, request: &PickRequest<'_>) -> Option<&'c Choice> {
        self.lottery.one(choices, request)
    }
}
