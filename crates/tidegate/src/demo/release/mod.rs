//! The demo of a release: a shop whose next version has a fault that is caught and taken back, and
//! whose version after that is good and takes over.
//!
//! `pace` is how long things take, `stage` the three versions and the balancer in front of them,
//! `shoppers` the customers and what they met; `story` starts the releases and watches them, and
//! `summary` is what it came to.

mod pace;
mod shoppers;
mod stage;
pub(crate) mod story;
pub(crate) mod summary;
