//! What the control plane looks at: configuration files (`config_file`, `glob`, `watch`) and
//! servers (`probe`).

pub mod config_file;
mod glob;
pub(crate) mod probe;
pub(crate) mod watch;
