//! What the control plane does in the world beyond its own process: `acme` has certificates issued,
//! `provider` starts and stops instances, `notify` tells people; `web` is how HTTP is spoken there.
//!
//! Each is a task of its own that decides nothing itself: what is to be done, and when, the core
//! says.

pub(crate) mod acme;
pub mod notify;
pub mod provider;
mod web;
