//! Random: at random by weight.
//!
//! It looks at no load, so it spreads evenly only on average; in return, it needs nothing that
//! could be stale or wrong.

use super::balancer::PickRequest;
use super::candidates::{Candidate, Candidates};
use super::lottery::Lottery;
use super::picker::Picker;

/// Picks at random.
#[derive(Debug, Default)]
pub(super) struct Random {
    lottery: Lottery,
}

impl Picker for Random {
    fn rebuild(&mut self, candidates: &Candidates) {
        self.lottery.rebuild(candidates);
    }

    fn pick<'c>(
        &mut self,
        candidates: &'c Candidates,
        request: &PickRequest<'_>,
    ) -> Option<&'c Candidate> {
        self.lottery.one(candidates, request)
    }
}
