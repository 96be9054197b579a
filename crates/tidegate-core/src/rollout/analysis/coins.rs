//! Coins: what errors say, if each lands on the candidate as often as requests do.
//!
//! Of `n` requests of both versions a share `q` went to the candidate. If versions are equal, its
//! errors are among all errors of the window as drawn without replacement, and what is bet on them
//! is worth no more than on coins that land on it with probability `q` (Hoeffding 1963, theorem 4).
//! If its errors are `r` times as frequent, the probability is `rq / (rq + 1 - q)`.
//!
//! A bet sets such an `r` against the one that is tolerated, and grows by the ratio of the two
//! probabilities. Versions that are equal are better than tolerated, so a flood of errors that both
//! have, with many coins in little time, is lost by every bet. Against one that is tolerated at
//! just 1 the same flood would be a walk in great strides, and cross the bar sooner or later as
//! often as it may.

use super::evidence::{BETS, Factors};

/// How many times as often as stable the candidate may fail, and is no worse.
const TOLERATED: f64 = 1.2;
/// How many times as often the candidate fails, as each bet has it.
pub(super) const RATIOS: [f64; BETS] = [1.6, 3.0, 8.0, 25.0];

/// How many of the coins landed on the candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Coins {
    pub(super) candidate: u64,
    pub(super) stable: u64,
}

impl Coins {
    /// The share of coins that landed on the candidate; `None` when there was none.
    pub(super) fn split(self) -> Option<f64> {
        let both = self.candidate + self.stable;
        (both > 0).then(|| self.candidate as f64 / both as f64)
    }

    /// The logarithm by which a bet on a candidate that these happen to `ratio` times as often as
    /// to stable grows against one that is equal, when a share `split` of requests went to it.
    pub(super) fn factor(self, split: f64, ratio: f64) -> f64 {
        let both = (self.candidate + self.stable) as f64;
        self.candidate as f64 * ratio.ln() - both * ((ratio - 1.0) * split).ln_1p()
    }

    /// What bets on all of [`RATIOS`] grow by. More errors than requests, which counters that are
    /// read one after the other may show for a moment, are as many.
    pub(super) fn factors(self, requests: Self) -> Factors {
        let Some(split) = requests.split() else { return [0.0; BETS] };
        let errors = Self {
            candidate: self.candidate.min(requests.candidate),
            stable: self.stable.min(requests.stable),
        };
        RATIOS.map(|ratio| errors.factor(split, ratio) - errors.factor(split, TOLERATED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability of each number of candidate's errors among `errors` of `n` requests, of
    /// which `candidate` were its own.
    fn hypergeometric(n: u64, candidate: u64, errors: u64) -> Vec<(u64, f64)> {
        let choose = |n: u64, k: u64| {
            (0..k).map(|i| ((n - i) as f64).ln() - ((i + 1) as f64).ln()).sum::<f64>()
        };
        let range = errors.saturating_sub(n - candidate)..=errors.min(candidate);
        range
            .map(|on| {
                let ways = choose(candidate, on) + choose(n - candidate, errors - on);
                (on, (ways - choose(n, errors)).exp())
            })
            .collect()
    }

    #[test]
    fn equal_versions_are_worth_no_bet() {
        for (n, candidate, errors) in [(50, 5, 1), (50, 5, 7), (40, 20, 40), (300, 3, 90)] {
            let requests = Coins { candidate, stable: n - candidate };
            let mut expected = [0.0; BETS];
            for (on, probability) in hypergeometric(n, candidate, errors) {
                let coins = Coins { candidate: on, stable: errors - on };
                for (sum, factor) in expected.iter_mut().zip(coins.factors(requests)) {
                    *sum += probability * factor.exp();
                }
            }
            assert!(expected.iter().all(|e| *e <= 1.0 + 1e-9), "{n} {errors}: {expected:?}");
        }
    }

    #[test]
    fn a_side_without_requests_says_nothing() {
        for (errors, requests) in [((0, 4), (0, 9)), ((4, 0), (9, 0)), ((0, 0), (0, 0))] {
            let coins = |(candidate, stable)| Coins { candidate, stable };
            for factor in coins(errors).factors(coins(requests)) {
                assert!(factor.abs() < 1e-12, "{errors:?}: {factor}");
            }
        }
    }

    #[test]
    fn errors_on_the_candidate_speak_against_it_and_others_for_it() {
        let requests = Coins { candidate: 10, stable: 90 };
        assert!(Coins { candidate: 1, stable: 0 }.factors(requests).iter().all(|f| *f > 0.0));
        assert!(Coins { candidate: 0, stable: 1 }.factors(requests).iter().all(|f| *f < 0.0));
        let torn = Coins { candidate: 20, stable: 0 }.factors(requests);
        assert_eq!(torn, Coins { candidate: 10, stable: 0 }.factors(requests));
    }

    #[test]
    fn no_bet_gains_by_a_flood_that_both_have() {
        let requests = Coins { candidate: 1000, stable: 9000 };
        for (candidate, stable) in [(300, 2700), (320, 2700), (1000, 9000)] {
            let factors = Coins { candidate, stable }.factors(requests);
            assert!(factors.iter().all(|factor| *factor < 0.0), "{candidate}: {factors:?}");
        }
    }
}
