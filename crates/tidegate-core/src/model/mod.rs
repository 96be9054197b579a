//! The vocabulary: what a checked configuration says, and the live state of a server.
//!
//! Values here are already valid; `config::check` is the only road to them from text. Reading
//! order: `ids`, then `listener`, `route`, `pool`, `server`, then the whole in `node`. `grpc`
//! is apart: the statuses of a protocol.

pub mod grpc;
pub mod ids;
pub mod listener;
pub mod node;
pub mod pool;
pub mod ratio;
pub mod route;
pub mod secret;
pub mod server;
