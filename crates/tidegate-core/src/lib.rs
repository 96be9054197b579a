//! Every decision of the balancer, and nothing else.
//!
//! This crate opens no socket, reads no clock, starts no thread, blocks on nothing and logs
//! nothing. Time is an argument ([`time::Instant`]), chance is an argument (a `draw` or a seeded
//! [`rng::Rng`]), and every answer is data. That is what lets the same code run in production, in a
//! simulated world and under a fuzzer.
//!
//! The modules form layers; a layer imports only lower ones (checked by `cargo xtask tidy`):
//!
//! | layer | modules | role |
//! |---|---|---|
//! | 0 | `time` `rng` `model` | vocabulary |
//! | 1 | `config` `http` `telemetry` `wire` | text, bytes and names to and from the vocabulary |
//! | 2 | `route` `balance` `health` `admit` `edit` `compress` `renewal` | about one of each |
//! | 2 | `release` `session` `delivery` | about one user, and one message to people |
//! | 3 | `snapshot` `signal` | what the two planes exchange |
//! | 4 | `scale` `rollout` | how many servers there are, how one version takes over |

#![forbid(unsafe_code)]

pub mod model;
pub mod rng;
pub mod time;

pub mod config;
pub mod http;
pub mod telemetry;
pub mod wire;

pub mod admit;
pub mod balance;
pub mod compress;
pub mod delivery;
pub mod edit;
pub mod health;
pub mod release;
pub mod renewal;
pub mod route;
pub mod session;

pub mod signal;
pub mod snapshot;

pub mod rollout;
pub mod scale;
