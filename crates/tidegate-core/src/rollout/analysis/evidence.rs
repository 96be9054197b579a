//! Evidence that grows only if something is wrong: the fortune of a gambler, in logarithms.
//!
//! The gambler begins with 1 and spreads it over several bets that differ in how bad they say the
//! candidate is. A window multiplies each bet by a factor whose expectation is 1 at most if nothing
//! is wrong; factors may be made smaller at will, and are capped. The fortune is the sum of all
//! bets, so it is a supermartingale, and exceeds 1/a with probability a at most (Ville).
//!
//! Three quarters of the fortune are bet at once. The rest is a reserve from which a little is bet
//! anew in each window, and more at each step: a candidate that was good for an hour has lost the
//! first bets thousandfold, and would have to be bad for as long before they say so. What was bet
//! today knows nothing of that (a mixture over the moment of the change, as Shin, Ramdas, Rinaldo:
//! "E-detectors", 2023).

use serde::{Deserialize, Serialize};

/// Bets that go on at once.
pub(super) const BETS: usize = 4;

/// The logarithms of what a window multiplies each bet by.
pub(super) type Factors = [f64; BETS];

/// The part of the fortune that is bet at once.
const FIRST: f64 = 0.75;
/// The part of the reserve that each window bets.
const EACH_WINDOW: f64 = 1.0 / 500.0;
/// The part of the reserve that each step bets.
const EACH_STEP: f64 = 0.25;
/// A breach takes so many windows at least.
const WINDOWS_LEAST: f64 = 3.0;
/// What is lost is lost, and what is won is won: beyond this a logarithm tells nothing more.
const FLOOR: f64 = -500.0;

/// Evidence of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Evidence {
    /// The logarithms of what each bet has become.
    bets: [f64; BETS],
    /// What is not bet yet.
    reserve: f64,
}

impl Default for Evidence {
    fn default() -> Self {
        Self { bets: [(FIRST / BETS as f64).ln(); BETS], reserve: 1.0 - FIRST }
    }
}

impl Evidence {
    /// A window has shown `factors`; `bar` is the logarithm that a breach takes.
    pub(super) fn add(&mut self, factors: Factors, bar: f64) {
        self.stake(EACH_WINDOW);
        let most = (bar - (FIRST / BETS as f64).ln()) / WINDOWS_LEAST;
        for (bet, factor) in self.bets.iter_mut().zip(factors) {
            *bet = (*bet + factor.min(most)).clamp(FLOOR, -FLOOR);
        }
    }

    /// Another share begins, which is when a fault shows most often.
    pub(super) fn begin_step(&mut self) {
        self.stake(EACH_STEP);
    }

    /// The logarithm of the fortune.
    pub(super) fn ln(&self) -> f64 {
        self.bets.iter().fold(self.reserve.ln().max(FLOOR), |sum, bet| ln_add(sum, *bet))
    }

    /// Whether these numbers can have come about.
    pub(super) fn is_sound(&self) -> bool {
        let bets = self.bets.iter().all(|bet| (FLOOR..=-FLOOR).contains(bet));
        bets && (0.0..=1.0 - FIRST).contains(&self.reserve)
    }

    /// Bets a part of the reserve.
    fn stake(&mut self, part: f64) {
        let fresh = (self.reserve * part / BETS as f64).ln().max(FLOOR);
        self.reserve *= 1.0 - part;
        for bet in &mut self.bets {
            *bet = ln_add(*bet, fresh).min(-FLOOR);
        }
    }
}

/// The logarithm of a sum of two numbers that are given by theirs.
fn ln_add(one: f64, other: f64) -> f64 {
    let (less, more) = (one.min(other), one.max(other));
    more + (less - more).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BAR: f64 = 3.7;

    #[test]
    fn a_fortune_begins_with_one_and_waits_at_one() {
        let mut evidence = Evidence::default();
        assert!(evidence.ln().abs() < 1e-12);
        for _ in 0..10_000 {
            evidence.add([0.0; BETS], BAR);
        }
        evidence.begin_step();
        assert!(evidence.ln().abs() < 1e-9, "{}", evidence.ln());
    }

    #[test]
    fn no_window_alone_makes_a_breach_and_three_can() {
        for factors in [[1e9; BETS], [-1e9, -1e9, 1e9, -1e9]] {
            let (mut evidence, mut windows) = (Evidence::default(), 0);
            while evidence.ln() < BAR {
                evidence.add(factors, BAR);
                windows += 1;
            }
            assert_eq!(windows, 3, "{factors:?}");
        }
    }

    #[test]
    fn an_hour_of_good_service_does_not_hide_what_follows() {
        let mut evidence = Evidence::default();
        for _ in 0..720 {
            evidence.add([-0.2, -0.5, -1.0, -4.0], BAR);
        }
        assert!(evidence.ln() < -1.0);
        let mut windows = 0;
        while evidence.ln() < BAR {
            evidence.add([0.1, 0.3, 1.0, 0.5], BAR);
            windows += 1;
        }
        assert!(windows <= 15, "{windows}");
    }

    #[test]
    fn what_is_kept_is_read_back_and_nothing_absurd_is_believed() {
        let mut evidence = Evidence::default();
        evidence.add([-1e9, 1e9, -700.0, 2.0], BAR);
        let text = serde_json::to_string(&evidence).expect("numbers have a JSON form");
        assert_eq!(serde_json::from_str::<Evidence>(&text).expect("as written"), evidence);
        assert!(evidence.is_sound());
        for (bet, reserve) in [(1e300, 0.2), (-1e300, 0.2), (0.0, 2.0), (0.0, -1.0)] {
            assert!(!Evidence { bets: [bet; BETS], reserve }.is_sound());
        }
    }

    proptest! {
        #[test]
        fn no_window_makes_it_anything_but_a_number(
            windows in proptest::collection::vec((-1e12..1e12, 1.0..20.0), 0..100),
        ) {
            let mut evidence = Evidence::default();
            for (factor, bar) in windows {
                evidence.add([factor, -factor, factor / 1e12, f64::MAX], bar);
                prop_assert!(evidence.ln().is_finite() && evidence.is_sound(), "{evidence:?}");
            }
        }
    }
}
