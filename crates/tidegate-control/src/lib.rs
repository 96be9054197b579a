//! The control plane: what the balancer knows of itself and its servers, and what it makes of that.
//!
//! One loop (`reconcile`) observes: the configuration files, the health of servers, what the data
//! plane signals. It publishes whole snapshots (`publish`) and writes the availability of servers
//! into the state that both planes share. Decisions are made in `tidegate_core`; here they meet
//! files, sockets and timers. The data plane never waits for anything in this crate.
//!
//! A [`control::Control`] is the handle by which signals, the command line and the admin API act on
//! the loop and read what it knows.
//!
//! Reading order: `observe` (what comes in), `health` (what is made of probes and signals), `tls`
//! (what is made of certificates and keys), `act` (what is done beyond this process), `scale` (how
//! many servers there are), `release` (how the servers of one pool take over from another's),
//! `overrides` (what people ask of single servers), `publish` and `reconcile` (how it takes
//! effect), `shared` (what everyone reads), `control`, `events`, `status` and `explain` (what
//! people see), `pass` (what they hand out).

#![forbid(unsafe_code)]

pub mod observe;

pub mod act;
mod health;
pub mod tls;

pub mod release;
pub mod scale;

pub mod overrides;

pub mod publish;
pub mod reconcile;

pub mod control;
pub mod events;
pub mod explain;
pub mod pass;
mod shared;
pub mod status;
