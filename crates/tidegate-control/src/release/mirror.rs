//! What came of copying requests to the candidate of one rollout: the numbers of its run, and the
//! latest copies whose response had another status than the original.
//!
//! The numbers are the data plane's, less what was counted before the run. Differences are told by
//! it, few at a time: those that it did not tell are in the numbers alone. The newest that were
//! told are kept, and how many were let go for them.

use std::collections::VecDeque;

use serde::Serialize;
use tidegate_core::signal::Difference;
use tidegate_core::telemetry::histogram::HistogramTotals;
use tidegate_core::telemetry::mirror::{MirrorTotals, Uncopied};
use tidegate_core::time::{Duration, UnixTime};

use crate::status::pool::quantile_ms;
use crate::status::server::millis;

/// Differences that are kept.
const RECENT_MAX: usize = 32;

/// The copies of one rollout.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// The run that all of this is of.
    run: u32,
    /// What was counted before it.
    before: MirrorTotals,
    recent: VecDeque<DifferenceStatus>,
    forgotten: u64,
}

/// What people see of the copies of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MirrorStatus {
    /// Copies that were sent, or tried to, since the run began or the process did.
    pub copies: u64,
    /// Those among them that were answered whole.
    pub answered: u64,
    /// Those that were not; the rest is under way.
    pub failed: u64,
    /// Answered with another status than the original,
    pub differing: u64,
    /// and their part of those that were answered, in percent.
    pub differing_percent: Option<f64>,
    /// Requests that were to be copied and were not, by reason.
    pub left_out: LeftOut,
    /// How long the originals of answered copies took to the first byte.
    pub stable: LatencyStatus,
    /// How long the copies did.
    pub candidate: LatencyStatus,
    /// The newest differences that were told, oldest first.
    pub recent: Vec<DifferenceStatus>,
    /// Differences that were told and are kept no more.
    pub forgotten: u64,
}

/// Requests that were to be copied and were not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// As many copies were under way as may be.
    pub busy: u64,
    /// The body was too long, or of a length that was not announced.
    pub body: u64,
}

/// How long one side took to the first byte of its responses, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LatencyStatus {
    /// The median.
    pub p50_ms: Option<f64>,
    /// The time that 99 of 100 stay below.
    pub p99_ms: Option<f64>,
}

/// A copy that was answered otherwise than the original.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DifferenceStatus {
    /// When it was told of, in milliseconds since 1970.
    pub at_ms: u64,
    /// The method.
    pub method: String,
    /// The path, without its query and cut where it is long.
    pub path: String,
    /// What the client got.
    pub stable: AnswerStatus,
    /// What the copy did.
    pub candidate: AnswerStatus,
}

/// An answer, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AnswerStatus {
    /// The status code.
    pub status: u16,
    /// To the first byte of the response, in milliseconds.
    pub latency_ms: f64,
}

impl Copies {
    /// Begins anew with a run, of which nothing was counted when these were the totals.
    pub(super) fn turn_to(&mut self, run: u32, totals: impl FnOnce() -> MirrorTotals) {
        if self.run != run {
            *self = Self { run, before: totals(), ..Self::default() };
        }
    }

    /// Keeps a difference that was told.
    pub(super) fn keep(&mut self, difference: Difference, at: UnixTime) {
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
            self.forgotten += 1;
        }
        self.recent.push_back(DifferenceStatus::new(difference, at));
    }

    /// What people see, when these are the totals.
    pub(super) fn status(&self, totals: &MirrorTotals) -> MirrorStatus {
        let counted = totals.since(&self.before);
        let answered = counted.copy.count();
        let percent = 100.0 * counted.differing as f64 / answered as f64;
        MirrorStatus {
            copies: counted.copies,
            answered,
            failed: counted.failed,
            differing: counted.differing,
            differing_percent: (answered > 0).then_some(percent),
            left_out: LeftOut::new(&counted),
            stable: LatencyStatus::new(&counted.original),
            candidate: LatencyStatus::new(&counted.copy),
            recent: self.recent.iter().cloned().collect(),
            forgotten: self.forgotten,
        }
    }
}

