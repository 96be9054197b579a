//! `/metrics`: everything that is counted, in the OpenMetrics text format.
//!
//! The numbers are gathered when somebody asks, from the cells of the data plane, the state of the
//! servers and the system; nothing is counted here. `page` puts them in order, one file a layer
//! writes them out: `traffic`, `compression`, `server`, `session`, `autoscale`, `rollout`,
//! `mirror`, `certificate`, `notify`, `node`; `process` asks the system, `writer` knows the format.

mod autoscale;
mod certificate;
mod compression;
mod mirror;
mod node;
mod notify;
mod page;
mod process;
mod rollout;
mod server;
mod session;
mod traffic;
mod writer;

pub use page::Losses;
pub(crate) use page::answer;
