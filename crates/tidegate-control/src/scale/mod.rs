//! Capacity that follows demand: the shell around `tidegate_core::scale`.
//!
//! Reading order: `scalers` (all pools), `scaler` (one), `measure` (what is counted), `planner`
//! (what is planned), `members` (who is in the pool), `hands` (who does it), `past` (what a file
//! tells), `releases` (what rollouts ask for), `steering` (what people ask for), `account` and
//! `status` (what people are told and see); `lapse` is for demonstrations.

mod account;
pub(crate) mod hands;
pub(crate) mod lapse;
mod measure;
mod members;
mod past;
mod planner;
pub(crate) mod releases;
mod scaler;
pub(crate) mod scalers;
pub mod status;
pub mod steering;
