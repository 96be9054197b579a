//! What the pools of a rollout must be able to take, whatever they get now: plain data that the
//! autoscaler is given.

use super::machine::Machine;
use super::phase::Phase;
use super::wait::Wait;
use crate::model::ids::PoolName;
use crate::model::ratio::Limit;

/// What both pools must be able to take.
#[derive(Clone, Debug, PartialEq)]
pub struct Pledges {
    /// Of the one that serves.
    pub stable: Pledge,
    /// Of the one that is to take over. It alone is limited by `total_max`.
    pub candidate: Pledge,
    /// Instances of both together: the candidate may have what stable leaves.
    pub total_max: Limit<u32>,
}

/// What a pool must be able to take.
#[derive(Clone, Debug, PartialEq)]
pub struct Pledge {
    /// The pool.
    pub pool: PoolName,
    /// So large a fraction of the demand of both versions together; above one where a switch wants
    /// as much as stable has.
    pub demand: f64,
    /// At least so many servers.
    pub servers: u32,
}

impl Machine {
    /// What both pools must be able to take; `None`: nobody has started a run.
    #[must_use]
    pub fn pledges(&self) -> Option<Pledges> {
        let phase = self.decided.phase;
        let (stable, kept) = match phase {
            Phase::Idle => return None,
            Phase::Keeping => (0.0, self.definition.keep_size),
            Phase::Done => (0.0, 0),
            _ => (1.0, 0),
        };
        let share = if self.reaches { self.target() } else { phase.share() };
        let candidate = match phase {
            Phase::Preparing | Phase::Stepping(_) => self.needs(share),
            _ => share.as_fraction(),
        };
        let terms = &self.decided.terms;
        Some(Pledges {
            stable: Pledge { pool: terms.pool.clone(), demand: stable, servers: kept },
            candidate: Pledge { pool: terms.candidate.clone(), demand: candidate, servers: 0 },
            total_max: self.definition.max_total,
        })
    }

    /// Has the candidate grow for a step that waits for nothing else. A word of the judge that
    /// comes and goes moves no servers; who stands in the way does.
    pub(super) fn reach(&mut self, waits: &[Wait]) {
        if waits.iter().any(Wait::is_wish) {
            self.reaches = false;
        } else if !waits.is_empty() && waits.iter().all(Wait::is_short) {
            self.reaches = true;
        }
    }
}
