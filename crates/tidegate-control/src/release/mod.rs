//! Releases: the shell around `tidegate_core::rollout`.
//!
//! A rollout is on the disk before users meet it, and what a look every second finds lets it go on
//! or sends it back; the division of users that it says is published at once.
//!
//! Reading order: `releases` (all rollouts), `runner` (one), `judge`, `mirror` (what came of
//! copies), `hands` (who writes, probes and asks), `facts` (what a configuration may not
//! contradict), `steering` (what people ask for), `rival` (which rollouts exclude each other),
//! `status` (what people see).

pub mod facts;
pub(crate) mod hands;
mod judge;
pub mod mirror;
pub(crate) mod releases;
mod rival;
mod runner;
pub mod status;
pub mod steering;
