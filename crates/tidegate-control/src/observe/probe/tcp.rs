//! The TCP check: that a connection opens. Nothing is sent; the server sees a connection that is
//! closed at once.

use std::net::SocketAddr;

use tidegate_core::health::probe::ProbeResult;
use tidegate_net::clock;
use tokio::net::TcpStream;

use super::fault;

/// Asks the server; the caller bounds the time.
pub(super) async fn ask(address: SocketAddr) -> ProbeResult {
    let started = clock::now();
    match TcpStream::connect(address).await {
        Ok(_) => ProbeResult::Success { latency: clock::now().since(started), status: None },
        Err(error) => fault::of_connecting(&error),
    }
}
