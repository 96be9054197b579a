//! Whether a server may be given requests.
//!
//! Two machines watch a server, each from its own side: `active` asks it (probes), `outlier`
//! believes what real traffic met (ejection). Neither knows the other; `verdict` puts their words
//! together into the one `Availability` that pickers read. Reading order: `probe` (what a probe
//! found), `active`, `outlier`, `verdict`.

pub mod active;
pub mod outlier;
pub mod probe;
pub mod verdict;
