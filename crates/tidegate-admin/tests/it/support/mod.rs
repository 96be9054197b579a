//! What the tests share: a balancer without a data plane, its API, and a client that says what it
//! is told.

pub(crate) mod client;
pub(crate) mod directory;
pub(crate) mod stage;
