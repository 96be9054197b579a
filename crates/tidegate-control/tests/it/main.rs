//! The control plane over real sockets and files, with a data plane that only takes notes.

mod explain;
mod geo;
mod instances;
mod keys;
mod notify;
mod overrides;
mod probe;
mod release;
mod reload;
mod start;
mod status;
mod support;
mod tls;
mod watch;
