//! What people see of a rollout.

use serde::Serialize;
use tidegate_core::model::rollout::Side;
use tidegate_core::rollout::verdict::{Outcome, Verdict};
use tidegate_core::rollout::view::View;
use tidegate_core::telemetry::version::VersionTotals;

use super::mirror::MirrorStatus;

/// A rollout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RolloutStatus {
    /// How far it is, and what it waits for.
    #[serde(flatten)]
    pub view: View,
    /// What both versions answered since the process started.
    pub versions: [VersionStatus; 2],
    /// What came of copies of requests; `None`: the candidate gets none.
    pub mirror: Option<MirrorStatus>,
    /// How often the judge said what, since the process started.
    pub verdicts: VerdictCounts,
    /// The evidence against the candidate.
    pub evidence: Vec<EvidenceStatus>,
}

/// The evidence of one test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvidenceStatus {
    /// Which test.
    pub test: String,
    /// How much of what makes a breach; 1 is one.
    pub part: f64,
}

/// What a version answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct VersionStatus {
    /// `stable` or `candidate`.
    pub version: &'static str,
    /// Requests.
    pub requests: u64,
    /// Errors among them.
    pub errors: u64,
}

/// How often the judge said what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerdictCounts {
    /// No worse than it may be.
    pub pass: u64,
    /// It cannot be said yet.
    pub hold: u64,
    /// Worse than it may be.
    pub breach: u64,
}

impl RolloutStatus {
    /// How far it is in a sentence; `None`: no run is under way.
    #[must_use]
    pub fn under_way(&self) -> Option<String> {
        let View { rollout, pool, candidate, phase, percent, waits, .. } = &self.view;
        if matches!(phase.as_str(), "idle" | "done" | "aborted") {
            return None;
        }
        let waits: Vec<&str> = waits.iter().map(|wait| wait.why.as_str()).collect();
        let waits =
            if waits.is_empty() { String::new() } else { format!("; {}", waits.join("; ")) };
        Some(format!("{rollout}: {pool} -> {candidate} {phase}, {percent} % of users{waits}"))
    }
}

impl VersionStatus {
    /// Of both, in the order of [`Side::ALL`].
    pub(super) fn both(totals: &[VersionTotals; 2]) -> [Self; 2] {
        let of = |side: Side| {
            let VersionTotals { requests, errors, .. } = totals[side as usize];
            Self { version: side.as_str(), requests, errors }
        };
        Side::ALL.map(of)
    }
}

impl VerdictCounts {
    pub(super) const fn count(&mut self, verdict: &Verdict) {
        match verdict.outcome {
            Outcome::Pass => self.pass += 1,
            Outcome::Hold(_) => self.hold += 1,
            Outcome::Breach(_) => self.breach += 1,
        }
    }
}
