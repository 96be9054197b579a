//! The demo: a shop on six servers, a balancer in front of it, customers, and a server that dies.
//!
//! `shop` and `book` are one server of the shop, `fleet` all of them as processes, `stage` the shop
//! and its balancer; `load` and `tally` are the customers and what they met; `story` is what
//! happens when, `screen` what is seen of it, and `summary` what it came to.

pub(crate) mod book;
pub(crate) mod shop;

mod fleet;
mod stage;

mod load;
mod tally;

pub(crate) mod screen;
pub(crate) mod story;
pub(crate) mod summary;
