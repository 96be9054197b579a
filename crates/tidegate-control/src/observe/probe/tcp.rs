//! The TCP check: that a connection opens, and a handshake comes to its end where the pool speaks
//! TLS. Nothing is asked; the server sees a connection that is closed at once.

use tidegate_core::health::probe::ProbeResult;
use tidegate_net::clock;

use super::connect::connect;
use super::crew::Target;

/// Asks the server; the caller bounds the time.
pub(super) async fn ask(target: &Target) -> ProbeResult {
    let started = clock::now();
    match connect(target).await {
        Ok(_) => ProbeResult::Success { latency: clock::now().since(started), status: None },
        Err(result) => result,
    }
}
