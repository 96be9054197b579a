//! What the control plane looks at: configuration files (`config_file`) and servers (`probe`), and
//! how many `sessions` they have.
//!
//! `sources` and `glob` read the disk, `watch` tells whether what was read has changed since.

pub mod config_file;
mod glob;
pub(crate) mod probe;
pub(crate) mod prometheus;
pub(crate) mod sessions;
pub mod sources;
pub(crate) mod watch;
