//! Step 6 of 8: a new connection to a server, within its time. From `pick`, to `connection`.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;

use tidegate_core::time::Instant;
use tidegate_net::clock;
use tidegate_net::stream::Stream;
use tidegate_net::tls::client::Client;
use tidegate_net::tls::error::TlsError;

use crate::deadlines::Deadline;
use crate::error::Error;

/// Connects to `address` before `due`, the handshake included if `tls` says how.
pub(crate) async fn connect(
    address: SocketAddr,
    tls: Option<&Client>,
    due: Instant,
    deadline: &Deadline,
) -> Result<Stream, Error> {
    let mut connecting = pin!(open(address, tls));
    deadline.arm(due);
    std::future::poll_fn(|context| {
        if let Poll::Ready(result) = connecting.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        if deadline.fired() {
            if clock::now() >= due {
                return Poll::Ready(Err(Error::ConnectTimeout));
            }
            deadline.arm(due);
        }
        Poll::Pending
    })
    .await
}

async fn open(address: SocketAddr, tls: Option<&Client>) -> Result<Stream, Error> {
    let mut stream = Stream::connect(address).await.map_err(|_| Error::Connect)?;
    let Some(client) = tls else { return Ok(stream) };
    let handshake = match stream.connect_tls(client, &address.ip().to_string()) {
        Ok(()) => std::future::poll_fn(|context| stream.poll_handshake(context)).await.map(|_| ()),
        Err(error) => Err(TlsError::Protocol(error.into())),
    };
    handshake.map_err(|error| {
        tracing::debug!(%address, error = &error as &dyn std::error::Error, "no TLS with a server");
        match error {
            TlsError::Closed | TlsError::Io(_) => Error::Connect,
            _ => Error::Handshake,
        }
    })?;
    Ok(stream)
}
