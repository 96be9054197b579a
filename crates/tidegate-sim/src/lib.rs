//! A deterministic world to run the core in.
//!
//! The core's machines and pickers read no clock and draw no chance of their own, so a world can:
//! one virtual clock, one queue of events, one seed. A simulation plugs the production machines
//! into simulated servers and traffic, lets faults happen, and holds what it sees against oracles.
//! The same seed gives the same run, to the last event; a failure names its seed.
//!
//! Reading order: `world` (clock and events), `server` (what answers), `traffic` (what arrives),
//! `provider` (what starts servers),
//! `fault` (what goes wrong), `check` (many seeds).

#![forbid(unsafe_code)]

pub mod check;
pub mod fault;
pub mod fluid;
pub mod provider;
pub mod server;
pub mod traffic;
pub mod world;
