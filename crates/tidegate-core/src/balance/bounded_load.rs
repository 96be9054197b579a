//! Bounded load: no server takes many times its fair share, whatever the keys are (Mirrokni,
//! Thorup, Zadimoghaddam, "Consistent hashing with bounded loads", 2016).
//!
//! A choice may have at most `factor` times its share, by weight, of the requests in flight,
//! counting the one to come and rounded up. Summing up a large pool for each pick would cost more
//! than the pick, so the sum is taken once in every sixteenth of the pool's size of picks, and
//! again when it is a millisecond old: it is off by less than a sixteenth of a request a server
//! and core, while pools of up to sixteen servers are summed up for every pick.

use super::choices::{Choice, Choices};
use crate::time::{Duration, Instant};

/// Servers in the pool for each pick that the sum is used for.
const SERVERS_PER_PICK: usize = 16;
/// How old the sum may get.
const AGE_MAX: Duration = Duration::from_millis(1);

/// How much a choice may take.
#[derive(Debug)]
pub(super) struct BoundedLoad {
    factor: f64,
    /// What one unit of weight may have in flight.
    per_weight: f64,
    picks_left: usize,
    due: Instant,
}

impl BoundedLoad {
    /// A bound of `factor` times the fair share; infinity: none.
    pub(super) const fn new(factor: f64) -> Self {
        Self { factor, per_weight: f64::INFINITY, picks_left: 0, due: Instant::ZERO }
    }

    /// Forgets the sum: the choices have changed.
    pub(super) const fn reset(&mut self) {
        self.picks_left = 0;
    }

    /// To be called once before each pick.
    #[inline]
    pub(super) fn follow(&mut self, choices: &Choices, now: Instant) {
        if self.factor.is_infinite() {
            return;
        }
        if self.picks_left == 0 || now >= self.due {
            self.sum_up(choices);
            self.picks_left = choices.all().len() / SERVERS_PER_PICK + 1;
            self.due = now + AGE_MAX;
        }
        self.picks_left -= 1;
    }

    /// Whether `choice` has room for one more request.
    #[inline]
    pub(super) fn admits(&self, choice: &Choice) -> bool {
        let bound = (self.per_weight * f64::from(choice.weight)).ceil();
        f64::from(choice.state.in_flight()) + 1.0 <= bound
    }

    fn sum_up(&mut self, choices: &Choices) {
        let (mut in_flight, mut weight) = (1.0, 0.0);
        for choice in choices.all() {
            in_flight += f64::from(choice.state.in_flight());
            weight += f64::from(choice.weight);
        }
        self.per_weight = self.factor * in_flight / weight;
    }
}
