//! Certificates that authorities issue by themselves (ACME, RFC 8555).
//!
//! `orders` is the task: it asks the core when a certificate is due, one certificate at a time, and
//! keeps what comes in the state directory. `order` is one order from its beginning to its end,
//! `account` whom it is placed by, `http` how the authority is talked to, `failed` how any of it
//! goes wrong. What has been kept enters by the road of every changed file (`tls/refresh`), so
//! nothing here touches what serves; only the answers to challenges are shared with the data plane.
//!
//! `wanted` says what the configuration asks for, `standing` is what people see.

mod account;
mod failed;
mod http;
mod order;
pub(crate) mod orders;
pub(crate) mod standing;
pub(crate) mod wanted;
