//! The demo: a shop on six servers, a balancer in front of it, customers, and a server that dies.
//!
//! `shop` and `book` are one server of the shop, `fleet` all of them as processes; `load` and `tally` are the
//! customers and what they met; `story` is what happens when.

pub(crate) mod book;
pub(crate) mod shop;

mod fleet;
mod load;
mod tally;
