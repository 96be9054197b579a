//! The health of all servers: where the machines of `tidegate_core::health` meet probes, signals
//! and timers.
//!
//! `keeper` owns the machines and is driven by the loop; `server` is what it knows of one server,
//! `pool` what it knows of one pool, and `board` is what others may read of it.

pub(crate) mod board;
pub(crate) mod keeper;
mod pool;
mod server;

#[cfg(test)]
mod tests;
