//! Capacity that follows demand: the shell around `tidegate_core::scale`.
//!
//! Reading order: `scalers` (all pools), `scaler` (one), `measure` (what is counted), `lapse` (the
//! planner's time), `hands` (who does it), `steering` (what people ask for), `status` (what people
//! see).

pub(crate) mod hands;
pub(crate) mod lapse;
mod measure;
mod scaler;
pub(crate) mod scalers;
pub mod status;
pub mod steering;
