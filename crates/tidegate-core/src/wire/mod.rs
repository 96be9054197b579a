//! What is said on a connection before anybody speaks HTTP.

pub mod proxy_protocol;
