//! The mechanisms that touch the system: sockets, the one clock, entropy, the state directory, and
//! the one way to start a task.
//!
//! Nothing here decides anything and nothing here reads a configuration file. Reading order:
//! `clock`, `entropy`, `task`, `state`, `listen`, `socket`, `stream`, `http`, `geo`, `seal`,
//! `tls`.

#![forbid(unsafe_code)]

pub mod clock;
pub mod entropy;
pub mod geo;
pub mod http;
pub mod listen;
mod poll;
pub mod seal;
mod socket;
pub mod state;
pub mod stream;
pub mod task;
pub mod tls;
