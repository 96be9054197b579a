//! Limits of the candidate alone: what may go wrong with a share of requests at most.
//!
//! An error rate is such a limit; so is a percentile, of which one request in a hundred may be
//! beyond it. A bet says that the candidate exceeds the limit so many times, and grows or shrinks
//! by what each of its requests says; one error of three requests is little evidence.
//!
//! Trouble that stable has at the same time is not the candidate's: in each window the limit is
//! raised to what stable may be suffering just then, by that window or the last ones, whichever is
//! worse, and with two standard deviations to spare. Stable's requests are others than the
//! candidate's, so bets stay fair.

use super::coins::RATIOS;
use super::evidence::{BETS, Factors};

/// The share of requests that may be beyond a 99th percentile.
pub(super) const BEYOND_P99: f64 = 0.01;
/// What a window leaves of the weight of those before it: a past of half a minute.
const KEEP: f64 = 0.8;
/// Nobody is held to less than this; it takes a share of more than nothing to bet against.
const LIMIT_LEAST: f64 = 1e-4;
/// So many bad requests on each side, in about half a minute, are trouble that both have.
const SHARED_LEAST: f64 = 3.0;

/// Requests, and those among them that went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) requests: f64,
    pub(super) bad: f64,
}

impl Tally {
    pub(super) fn new(requests: u64, bad: u64) -> Self {
        Self { requests: requests as f64, bad: bad.min(requests) as f64 }
    }

    fn learn(&mut self, window: Self) {
        self.requests = self.requests * KEEP + window.requests;
        self.bad = self.bad * KEEP + window.bad;
    }

    fn rate(self) -> f64 {
        if self.requests > 0.0 { self.bad / self.requests } else { 0.0 }
    }

    /// A rate that may well be behind this.
    fn rate_at_most(self) -> f64 {
        let most = self.bad + 2.0 * self.bad.sqrt();
        if self.requests > 0.0 { (most / self.requests).min(1.0) } else { 0.0 }
    }
}

/// What happened of late beside a limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent {
    stable: Tally,
    candidate: Tally,
}

impl Recent {
    /// What a window says of the candidate and a limit.
    pub(super) fn factors(&mut self, limit: f64, stable: Tally, candidate: Tally) -> Factors {
        self.stable.learn(stable);
        let suffered = self.stable.rate_at_most().max(stable.rate_at_most());
        self.candidate.learn(candidate);
        let allowed = limit.max(suffered).max(LIMIT_LEAST);
        if allowed >= 1.0 {
            return [0.0; BETS];
        }
        let good = candidate.requests - candidate.bad;
        RATIOS.map(|ratio| {
            let bet = (allowed * ratio).min(f64::midpoint(allowed, 1.0));
            let on_good = ((1.0 - bet) / (1.0 - allowed)).ln();
            candidate.bad * (bet / allowed).ln() + good * on_good
        })
    }

    /// Whether both versions exceed the limit just now.
    pub(super) fn is_shared(&self, limit: f64) -> bool {
        [self.stable, self.candidate]
            .iter()
            .all(|side| side.bad >= SHARED_LEAST && side.rate() > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Evidence;
    use super::*;

    /// ln(1 / 0.05).
    const BAR: f64 = 3.0;

    /// Windows until the evidence suffices, at most a thousand.
    fn windows(limit: f64, stable: Tally, candidate: Tally) -> u32 {
        let (mut recent, mut evidence) = (Recent::default(), Evidence::default());
        for window in 1..=1000 {
            evidence.add(recent.factors(limit, stable, candidate), BAR);
            if evidence.ln() >= BAR {
                return window;
            }
        }
        1000
    }

    #[test]
    fn a_limit_takes_evidence_and_few_requests_are_little() {
        let well = Tally::new(45, 0);
        for (candidate, least, most) in [
            (Tally::new(5, 1), 3, 8),         // a fifth fails
            (Tally::new(50, 50), 3, 3),       // all do
            (Tally::new(100, 1), 1000, 1000), // as the limit says
            (Tally::new(0, 0), 1000, 1000),
        ] {
            let windows = windows(0.01, well, candidate);
            assert!((least..=most).contains(&windows), "{candidate:?}: {windows}");
        }
    }

    #[test]
    fn what_stable_suffers_too_is_not_the_candidates() {
        let (stable, candidate) = (Tally::new(90, 27), Tally::new(10, 3));
        assert_eq!(windows(0.01, stable, candidate), 1000);
        let mut recent = Recent::default();
        recent.factors(0.01, stable, candidate);
        assert!(recent.is_shared(0.01));
        assert!(windows(0.01, stable, Tally::new(10, 9)) < 20, "far worse than that is its own");
    }

    #[test]
    fn trouble_that_begins_is_shared_at_once() {
        let (mut recent, mut evidence) = (Recent::default(), Evidence::default());
        for window in 0..200 {
            let bad = if window >= 100 { 3 } else { 0 };
            let (stable, candidate) = (Tally::new(900, bad * 90), Tally::new(100, bad * 10));
            evidence.add(recent.factors(0.01, stable, candidate), BAR);
            assert!(evidence.ln() < 0.1, "window {window}: {}", evidence.ln());
        }
    }

    #[test]
    fn limits_of_nothing_and_of_everything_are_numbers_too() {
        assert!(windows(0.0, Tally::default(), Tally::new(10, 1)) < 10);
        assert_eq!(windows(1.0, Tally::default(), Tally::new(10, 10)), 1000);
        assert_eq!(windows(0.0, Tally::new(5, 5), Tally::new(10, 10)), 1000);
    }
}
