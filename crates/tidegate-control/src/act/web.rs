//! The parts of a small HTTP/1.1 client of our own, over TLS or in the clear: a connection for each
//! request, and answers that are bounded in size. Whoever uses them bounds the time.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::RETRY_AFTER;
use http::{HeaderMap, Uri};
use hyper::body::{Body, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use tidegate_core::time::Duration;
use tidegate_net::stream::Stream;
use tidegate_net::tls::client::Client;

/// Bytes of one read.
const READ_BYTES: usize = 8 << 10;

/// What went wrong, in words.
pub(super) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Connects to the host of `uri`, at one of its addresses: with TLS if there is a client for it.
pub(super) async fn connect(uri: &Uri, tls: Option<&Client>) -> Result<Socket, Fault> {
    let host = uri.host().ok_or("a URL without a host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let usual = if tls.is_some() { 443 } else { 80 };
    let mut failed = Fault::from("the host has no address");
    for address in tokio::net::lookup_host((host, uri.port_u16().unwrap_or(usual))).await? {
        match open(address, host, tls).await {
            Ok(stream) => return Ok(Socket(stream)),
            Err(fault) => failed = fault,
        }
    }
    Err(failed)
}

async fn open(address: SocketAddr, host: &str, tls: Option<&Client>) -> Result<Stream, Fault> {
    let connected = Stream::connect(address).await;
    let mut stream = connected.map_err(|error| format!("cannot connect to {address}: {error}"))?;
    if let Some(tls) = tls {
        stream.connect_tls(tls, host)?;
        let agreed = poll_fn(|context| stream.poll_handshake(context)).await;
        agreed.map_err(|error| sentence(&error))?;
    }
    Ok(stream)
}

/// The whole of a body, which must not be longer than `limit`.
pub(super) async fn collect(mut body: Incoming, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame?.into_data() {
            if whole.len() + data.len() > limit {
                return Err("the answer is too large".into());
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

/// In seconds, which is how programs write it.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// An error and what it comes from.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", sentence(source)),
        None => error.to_string(),
    }
}

/// A connection as the HTTP library wants it.
pub(super) struct Socket(Stream);

impl Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut room: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = [0; READ_BYTES];
        let length = room.remaining().min(READ_BYTES);
        let count = ready!(self.get_mut().0.poll_read(context, &mut buffer[..length]))?;
        room.put_slice(&buffer[..count]);
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().0.poll_write(context, bytes)
    }

    /// What is told of as taken is with the socket.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.poll_shutdown(context)
    }
}
