//! Weighted least connections: the candidate with the fewest requests in flight per weight; ties
//! at random by weight.
//!
//! The scan is that of `least_connections`; what differs is what a request in flight counts for.

use super::balancer::PickRequest;
use super::candidates::{Candidate, Candidates};
use super::least_connections::least_loaded;
use super::picker::Picker;

/// Picks the one with the fewest in flight per weight.
#[derive(Debug)]
pub(super) struct WeightedLeastConnections;

impl Picker for WeightedLeastConnections {
    fn rebuild(&mut self, _candidates: &Candidates) {}

    fn pick<'c>(
        &mut self,
        candidates: &'c Candidates,
        request: &PickRequest<'_>,
    ) -> Option<&'c Candidate> {
        least_loaded(candidates, request, |candidate| candidate.weight)
    }
}
