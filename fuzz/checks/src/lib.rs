//! What must hold for any bytes.
//!
//! Each module is one check, `run(data)`, that panics when something does not hold. The fuzzers of
//! `fuzz/` feed them what they invent; the tests beside this crate replay what was kept. Reading
//! order: `plain` (messages read as a person would), then what strangers write (`proxy_protocol`,
//! `request_head`, `response_head`, `chunked`, `path`, `authority`, `forwarded`,
//! `accept_encoding`, `device`, `set_cookie`, `session_cookie`, `grpc`), what is written of them
//! (`access_log`), what is decided (`config`, `route`, `body`, `edit`, `health`, `frame_budget`,
//! `fleet`, `rollout`), what is read of the past (`trace`, `verdict_record`), and `exchange`, which
//! puts a whole data plane between two hostile ends.

mod plain;

pub mod accept_encoding;
pub mod access_log;
pub mod authority;
pub mod body;
pub mod chunked;
pub mod config;
pub mod device;
pub mod edit;
pub mod exchange;
pub mod fleet;
pub mod forwarded;
pub mod frame_budget;
pub mod grpc;
pub mod health;
pub mod path;
pub mod proxy_protocol;
pub mod request_head;
pub mod response_head;
pub mod rollout;
pub mod route;
pub mod session_cookie;
pub mod set_cookie;
pub mod trace;
pub mod verdict_record;
