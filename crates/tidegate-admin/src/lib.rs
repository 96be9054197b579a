//! The admin API and the metrics: what a running balancer tells, and what it may be asked to do.
//!
//! A thin layer over `tidegate_control::control::Control`. It listens on loopback or on a Unix
//! socket, where looking needs no token and any change does; a second listener, if configured,
//! serves metrics and health alone. Every request is checked for the `Host` and `Origin` that a
//! browser could not forge, so that no web page can talk to a balancer on its reader's machine.
//!
//! Nothing here is on the path of the traffic: if it is slow or gone, requests are served as
//! before.
//!
//! Reading order: `server` (what is started), `serve` and `socket` (connections), `auth` (who may
//! do what), `state` (where a fresh token is kept), `router` and `api` (what can be asked),
//! `metrics`.

#![forbid(unsafe_code)]

pub mod server;

mod serve;
mod socket;

mod auth;
pub mod state;

mod api;
mod router;

pub mod metrics;
