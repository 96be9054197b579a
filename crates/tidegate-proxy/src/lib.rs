//! The data plane: takes requests in, decides by the published snapshot, and exchanges them with
//! servers.
//!
//! # Life of a request
//!
//! Every file on the way opens with its step.
//!
//! 1. `downstream/accept.rs` takes a connection in, within the limits, on the core that the kernel
//!    chose.
//! 2. `downstream/sniff.rs` reads the PROXY header that names the client, where there has to be
//!    one. `downstream/client.rs` is the connection: between requests a socket and a deadline,
//!    without a buffer. `downstream/tls.rs` is its handshake, if it has one.
//! 3. `downstream/h1.rs` reads a head, and `tidegate_core::http` parses it into the one `Head`.
//! 4. `exchange/serve.rs` runs the exchange; `exchange/route.rs` finds its route and refuses what
//!    must not go on.
//! 5. `exchange/retry.rs` tries servers, and `exchange/pick.rs` picks each of them, or
//!    `exchange/session.rs` the one that the user had.
//! 6. `upstream/connections.rs` hands out a kept connection, or `upstream/connect.rs` opens one.
//! 7. `upstream/connection.rs` is the connection, which can be kept again only at a message
//!    boundary.
//! 8. `exchange/relay.rs` moves the bytes both ways, `exchange/tunnel.rs` after an upgrade;
//!    `exchange/respond.rs` answers errors, and `exchange/finish.rs` accounts for it all.
//!
//! Each core has its own everything (`worker.rs`), so a request takes no lock and wakes no other
//! core. It never waits for the control plane: it reads the newest snapshot and the state of
//! servers, and tells what it saw.

#![forbid(unsafe_code)]

mod date;
mod deadlines;
mod downstream;
mod error;
mod exchange;
pub mod filter;
mod held;
pub mod log;
pub mod plane;
mod thread;
mod upstream;
mod view;
mod wire;
mod worker;
