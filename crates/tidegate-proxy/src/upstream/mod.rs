//! Towards the servers: connections, kept and opened, one exchange at a time on HTTP/1 and many on
//! HTTP/2.

pub(crate) mod connect;
pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod trunk;
pub(crate) mod trunks;
