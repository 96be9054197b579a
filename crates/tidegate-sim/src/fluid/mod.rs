//! A pool as a fluid: a trace of demand, servers that take time to start, and what the users would
//! have noticed.
//!
//! Months pass in seconds, because requests are no events here: within a tick of 15 seconds they
//! flow. So there is no noise of single requests either; what a policy needs against that is
//! queueing theory's matter. Reading order: `trace` (what came), `replay` (what happens), `queue`
//! and `fleet` (by what laws), the scalers (`hpa`, `oracle`), `generated` (traces with known
//! shapes).

pub mod fleet;
pub mod generated;
pub mod hpa;
pub mod oracle;
pub mod picture;
pub mod planned;
pub mod policy;
pub mod queue;
pub mod replay;
pub use tidegate_core::scale::trace;
