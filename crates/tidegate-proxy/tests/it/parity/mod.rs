//! One exchange, one set of filters, one set of limits and deadlines: whatever a client speaks, and
//! whether it does so in the clear or over TLS, the answers are the same. `doors` has the ways in;
//! the rest are tests, each of which goes through all of them.

mod deadlines;
mod doors;
mod filters;
mod limits;
