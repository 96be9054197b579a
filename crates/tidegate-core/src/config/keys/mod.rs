//! The declared table of keys: every key of the file, once.
//!
//! A key's name, kind, default and sentence stand together, one file per section. Everything else
//! is derived from them: what is unknown and what was probably meant, what is expected, which
//! defaults are filled in, the JSON Schema, and the reference page. What is not declared here does
//! not exist: nothing is accepted and ignored.

pub(crate) mod analysis;
pub(crate) mod audience;
pub(crate) mod autoscale;
pub(crate) mod compression;
pub(crate) mod edit;
pub(crate) mod health;
pub(crate) mod key;
pub(crate) mod levels;
pub(crate) mod listener;
pub(crate) mod matching;
pub(crate) mod notify;
pub(crate) mod pool;
pub(crate) mod process;
pub(crate) mod provider;
pub(crate) mod rollout;
pub(crate) mod root;
pub(crate) mod route;
pub(crate) mod schedule;
pub(crate) mod session;
pub(crate) mod tls;

#[cfg(test)]
mod tests;
