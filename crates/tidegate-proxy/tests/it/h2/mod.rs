//! HTTP/2 on both sides: `frames` and `raw` say what no library would, `real` is the library as
//! client and server, `ways` has the same conversation on any pair of versions. The rest are tests.

mod abuse;
mod downgrade;
mod flow;
pub mod frames;
mod lifetime;
mod messages;
mod programs;
pub mod raw;
pub mod real;
mod servers;
mod site;
pub mod ways;
mod websocket;
