//! Configuration: text to raw tree to checked model, each step pure.
//!
//! [`load::load`] reads a file and what it includes through a [`load::Source`], so that this crate
//! touches no disk, and reports every mistake at once as [`diagnostic::Diagnostic`]s.

pub mod diagnostic;
pub mod diff;
pub mod load;
pub mod proxy;
pub mod reference;
pub mod schema;
pub mod text;

mod check;
mod keys;
mod nearest;
mod position;
mod raw;
mod resolved;
