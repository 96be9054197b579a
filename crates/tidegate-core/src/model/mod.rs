//! The vocabulary: what a checked configuration says, and the live state of a server.
//!
//! Values here are already valid; `config::check` is the only road to them from text. Reading
//! order: `ids`, then `listener`, `route` (with `body`, `edit` and `template`), `pool`, `server`,
//! `session`, `tls`, `autoscale` (with `zone`) and `provider`, `audience`, `rollout`, `notify`,
//! then the whole in `node`; `written` tells where something stands in the configuration.
//! `grpc` is apart: the statuses of a protocol.

pub mod acme;
pub mod audience;
pub mod autoscale;
pub mod body;
pub mod compression;
pub mod edit;
pub mod grpc;
pub mod ids;
pub mod listener;
pub mod node;
pub mod notify;
pub mod pool;
pub mod provider;
pub mod ratio;
pub mod rollout;
pub mod route;
pub mod secret;
pub mod server;
pub mod session;
pub mod template;
pub mod tls;
pub mod written;
pub mod zone;
