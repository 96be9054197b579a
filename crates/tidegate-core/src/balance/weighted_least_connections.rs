//! Weighted least connections: the candidate with the fewest requests in flight per weight; ties
//! at random by weight.
//!
//! The scan is that of `least_connections`; what differs is what a request in flight counts for.

use super::balancer::PickRequest;
use super::candidates::{Candidate, Candidates};
use super::least_connections::Scan;
use super::picker::Picker;

/// Picks the one with the fewest in flight per weight.
#[derive(Debug, Default)]
pub(super) struct WeightedLeastConnections {
    scan: Scan,
}

impl Picker for WeightedLeastConnections {
    fn rebuild(&mut self, candidates: &Candidates) {
        self.scan.rebuild(candidates, |candidate| candidate.weight);
    }

    fn pick<'c>(
        &mut self,
        candidates: &'c Candidates,
        request: &PickRequest<'_>,
    ) -> Option<&'c Candidate> {
        self.scan.least(candidates, request, |candidate| candidate.weight)
    }
}
