//! Asking a server whether it is well.
//!
//! `crew` sends probes, a bounded number at once, each in a task of its own; `connect` opens their
//! connections, `tcp`, `http` and `grpc` are what can be asked, and `fault` puts the system's words
//! for a failure into those of `tidegate_core::health`. Nothing here judges what a result means.

mod connect;
pub(crate) mod crew;
mod fault;
mod grpc;
mod http;
mod tcp;
