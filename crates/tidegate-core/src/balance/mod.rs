//! Which server of a pool gets a request.
//!
//! A pool's [`plan::Plan`] is made once a snapshot and shared by all cores: the rule, and the
//! tables of a consistent hash. Each core holds a [`balancer::Balancer`] on it. The balancer keeps
//! the *choices*, the members that serve right now and at what weight, and makes them anew only
//! when the pool's epoch moved on or a server is ramping up; a pick between two changes reads the
//! choices, the request, and the load counters of the servers it weighs, and allocates nothing.
//!
//! Every rule is a `Picker` in a file of its own. Which members serve (`enlist`), how a joining
//! server ramps up (`slow_start`) and how chance is drawn by weight (`lottery`) are the same for
//! all of them.
//!
//! This module judges nobody: availability is a field of the server's state, written by whoever
//! watches its health.

pub mod balancer;
pub mod key;
pub mod plan;

mod choices;
mod enlist;
mod picker;
mod slow_start;

mod lottery;
mod schedule;

mod least_connections;
mod p2c;
pub mod peak_ewma;
mod random;
mod round_robin;
mod weighted_least_connections;
mod weighted_round_robin;

mod bounded_load;
mod hash;
mod maglev;
mod overload;
mod ring;
mod table;

#[cfg(test)]
mod tests;
