//! Towards the servers: connections, kept and opened.

pub(crate) mod connect;
pub(crate) mod connection;
pub(crate) mod connections;
