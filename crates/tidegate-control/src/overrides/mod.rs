//! What people ask of single servers against what is configured: that one takes no new sessions, is
//! left alone, or has another weight. It is kept across reloads and restarts until it is taken back
//! or its server goes.
//!
//! `order` is what can be asked, `book` what is asked and takes effect. Instances are no servers to
//! ask things of: when they come and go is for the autoscaler to say, which is steered as a whole.

pub(crate) mod book;
pub mod order;
