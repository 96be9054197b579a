//! What is counted and logged.
//!
//! A metric cell has one writer, the thread whose request it counts, and any number of readers;
//! cells of all writers are added up when somebody asks. So counting costs a load and a store,
//! shares no cache line between cores and takes no lock. Names become cells once, when a writer
//! first meets them. How cells are written out is not decided here.
//!
//! Reading order: `cell`, `histogram` and `latency` (the kinds), `listener`, `route`, `pool`,
//! `server`, `version` and `mirror` (what is counted of each), `compression`, `refusal` and
//! `handshake` (why requests are turned away, and how TLS begins), `worker` (the cells of one
//! writer), `registry` (all writers), and `ending` and `access_log` (a line for each request).

pub mod access_log;
pub mod cell;
pub mod compression;
pub mod ending;
mod family;
pub mod handshake;
pub mod histogram;
pub mod latency;
pub mod listener;
pub mod mirror;
pub mod pool;
pub mod refusal;
pub mod registry;
pub mod route;
pub mod server;
pub mod session;
pub mod version;
pub mod worker;

mod words;
