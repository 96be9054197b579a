//! The demo: a shop on six servers, a balancer in front of it, a promotion that brings ten times
//! the customers, and a server that dies in the middle of it.
//!
//! `shop` and `book` are one server of the shop, `stage` the shop and its balancer, which starts
//! and stops the servers; `script` is what happens when, `traffic` the demand that follows from it,
//! `load` and `tally` are the customers and what they met; `story` brings it about, `screen` and
//! `chart` are what is seen of it, and `bill` and `summary` what it came to. `release` is another
//! story of the same shop.

pub(crate) mod book;
pub(crate) mod shop;

mod script;
mod stage;

mod load;
mod tally;
mod traffic;

mod bill;
mod chart;
pub(crate) mod release;
pub(crate) mod screen;
pub(crate) mod story;
pub(crate) mod summary;
