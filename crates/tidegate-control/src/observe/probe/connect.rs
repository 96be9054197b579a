//! The connection of a check: as traffic has it, announced and encrypted where the pool's are.
//!
//! Where traffic is announced with a PROXY header, the check says that it speaks for nobody: a
//! server that waits for the header would call a bare connection broken.

use std::future::poll_fn;
use std::task::ready;

use tidegate_core::health::probe::ProbeResult;
use tidegate_core::wire::proxy_protocol::Header;
use tidegate_net::stream::Stream;
use tidegate_net::tls::error::TlsError;

use super::crew::Target;
use super::fault;

/// Connects; the caller bounds the time.
pub(super) async fn connect(target: &Target) -> Result<Stream, ProbeResult> {
    let connected = Stream::connect(target.address).await;
    let mut stream = connected.map_err(|error| fault::of_connecting(&error))?;
    if let Some(version) = target.way.send_proxy {
        send(&mut stream, &Header::Local.to_bytes(version)).await?;
    }
    if let Some(client) = &target.way.client {
        let host = target.address.ip().to_string();
        let begun = stream.connect_tls(client, &host);
        begun.map_err(|_| ProbeResult::Local("no name to verify"))?;
        let agreed = poll_fn(|context| stream.poll_handshake(context)).await;
        agreed.map_err(|error| of_handshake(&error))?;
    }
    Ok(stream)
}

/// Sends all of `bytes`.
pub(super) async fn send(stream: &mut Stream, mut bytes: &[u8]) -> Result<(), ProbeResult> {
    let sent = poll_fn(|context| {
        while !bytes.is_empty() {
            let count = ready!(stream.poll_write(context, bytes))?;
            bytes = &bytes[count..];
        }
        std::task::Poll::Ready(Ok::<_, std::io::Error>(()))
    });
    sent.await.map_err(|error| fault::of_talking(&error))
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
        TlsError::NoIdentity | TlsError::Protocol(_) => {
            ProbeResult::Protocol("malformed handshake")
        }
    }
}
