//! Weighted least connections: the choice with the fewest requests in flight per weight; ties
//! at random by weight.
//!
//! The scan is that of `least_connections`; what differs is what a request in flight counts for.

use super::balancer::PickRequest;
use super::choices::{Choice, Choices};
use super::least_connections::Scan;
use super::picker::Picker;

/// Picks the one with the fewest in flight per weight.
#[derive(Debug, Default)]
pub(super) struct WeightedLeastConnections {
    scan: Scan,
}

impl Picker for WeightedLeastConnections {
    fn rebuild(&mut self, choices: &Choices) {
        self.scan.rebuild(choices, |choice| choice.weight);
    }

    fn pick<'c>(&mut self, choices: &'c Choices, request: &PickRequest<'_>) -> Option<&'c Choice> {
        self.scan.least(choices, request, |choice| choice.weight)
    }
}
