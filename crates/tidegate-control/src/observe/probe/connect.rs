//! The connection of a check: as traffic has it, encrypted where the pool is.

use std::future::poll_fn;

use tidegate_core::health::probe::ProbeResult;
use tidegate_net::stream::Stream;
use tidegate_net::tls::error::TlsError;

use super::crew::Target;
use super::fault;

/// Connects; the caller bounds the time.
pub(super) async fn connect(target: &Target) -> Result<Stream, ProbeResult> {
    let connected = Stream::connect(target.address).await;
    let mut stream = connected.map_err(|error| fault::of_connecting(&error))?;
    if let Some(client) = &target.client {
        let host = target.address.ip().to_string();
        let begun = stream.connect_tls(client, &host);
        begun.map_err(|_| ProbeResult::Local("no name to verify"))?;
        let agreed = poll_fn(|context| stream.poll_handshake(context)).await;
        agreed.map_err(|error| of_handshake(&error))?;
    }
    Ok(stream)
}

/// What a failed handshake says of the server.
fn of_handshake(error: &TlsError) -> ProbeResult {
    match error {
        TlsError::Closed => ProbeResult::Reset,
        TlsError::Io(error) => fault::of_talking(error),
        TlsError::Certificate(_) => ProbeResult::Protocol("certificate not accepted"),
        TlsError::NotTls => ProbeResult::Protocol("no TLS"),
        TlsError::Incompatible(_) => ProbeResult::Protocol("no common version of TLS"),
        TlsError::Refused(_) => ProbeResult::Protocol("handshake refused"),
        TlsError::Protocol(_) => ProbeResult::Protocol("malformed handshake"),
    }
}
