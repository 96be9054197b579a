//! What the load has met so far.
//!
//! Latencies count from the moment a request was due, not from when a busy client came to send it,
//! so that a stall shows in every request that it held up.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use tidegate_core::time::Duration;

/// The longest latency that is told apart, in microseconds: a minute.
const LATENCY_MAX: u64 = 60_000_000;
/// Kinds of failure that are counted one by one.
const REASONS_MAX: usize = 16;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// To look at the shop.
    Browse,
    /// To order.
    Checkout,
}

/// Counts and latencies.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) checkouts: u64,
    pub(super) checkouts_failed: u64,
    /// Why requests failed, and how many for each reason.
    pub(super) reasons: BTreeMap<String, u64>,
    latencies: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        let latencies = Histogram::new_with_max(LATENCY_MAX, 3);
        Self {
            requests: 0,
            failed: 0,
            checkouts: 0,
            checkouts_failed: 0,
            reasons: BTreeMap::new(),
            latencies: latencies.expect("the bounds of the histogram are in order"),
        }
    }

    /// Counts a request that has come to its end, `latency` after it was due.
    pub(super) fn count(&mut self, errand: Errand, latency: Duration, outcome: Result<(), String>) {
        self.requests += 1;
        self.checkouts += u64::from(errand == Errand::Checkout);
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_MAX);
        self.latencies.saturating_record(micros);
        if let Err(reason) = outcome {
            self.failed += 1;
            self.checkouts_failed += u64::from(errand == Errand::Checkout);
            self.blame(reason);
        }
    }

    fn blame(&mut self, reason: String) {
        let room = self.reasons.len() < REASONS_MAX || self.reasons.contains_key(&reason);
        let reason = if room { reason } else { "other".to_owned() };
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// The latency that a share of the requests, such as 0.99, did not exceed, in milliseconds.
    pub(super) fn quantile_ms(&self, share: f64) -> f64 {
        let micros = self.latencies.value_at_quantile(share);
        // A minute in microseconds is far below what a float holds exactly.
        micros as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_by_errand_and_reason() {
        let mut tally = Tally::new();
        let latency = Duration::from_millis(10);
        tally.count(Errand::Browse, latency, Ok(()));
        tally.count(Errand::Checkout, latency, Ok(()));
        for _ in 0..2 {
            tally.count(Errand::Checkout, latency, Err("status 502".to_owned()));
        }
        assert_eq!((tally.requests, tally.failed), (4, 2));
        assert_eq!((tally.checkouts, tally.checkouts_failed), (3, 2));
        assert_eq!(tally.reasons, BTreeMap::from([("status 502".to_owned(), 2)]));
    }

    #[test]
    fn reasons_without_number_fold() {
        let mut tally = Tally::new();
        for number in 0..2 * REASONS_MAX {
            tally.count(Errand::Browse, Duration::ZERO, Err(number.to_string()));
        }
        assert_eq!(tally.reasons.len(), REASONS_MAX + 1);
        assert_eq!(tally.reasons["other"], REASONS_MAX as u64);
    }

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut tally = Tally::new();
        for millis in 1..=100 {
            tally.count(Errand::Browse, Duration::from_millis(millis), Ok(()));
        }
        assert!((tally.quantile_ms(0.5) - 50.0).abs() < 0.1);
        assert!((tally.quantile_ms(0.99) - 99.0).abs() < 0.1);
        tally.count(Errand::Browse, Duration::from_secs(3600), Ok(()));
        assert!(
            (tally.quantile_ms(1.0) - 60_000.0).abs() < 60.0,
            "longer ones count as the longest"
        );
    }
}
