//! What keeps a user on one server: what is remembered, and for whom.
//!
//! `tag` names pools and servers by numbers that are the same on every balancer and after every
//! restart, and `cookie` is what a session cookie says. Whether the server that is remembered can
//! be had is for balancing to say.

pub mod cookie;
pub mod tag;