impl LeftOut {
    fn new(totals: &MirrorTotals) -> Self {
        let of = |reason| totals.uncopied().filter(|(one, _)| *one == reason).map(|(_, n)| n).sum();
        Self { busy: of(Uncopied::Busy), body: of(Uncopied::Body) }
    }
}

impl LatencyStatus {
    fn new(totals: &HistogramTotals) -> Self {
        Self { p50_ms: quantile_ms(totals, 0.5), p99_ms: quantile_ms(totals, 0.99) }
    }
}

impl DifferenceStatus {
    fn new(difference: Difference, at: UnixTime) -> Self {
        let Difference { method, path, statuses, latencies, .. } = difference;
        let [stable, candidate] =
            [0, 1].map(|side| AnswerStatus::new(statuses[side], latencies[side]));
        Self { at_ms: at.as_millis(), method, path, stable, candidate }
    }
}

impl AnswerStatus {
    fn new(status: u16, latency: Duration) -> Self {
        Self { status, latency_ms: millis(latency) }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::model::ids::RolloutName;
    use tidegate_core::telemetry::registry::Registry;

    use super::*;

    fn difference(path: &str) -> Difference {
        Difference {
            rollout: RolloutName::new("v2"),
            method: "GET".to_owned(),
            path: path.to_owned(),
            statuses: [200, 503],
            latencies: [Duration::from_millis(2), Duration::from_micros(300)],
        }
    }

    #[test]
    fn the_newest_differences_are_kept_and_the_others_counted() {
        let mut copies = Copies::default();
        for second in 0..50 {
            copies.keep(difference(&format!("/{second}")), UnixTime::from_millis(second * 1000));
        }
        let status = copies.status(&MirrorTotals::default());
        assert_eq!((status.recent.len(), status.forgotten), (32, 18));
        let (first, last) = (&status.recent[0], &status.recent[31]);
        assert_eq!((first.at_ms, first.path.as_str()), (18_000, "/18"));
        assert_eq!((last.at_ms, last.method.as_str(), last.path.as_str()), (49_000, "GET", "/49"));
        assert_eq!(last.stable, AnswerStatus { status: 200, latency_ms: 2.0 });
        assert_eq!(last.candidate, AnswerStatus { status: 503, latency_ms: 0.3 });
    }

    #[test]
    fn numbers_and_differences_are_those_of_one_run() {
        let (registry, name) = (Registry::default(), RolloutName::new("v2"));
        let worker = registry.worker();
        let cells = worker.mirror(&name);
        let count = |copies: u64| {
            cells.copies.add(copies + 2);
            cells.failed.increment();
            cells.leave_out(Uncopied::Busy);
            cells.differing.increment();
            for _ in 0..copies {
                cells.original.observe(Duration::from_millis(10));
                cells.copy.observe(Duration::from_millis(50));
            }
        };
        let mut copies = Copies::default();
        copies.turn_to(1, || registry.mirror(&name));
        assert_eq!(copies.status(&registry.mirror(&name)).differing_percent, None);
        count(2);
        copies.keep(difference("/"), UnixTime::default());
        copies.turn_to(1, || panic!("the same run"));
        let first = copies.status(&registry.mirror(&name));
        assert_eq!((first.copies, first.answered, first.failed, first.differing), (4, 2, 1, 1));
        assert_eq!((first.differing_percent, first.recent.len()), (Some(50.0), 1));
        copies.turn_to(2, || registry.mirror(&name));
        count(4);
        let second = copies.status(&registry.mirror(&name));
        assert_eq!((second.copies, second.answered, second.differing_percent), (6, 4, Some(25.0)));
        assert_eq!(second.left_out, LeftOut { busy: 1, body: 0 });
        assert!(second.stable.p99_ms <= Some(10.0) && second.candidate.p50_ms > Some(20.0));
        assert_eq!(second.recent, [], "of another run");
    }
}
