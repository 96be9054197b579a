//! What the control plane does in the world beyond its own process: `acme` has certificates issued.
//!
//! Each is a task of its own that decides nothing itself: what is to be done, and when, the core
//! says.

pub(crate) mod acme;
pub mod provider;
