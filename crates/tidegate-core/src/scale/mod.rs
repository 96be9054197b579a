//! How many servers a pool should have, and the life of those that a provider starts.
//!
//! Each look at a pool is `plan(settings, observed, memory, now)`: a pure function from what was
//! measured to a number with its reasons, the same in production, in `tidegate simulate` and in
//! every test. Reading order: `meter` (how demand is measured), `observed` (what goes in),
//! `wish` (what a policy says), the policies (`levels`, `target`, `slo`), `release` (what a
//! rollout asks for), `plan`; then `fleet`, the life of an instance.

pub mod meter;
pub mod observed;
pub mod wish;

pub mod bottleneck;
pub mod budget;
pub mod capacity;
pub mod forecast;
pub mod guard;
mod highest;
pub mod levels;
pub mod policy;
pub mod queueing;
pub mod release;
pub mod schedule;
pub mod slo;
pub mod target;
pub mod trace;

pub mod plan;
pub mod record;

pub mod fleet;

#[cfg(test)]
mod tests;
