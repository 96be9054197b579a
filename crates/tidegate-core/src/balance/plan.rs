//! What all cores share about balancing one pool, made once a snapshot.
//!
//! The tables of a consistent hash live here: they depend on the configuration alone, so that a
//! server that fails or comes back changes no table, and so that all cores agree.

use std::sync::Arc;

use super::hash::Hash;
use super::least_connections::LeastConnections;
use super::p2c::PowerOfTwo;
use super::peak_ewma::PeakEwma;
use super::picker::Picker;
use super::random::Random;
use super::round_robin::RoundRobin;
use super::table::Tables;
use super::weighted_least_connections::WeightedLeastConnections;
use super::weighted_round_robin::WeightedRoundRobin;
use crate::model::pool::{BackupWhen, Balance, Pool, WhenAllDown};
use crate::time::Duration;

/// How one pool is balanced; immutable.
#[derive(Debug)]
pub struct Plan {
    pub(super) rule: Rule,
    pub(super) slow_start: Duration,
    pub(super) backup_when: BackupWhen,
    pub(super) when_all_down: WhenAllDown,
}

/// The rule by which a choice is picked, with what it needs to know beforehand.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    RoundRobin,
    WeightedRoundRobin,
    LeastConnections,
    WeightedLeastConnections,
    Random,
    PowerOfTwo,
    PeakEwma,
    Hash(Arc<Tables>),
}

impl Plan {
    /// The plan for `pool`. Building the tables of a hash takes up to some tens of milliseconds
    /// for pools of thousands of servers; the other rules cost nothing.
    #[must_use]
    pub fn build(pool: &Pool) -> Self {
        let rule = match &pool.balance {
            Balance::RoundRobin => Rule::RoundRobin,
            Balance::WeightedRoundRobin => Rule::WeightedRoundRobin,
            Balance::LeastConnections => Rule::LeastConnections,
            Balance::WeightedLeastConnections => Rule::WeightedLeastConnections,
            Balance::Random => Rule::Random,
            Balance::PowerOfTwo => Rule::PowerOfTwo,
            Balance::PeakEwma => Rule::PeakEwma,
            Balance::SourceIpHash(policy)
            | Balance::IpHash { policy, .. }
            | Balance::Hash { policy, .. } => {
                Rule::Hash(Arc::new(Tables::build(policy, &pool.servers)))
            }
        };
        Self {
            rule,
            slow_start: pool.slow_start,
            backup_when: pool.backup_when,
            when_all_down: pool.when_all_down,
        }
    }

    /// A fresh picker for one core. `seed` tells cores apart, so that they do not move in step.
    pub(super) fn picker(&self, seed: u64) -> Box<dyn Picker> {
        match &self.rule {
            Rule::RoundRobin => Box::new(RoundRobin::new(seed)),
            Rule::WeightedRoundRobin => Box::new(WeightedRoundRobin::new(seed)),
            Rule::LeastConnections => Box::new(LeastConnections::default()),
            Rule::WeightedLeastConnections => Box::new(WeightedLeastConnections::default()),
            Rule::Random => Box::new(Random::default()),
            Rule::PowerOfTwo => Box::new(PowerOfTwo::default()),
            Rule::PeakEwma => Box::new(PeakEwma::default()),
            Rule::Hash(tables) => Box::new(Hash::new(Arc::clone(tables))),
        }
    }
}
