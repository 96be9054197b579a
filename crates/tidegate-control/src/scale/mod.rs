//! Capacity that follows demand: the shell around `tidegate_core::scale`.
//!
//! Reading order: `scalers` (all pools), `scaler` (one), `measure` (what is counted), `hands` (who
//! does it), `past` (what a file tells), `releases` (what rollouts ask for), `steering` (what
//! people ask for), `status` (what people see); `lapse` is for demonstrations.

pub(crate) mod hands;
pub(crate) mod lapse;
mod measure;
mod past;
pub(crate) mod releases;
mod scaler;
pub(crate) mod scalers;
pub mod status;
pub mod steering;
