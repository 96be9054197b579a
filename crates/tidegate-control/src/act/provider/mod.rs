//! What starts and stops the instances of a pool.
//!
//! `contract` is what is asked of every provider; `process` runs instances as children, `exec` has
//! three commands do it. What is asked, when and how often is decided by
//! `tidegate_core::scale::fleet`.

pub mod contract;
pub mod exec;
pub mod process;
