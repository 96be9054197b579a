//! What one writer counts of a version, while a rollout holds it against another.
//!
//! One exchange is counted once, on the side that answered it, when it is over. What never reached
//! a version, because it was refused, limited or answered here, says nothing of it and is not
//! counted; neither are copies and probes.

use super::cell::Counter;
use super::family::{Cells, Totals};
use super::histogram::{Histogram, HistogramTotals};
use super::latency::{Latency, LatencyTotals};
use crate::model::ids::RolloutName;
use crate::model::rollout::Side;
use crate::time::Duration;

/// What names a version among all rollouts.
pub type VersionKey = (RolloutName, Side);

/// The cells of a version.
#[derive(Debug, Default)]
pub struct VersionCells {
    /// Exchanges that were given to it.
    pub requests: Counter,
    /// Those among them that are errors, as the rollout counts errors.
    pub errors: Counter,
    latency: Latency,
    duration: Histogram,
}

impl VersionCells {
    /// The writer only: counts how long an exchange took. One that has no end of its own, as a
    /// tunnel, is not counted here.
    pub fn observe(&self, duration: Duration) {
        self.latency.observe(duration);
        self.duration.observe(duration);
    }
}

/// The cells of a version, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionTotals {
    /// Exchanges that were given to it.
    pub requests: u64,
    /// Those among them that are errors.
    pub errors: u64,
    /// How long they took, for the judge.
    pub latency: LatencyTotals,
    /// The same for people and for metrics.
    pub duration: HistogramTotals,
}

impl VersionTotals {
    /// What was counted since `earlier`, which these grew from.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            errors: self.errors.saturating_sub(earlier.errors),
            latency: self.latency.since(&earlier.latency),
            duration: self.duration.since(&earlier.duration),
        }
    }
}

impl Cells for VersionCells {
    type Totals = VersionTotals;

    fn totals(&self) -> VersionTotals {
        VersionTotals {
            requests: self.requests.value(),
            errors: self.errors.value(),
            latency: self.latency.totals(),
            duration: self.duration.totals(),
        }
    }
}

impl Totals for VersionTotals {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.latency.add(&other.latency);
        self.duration.add(&other.duration);
    }
}
