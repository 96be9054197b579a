//! What is kept of a judge over a restart: evidence, what the step has answered, and the breach.
//!
//! Latencies of stable's past are learned anew, in as many requests as it takes to know them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::measure;
use super::verdict::Breach;

/// What is kept of a judge. Small, and bounded by what is configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub(super) step: Step,
    pub(super) errors: Evidence,
    pub(super) latency: Evidence,
    pub(super) max_error_rate: Evidence,
    pub(super) max_p99: Evidence,
    /// By the name of the measure.
    #[serde(default)]
    pub(super) measures: BTreeMap<String, measure::Kept>,
    #[serde(default)]
    pub(super) breach: Option<Breach>,
}

/// What was answered in a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// Whether the candidate has all the traffic.
    pub(super) whole: bool,
    /// Requests and errors, in the order of `Side::ALL`.
    pub(super) counted: [(u64, u64); 2],
}

impl Record {
    /// The same, without evidence that cannot have come about.
    pub(super) fn sound(mut self) -> Self {
        let all = [&mut self.errors, &mut self.latency, &mut self.max_error_rate];
        let measures = self.measures.values_mut().map(|kept| &mut kept.evidence);
        for evidence in all.into_iter().chain([&mut self.max_p99]).chain(measures) {
            if !evidence.is_sound() {
                *evidence = Evidence::default();
            }
        }
        self
    }
}
