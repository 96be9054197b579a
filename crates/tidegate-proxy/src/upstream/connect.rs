//! Step 6 of 8: a new connection to a server, within its time. From `pick`, to `connection`.
//!
//! A PROXY header goes out first, where the pool has one, as part of opening the connection: until
//! it is sent there is none, and another server can be tried.

use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll};

use tidegate_core::model::pool::Protocol;
use tidegate_core::time::Instant;
use tidegate_net::clock;
use tidegate_net::stream::Stream;
use tidegate_net::tls::Alpn;
use tidegate_net::tls::client::Client;
use tidegate_net::tls::error::TlsError;

use crate::deadlines::Deadline;
use crate::error::Error;

/// What a connection begins with, before requests go over it.
#[derive(Clone, Copy)]
pub(crate) struct Opening<'a> {
    /// A PROXY header, or nothing.
    pub(crate) header: &'a [u8],
    /// The handshake.
    pub(crate) tls: Option<&'a Client>,
    /// What is to be spoken then. HTTP/2 is agreed on in the handshake, if there is one.
    pub(crate) protocol: Protocol,
}

/// Connects to `address` before `due`, all that the connection begins with included.
pub(crate) async fn connect(
    address: SocketAddr,
    opening: Opening<'_>,
    due: Instant,
    deadline: &Deadline,
) -> Result<Stream, Error> {
    before(due, deadline, open(address, opening)).await?
}

/// Waits for a part of connecting, until `due`.
pub(crate) async fn before<F: Future>(
    due: Instant,
    deadline: &Deadline,
    part: F,
) -> Result<F::Output, Error> {
    let mut part = pin!(part);
    deadline.arm(due);
    std::future::poll_fn(|context| {
        if let Poll::Ready(done) = part.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
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

async fn open(address: SocketAddr, opening: Opening<'_>) -> Result<Stream, Error> {
    let mut stream = Stream::connect(address).await.map_err(|_| Error::Connect)?;
    let mut left = opening.header;
    std::future::poll_fn(|context| poll_send(&mut stream, &mut left, context))
        .await
        .map_err(|_| Error::Connect)?;
    let Some(client) = opening.tls else { return Ok(stream) };
    let handshake = match stream.connect_tls(client, &address.ip().to_string()) {
        Ok(()) => std::future::poll_fn(|context| stream.poll_handshake(context)).await,
        Err(error) => Err(TlsError::Protocol(error.into())),
    };
    let session = handshake.map_err(|error| {
        tracing::debug!(%address, error = &error as &dyn std::error::Error, "no TLS with a server");
        match error {
            TlsError::Closed | TlsError::Io(_) => Error::Connect,
            _ => Error::Handshake,
        }
    })?;
    if opening.protocol == Protocol::Http2 && session.alpn != Some(Alpn::H2) {
        tracing::debug!(%address, "a server that does not agree on HTTP/2");
        return Err(Error::Handshake);
    }
    Ok(stream)
}

fn poll_send(
    stream: &mut Stream,
    left: &mut &[u8],
    context: &mut Context<'_>,
) -> Poll<std::io::Result<()>> {
    while !left.is_empty() {
        let count = std::task::ready!(stream.poll_write(context, left))?;
        *left = &left[count..];
    }
    Poll::Ready(Ok(()))
}
