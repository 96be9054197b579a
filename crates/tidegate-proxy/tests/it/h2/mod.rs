//! HTTP/2 on both sides: `frames` and `raw` say what no library would, `real` is the library as
//! client and server, `ways` has the same conversation on any pair of versions. The rest are tests.

mod abuse;
mod downgrade;
mod flow;
mod frames;
mod lifetime;
mod messages;
mod parity;
mod programs;
mod raw;
mod real;
mod servers;
mod site;
mod ways;
mod websocket;
