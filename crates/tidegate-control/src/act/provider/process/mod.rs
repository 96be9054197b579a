//! Instances that are children of the balancer.
//!
//! Each runs in a process group of its own and says by its environment whose it is, so that it can
//! outlive the balancer and be found again (`mark`, `note`, `family`). Its port is given out from
//! the configured range (`launch`); its end is told at once; stopping it means all of its
//! processes, first kindly.
//!
//! With `on_exit = "stop"` children are stopped when the balancer ends in order. When it is killed
//! they run on, and the next start finds them.

mod family;
mod launch;
mod limit;
mod log;
mod mark;
mod note;
mod provider;
mod table;
mod usage;

pub use provider::ProcessProvider;

#[cfg(test)]
mod tests;
