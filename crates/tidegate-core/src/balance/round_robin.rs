//! Round-robin: each choice in turn, weights ignored.
//!
//! A rotation goes through the choices in the order of the pool. A ramping server sits out the
//! rounds that its progress does not entitle it to, and one that was tried sits out this one; the
//! rotation moves on past them, so that their neighbours get no more than anybody else.

use super::balancer::PickRequest;
use super::choices::{Choice, Choices};
use super::picker::Picker;
use crate::rng::mix;

/// Picks in turn.
#[derive(Debug)]
pub(super) struct RoundRobin {
    /// Turns so far: the quotient by the number of choices is the round, the rest the place.
    turn: u64,
}

impl RoundRobin {
    /// A rotation that starts at a place that depends on `seed`.
    pub(super) const fn new(seed: u64) -> Self {
        // Half the range: there is no wrapping around within any process's life.
        Self { turn: mix(seed) >> 1 }
    }
}

impl Picker for RoundRobin {
    fn rebuild(&mut self, _choices: &Choices) {}

    fn pick<'c>(&mut self, choices: &'c Choices, request: &PickRequest<'_>) -> Option<&'c Choice> {
        let all = choices.all();
        let length = all.len() as u64;
        for _ in 0..length {
            let (round, place) = (self.turn / length, self.turn % length);
            self.turn += 1;
            let choice = &all[usize::try_from(place).unwrap_or(0)];
            if choice.progress.joins_round(round) && request.allows(choice.server) {
                return Some(choice);
            }
        }
        // All that are not ramping up were tried: anybody will do.
        all.iter().find(|choice| request.allows(choice.server))
    }
}
