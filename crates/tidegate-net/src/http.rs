//! One end of an HTTP/1.1 connection, for our own small clients and servers.
//!
//! It reads whole heads and whole bodies with the codecs of the core, and so judges as strictly as
//! the data plane does. Made for messages that fit in memory: nothing here is on the way of traffic
//! that is balanced.

use std::io;

use tidegate_core::http::body::Body;
use tidegate_core::http::chunked::Keep;
use tidegate_core::http::head::{BodyLength, Head};
use tidegate_core::http::parse;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::scan::Scan;
use tidegate_core::http::scheme::Scheme;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of a head.
const HEAD_MAX: usize = 32 * 1024;
/// Fields of a head.
const FIELDS_MAX: usize = 128;

/// A stream, and what was read from it ahead of need.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// One end, of which nothing has been read.
    pub const fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// What the stream fails with.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Reads the head of the next request; false when the peer closed instead of sending one.
    ///
    /// # Errors
    /// What the stream fails with, or that this is no head of a request.
    pub async fn request(&mut self, head: &mut Head) -> io::Result<bool> {
        let Some(bytes) = self.head().await? else { return Ok(false) };
        parse::request(&bytes, FIELDS_MAX, Scheme::Http, head).map_err(invalid)?;
        Ok(true)
    }

    /// Reads the head of the final reply to a request whose method is not HEAD.
    ///
    /// # Errors
    /// What the stream fails with, or that this is no head of a reply.
    pub async fn reply(&mut self, head: &mut ReplyHead) -> io::Result<()> {
        loop {
            let bytes = self.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            parse::reply(&bytes, FIELDS_MAX, false, head).map_err(invalid)?;
            if !head.is_interim() {
                return Ok(());
            }
        }
    }

    /// Reads a body, which must not be longer than `limit`.
    ///
    /// # Errors
    /// What the stream fails with, or that this is no such body.
    pub async fn body(&mut self, length: BodyLength, limit: usize) -> io::Result<Vec<u8>> {
        let mut body = Body::new(length);
        let mut data = Vec::new();
        while !body.is_done() {
            let step =
                body.advance(&mut self.buffer, Keep::Data, &mut Vec::new()).map_err(invalid)?;
            data.extend_from_slice(&self.buffer[..step.produced]);
            self.buffer.drain(..step.consumed);
            if data.len() > limit {
                return Err(invalid("the body is longer than expected"));
            }
            if step.done {
                break;
            }
            if self.fill().await? == 0 {
                let whole = matches!(body, Body::UntilEnd(_));
                return if whole { Ok(data) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
        Ok(data)
    }

    async fn head(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut scan = Scan::default();
        loop {
            if let Some(length) = scan.advance(&self.buffer, HEAD_MAX).map_err(invalid)? {
                let head = self.buffer[scan.skipped()..length].to_vec();
                self.buffer.drain(..length);
                return Ok(Some(head));
            }
            if self.fill().await? == 0 {
                let between = self.buffer.is_empty();
                return if between { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(4096);
        self.stream.read_buf(&mut self.buffer).await
    }
}

/// Gets what is at `target` of a plain HTTP server, `HOST:PORT`, on a connection of its own: the
/// status and the body, which must not be longer than `limit`. The caller bounds the time.
///
/// # Errors
/// When it cannot be reached or does not answer as it should.
pub async fn get(place: &str, target: &str, limit: usize) -> io::Result<(u16, Vec<u8>)> {
    let mut wire = Wire::new(TcpStream::connect(place).await?);
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: tidegate\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    wire.send(request.as_bytes()).await?;
    let mut head = ReplyHead::default();
    wire.reply(&mut head).await?;
    let body = wire.body(head.body(), limit).await?;
    Ok((head.status(), body))
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_that_come_together_are_read_apart() {
        let (mut there, here) = tokio::io::duplex(1024);
        let mut wire = Wire::new(here);
        let two = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\
                    POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
                    2\r\nde\r\n0\r\n\r\n";
        there.write_all(two).await.expect("there is room");
        drop(there);
        let mut head = Head::default();
        for (path, body) in [("/a", &b"abc"[..]), ("/b", b"de")] {
            assert!(wire.request(&mut head).await.expect("a request"));
            assert_eq!(head.path(), path);
            assert_eq!(wire.body(head.body(), 100).await.expect("a body"), body);
        }
        assert!(!wire.request(&mut head).await.expect("an end between messages is no error"));
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_or_too_short_is_an_error() {
        for (limit, error) in [(2, io::ErrorKind::InvalidData), (9, io::ErrorKind::UnexpectedEof)] {
            let (mut there, here) = tokio::io::duplex(1024);
            there.write_all(b"abc").await.expect("there is room");
            drop(there);
            let got = Wire::new(here).body(BodyLength::Exact(4), limit).await;
            assert_eq!(got.expect_err("not four bytes").kind(), error);
        }
    }

    #[tokio::test]
    async fn a_reply_without_length_ends_with_the_connection() {
        let (mut there, here) = tokio::io::duplex(1024);
        let mut wire = Wire::new(here);
        let bytes = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nall of it";
        there.write_all(bytes).await.expect("there is room");
        drop(there);
        let mut head = ReplyHead::default();
        wire.reply(&mut head).await.expect("a reply");
        assert_eq!(head.status(), 200);
        assert_eq!(wire.body(head.body(), 100).await.expect("a body"), b"all of it");
    }
}
