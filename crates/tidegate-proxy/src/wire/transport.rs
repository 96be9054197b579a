//! A connection as the HTTP/2 library wants it: a reader and a writer of bytes.
//!
//! Bytes that were read before it was known to carry HTTP/2 come first.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tidegate_net::stream::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::held::Held;

/// A connection that carries HTTP/2.
#[derive(Debug)]
pub(crate) struct Transport {
    stream: Stream,
    early: Held,
}

impl Transport {
    /// Takes a connection over, and the bytes that have been read from it already.
    pub(crate) const fn new(stream: Stream, early: Held) -> Self {
        Self { stream, early }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let count = self.early.waiting().len().min(buffer.remaining());
            buffer.put_slice(&self.early.waiting()[..count]);
            self.early.consume(count);
            return Poll::Ready(Ok(()));
        }
        let count = ready!(self.stream.poll_read(context, buffer.initialize_unfilled()))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_shutdown(context)
    }
}
