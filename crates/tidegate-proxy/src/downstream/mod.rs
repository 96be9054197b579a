//! From the clients: accepting connections and reading requests off them.

pub(crate) mod accept;
pub(crate) mod client;
pub(crate) mod h1;
pub(crate) mod tls;
