//! What the load has met so far.
//!
//! Latencies count from the moment a request was due, not from when a busy client came to send it,
//! so that a stall shows in every request that it held up.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use tidegate_core::time::Duration;

use super::script::Phase;

/// What customers are promised: so large a share of requests is answered within so long.
pub(super) const PROMISE: Promise = Promise { latency: Duration::from_millis(500), ratio: 0.99 };
/// The longest latency that is told apart, in microseconds: a minute.
const LATENCY_MAX: u64 = 60_000_000;
/// Kinds of failure that are counted one by one.
const REASONS_MAX: usize = 16;

/// A promise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    pub(super) latency: Duration,
    pub(super) ratio: f64,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// To look at the shop.
    Browse,
    /// To order.
    Checkout,
}

/// A request that has come to its end.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) errand: Errand,
    /// The part of the demo that it was due in.
    pub(super) phase: Phase,
    /// From when it was due.
    pub(super) latency: Duration,
    pub(super) outcome: Result<(), String>,
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
    phases: [Latencies; Phase::ALL.len()],
    recent: Latencies,
}

/// Latencies of requests, and how many of them kept the promise.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    histogram: Histogram<u64>,
    kept: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            requests: 0,
            failed: 0,
            checkouts: 0,
            checkouts_failed: 0,
            reasons: BTreeMap::new(),
            phases: Phase::ALL.map(|_| Latencies::new()),
            recent: Latencies::new(),
        }
    }

    /// Counts a request.
    pub(super) fn count(&mut self, done: Done) {
        let is_checkout = u64::from(done.errand == Errand::Checkout);
        self.requests += 1;
        self.checkouts += is_checkout;
        for latencies in [&mut self.phases[done.phase as usize], &mut self.recent] {
            latencies.count(done.latency, done.outcome.is_ok());
        }
        if let Err(reason) = done.outcome {
            self.failed += 1;
            self.checkouts_failed += is_checkout;
            self.blame(reason);
        }
    }

    fn blame(&mut self, reason: String) {
        let room = self.reasons.len() < REASONS_MAX || self.reasons.contains_key(&reason);
        let reason = if room { reason } else { "other".to_owned() };
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// Requests that were due in a part of the demo.
    pub(super) const fn phase(&self, phase: Phase) -> &Latencies {
        &self.phases[phase as usize]
    }

    /// All requests.
    pub(super) fn all(&self) -> Latencies {
        let mut all = Latencies::new();
        self.phases.iter().for_each(|phase| all.add(phase));
        all
    }

    /// What ended since this was called last.
    pub(super) fn take_recent(&mut self) -> Latencies {
        std::mem::replace(&mut self.recent, Latencies::new())
    }
}

impl Latencies {
    fn new() -> Self {
        let histogram = Histogram::new_with_max(LATENCY_MAX, 3);
        Self { histogram: histogram.expect("the bounds of the histogram are in order"), kept: 0 }
    }

    fn count(&mut self, latency: Duration, is_served: bool) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_MAX);
        self.histogram.saturating_record(micros);
        self.kept += u64::from(is_served && latency <= PROMISE.latency);
    }

    fn add(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("both have the same bounds");
        self.kept += other.kept;
    }

    pub(super) fn requests(&self) -> u64 {
        self.histogram.len()
    }

    /// The share of the requests that were answered within the promised time; all of none.
    pub(super) fn kept(&self) -> f64 {
        match self.requests() {
            0 => 1.0,
            // Numbers of requests are far below what a float holds exactly.
            requests => self.kept as f64 / requests as f64,
        }
    }

    /// The latency that a share of the requests, such as 0.99, did not exceed, in milliseconds.
    pub(super) fn quantile_ms(&self, share: f64) -> f64 {
        let micros = self.histogram.value_at_quantile(share);
        // A minute in microseconds is far below what a float holds exactly.
        micros as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(errand: Errand, millis: u64, outcome: Result<(), &str>) -> Done {
        let latency = Duration::from_millis(millis);
        Done { errand, phase: Phase::Rush, latency, outcome: outcome.map_err(str::to_owned) }
    }

    #[test]
    fn failures_count_by_errand_and_reason() {
        let mut tally = Tally::new();
        tally.count(done(Errand::Browse, 10, Ok(())));
        tally.count(done(Errand::Checkout, 10, Ok(())));
        for _ in 0..2 {
            tally.count(done(Errand::Checkout, 10, Err("status 502")));
        }
        assert_eq!((tally.requests, tally.failed), (4, 2));
        assert_eq!((tally.checkouts, tally.checkouts_failed), (3, 2));
        assert_eq!(tally.reasons, BTreeMap::from([("status 502".to_owned(), 2)]));
    }

    #[test]
    fn reasons_without_number_fold() {
        let mut tally = Tally::new();
        for number in 0..2 * REASONS_MAX {
            tally.count(done(Errand::Browse, 0, Err(&number.to_string())));
        }
        assert_eq!(tally.reasons.len(), REASONS_MAX + 1);
        assert_eq!(tally.reasons["other"], REASONS_MAX as u64);
    }

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut tally = Tally::new();
        for millis in 1..=100 {
            tally.count(done(Errand::Browse, millis, Ok(())));
        }
        let all = tally.all();
        assert!((all.quantile_ms(0.5) - 50.0).abs() < 0.1);
        assert!((all.quantile_ms(0.99) - 99.0).abs() < 0.1);
        tally.count(done(Errand::Browse, 3_600_000, Ok(())));
        let longest = tally.all().quantile_ms(1.0);
        assert!((longest - 60_000.0).abs() < 60.0, "longer ones count as the longest");
    }

    #[test]
    fn the_promise_is_judged_by_phase_and_a_failure_breaks_it() {
        let mut tally = Tally::new();
        for (millis, outcome) in [(500, Ok(())), (501, Ok(())), (5, Err("status 502")), (5, Ok(()))]
        {
            tally.count(done(Errand::Browse, millis, outcome));
        }
        assert!((tally.phase(Phase::Rush).kept() - 0.5).abs() < 1e-9);
        assert!((tally.phase(Phase::After).kept() - 1.0).abs() < 1e-9, "nothing was asked");
        assert_eq!((tally.take_recent().requests(), tally.take_recent().requests()), (4, 0));
        assert_eq!(tally.all().requests(), 4);
    }
}
