//! What the pools of a rollout must be able to take, whatever they get now: plain data that the
//! autoscaler is given.

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
