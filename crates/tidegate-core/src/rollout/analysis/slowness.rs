//! What latencies say: every request is a coin, and weighs more the slower it was.
//!
//! How slow is slow, stable's own past says: `u` is the share of its requests that took as long or
//! longer. A candidate that is slower by `g` has `u^(1/g)` of its requests there (Lehmann 1953), so
//! a request at `u` is `u^(1/g - 1) / g` times as frequent as on stable. That is the ratio of its
//! coin, as with errors, but never below 1: whether coins of a window are drawn without replacement
//! or with, bets that all rise with "it was the candidate's" are worth no more than on independent
//! coins (negative association, Joag-Dev and Proschan 1983, 3.2), and bets that go both ways are
//! not. So nothing is bet on fast requests.
//!
//! `u` was learned before the window that it judges, so weights are fixed when the coins are
//! thrown. Where it is wrong, as when stable is slower today than it was, bets are less clever, and
//! no less fair. A candidate is called slower only if it is by more than a bucket: its durations
//! are taken for one bucket shorter than they were.

use super::coins::Coins;
use super::evidence::{BETS, Factors};
use crate::telemetry::latency::{BUCKETS, LatencyTotals};

/// By how much the candidate is slower, as each bet has it.
const SLOWER: [f64; BETS] = [1.15, 1.3, 1.7, 3.0];
/// How many times as frequent a duration is at most, as any bet has it.
const RATIO_MAX: f64 = 30.0;
/// Requests of stable that have to be known before anything is bet.
const KNOWN_LEAST: f64 = 100.0;
/// What a window leaves of the weight of those before it: a past of ten minutes.
const KEEP: f64 = 1.0 - 1.0 / 120.0;

/// How long stable's requests took of late.
#[derive(Clone, Debug)]
pub(super) struct Past {
    counts: [f64; BUCKETS],
}

impl Default for Past {
    fn default() -> Self {
        Self { counts: [0.0; BUCKETS] }
    }
}

impl Past {
    /// What a window says of the candidate.
    pub(super) fn factors(&self, stable: &LatencyTotals, candidate: &LatencyTotals) -> Factors {
        let mut factors = [0.0; BETS];
        let requests = Coins { candidate: candidate.count(), stable: stable.count() };
        let known: f64 = self.counts.iter().sum();
        let Some(split) = requests.split().filter(|_| known >= KNOWN_LEAST) else {
            return factors;
        };
        let mut above = 0.0;
        for place in (0..BUCKETS).rev() {
            let coins =
                Coins { candidate: shorter(candidate, place), stable: stable.buckets[place] };
            if coins.candidate + coins.stable > 0 {
                let tail = (above + self.counts[place] / 2.0 + 0.5) / (known + 1.0);
                for (factor, slower) in factors.iter_mut().zip(SLOWER) {
                    *factor += coins.factor(split, ratio(tail, slower));
                }
            }
            above += self.counts[place];
        }
        factors
    }

    /// A window of stable's that was judged is past.
    pub(super) fn learn(&mut self, stable: &LatencyTotals) {
        for (count, more) in self.counts.iter_mut().zip(stable.buckets) {
            *count = *count * KEEP + more as f64;
        }
    }
}

/// How many durations lie in a bucket if all were one bucket shorter.
fn shorter(totals: &LatencyTotals, place: usize) -> u64 {
    let own = if place == 0 { totals.buckets[0] } else { 0 };
    own + totals.buckets.get(place + 1).copied().unwrap_or(0)
}

/// How many times as frequent a request this slow is if the candidate is slower by `slower`.
fn ratio(tail: f64, slower: f64) -> f64 {
    (tail.powf(1.0 / slower - 1.0) / slower).clamp(1.0, RATIO_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(places: &[usize]) -> LatencyTotals {
        let mut totals = LatencyTotals::default();
        places.iter().for_each(|place| totals.buckets[*place] += 1);
        totals
    }

    /// Stable took what buckets 40 to 90 hold, the longer the rarer.
    fn known() -> Past {
        let mut past = Past::default();
        (40..90).for_each(|place| past.learn(&latencies(&vec![place; 90 - place])));
        past
    }

    #[test]
    fn nothing_is_bet_before_stable_is_known() {
        let (mut past, slow) = (Past::default(), latencies(&[120; 50]));
        past.learn(&latencies(&[60; 90]));
        assert_eq!(past.factors(&latencies(&[60; 50]), &slow), [0.0; BETS]);
        past.learn(&latencies(&[60; 30]));
        assert!(past.factors(&latencies(&[60; 50]), &slow).iter().all(|factor| *factor > 10.0));
    }

    #[test]
    fn equal_versions_are_worth_no_bet_whoever_got_which_request() {
        let past = known();
        let window = [41, 55, 60, 75, 88, 120];
        for own in 1..6_u32 {
            let (mut ways, mut expected) = (0.0, [0.0; BETS]);
            for drawn in (0..64_u32).filter(|drawn| drawn.count_ones() == own) {
                let side = |bit: u32| {
                    let of = |place: &usize| (drawn >> place & 1 == bit).then_some(window[*place]);
                    latencies(&(0..6).filter_map(|place| of(&place)).collect::<Vec<_>>())
                };
                ways += 1.0;
                for (sum, factor) in expected.iter_mut().zip(past.factors(&side(0), &side(1))) {
                    *sum += factor.exp();
                }
            }
            assert!(expected.iter().all(|sum| sum / ways <= 1.0), "{own}: {expected:?} of {ways}");
        }
    }

    #[test]
    fn a_bucket_is_no_difference_and_four_are() {
        let past = known();
        let spread = |more: usize| {
            let longer = (40..90).flat_map(|place| vec![place + more; 90 - place]);
            latencies(&longer.collect::<Vec<_>>())
        };
        for (more, worth) in [(0, false), (1, false), (4, true)] {
            let gained = past.factors(&spread(0), &spread(more)).iter().any(|factor| *factor > 1.0);
            assert_eq!(gained, worth, "{more}");
        }
    }

    #[test]
    fn latencies_that_are_all_the_same_say_nothing() {
        let mut past = Past::default();
        past.learn(&latencies(&[60; 1000]));
        let factors = past.factors(&latencies(&[60; 500]), &latencies(&[60; 500]));
        assert!(factors.iter().all(|factor| *factor <= 1e-9), "{factors:?}");
    }
}
