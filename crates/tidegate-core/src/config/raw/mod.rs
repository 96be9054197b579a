//! The raw tree: a configuration as written, before it means anything.
//!
//! In order of use: [`parse`] reads text, [`shape`] holds a file against the declared keys,
//! [`merge`] joins files and lays the defaults of `[default.*]` under each object, [`complete`]
//! fills in the declared defaults. What comes out holds every key that has a value, each with its
//! origin; [`super::check`] turns it into the model.

pub(crate) mod complete;
pub(crate) mod merge;
pub(crate) mod parse;
pub(crate) mod report;
pub(crate) mod shape;
pub(crate) mod tree;
