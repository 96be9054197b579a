//! A TCP socket, driven by polling.
//!
//! The poll functions lean on edge-triggered readiness: a read that fills less than its buffer has
//! drained the socket, so the next poll waits for the kernel's word instead of asking in vain. That
//! is what keeps a small exchange at two reads and two writes.
//!
//! The calls themselves go to the kernel directly: those of the C library are points at which a
//! thread may be cancelled, which costs each of them two atomic operations for nothing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::net::{RecvFlags, SendFlags};
use tokio::io::{AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Socket(pub(crate) TcpStream);

impl Socket {
    /// Waits until something can be read, or the peer has closed.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(context)
    }

    /// Reads into `buffer`, which must not be empty; 0 when the peer has closed its side.
    pub(crate) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            let full = buffer.len();
            let result = self.attempt(Interest::READABLE, full, |socket| {
                rustix::net::recv(socket, &mut *buffer, RecvFlags::empty()).map(|(count, _)| count)
            });
            if let Some(result) = result {
                return Poll::Ready(result);
            }
        }
    }

    /// Waits like [`Socket::poll_readable`], then tells whether bytes are there (`true`) or the
    /// peer has closed its side (`false`), taking nothing.
    pub(crate) fn poll_peek(&self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        match self.0.poll_peek(context, &mut buffer) {
            Poll::Ready(Ok(count)) => Poll::Ready(Ok(count > 0)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Writes from `bytes` what the socket takes.
    pub(crate) fn poll_write(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            let result = self.attempt(Interest::WRITABLE, bytes.len(), |socket| {
                rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)
            });
            if let Some(result) = result {
                return Poll::Ready(result);
            }
        }
    }

    /// Writes from the slices, in order, what the socket takes.
    pub(crate) fn poll_write_vectored(
        &self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let full = slices.iter().map(|slice| slice.len()).sum();
        loop {
            ready!(self.0.poll_write_ready(context))?;
            let result =
                self.attempt(Interest::WRITABLE, full, |socket| rustix::io::writev(socket, slices));
            if let Some(result) = result {
                return Poll::Ready(result);
            }
        }
    }

    /// Waits until something can be written.
    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(context)
    }

    /// Writes what the socket takes at once.
    pub(crate) fn write_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let full = slices.iter().map(|slice| slice.len()).sum();
        self.attempt(Interest::WRITABLE, full, |socket| rustix::io::writev(socket, slices))
            .unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    /// Makes one call. When it moves less than `full` bytes the socket is drained, or filled, and
    /// its readiness is taken back: an edge will tell of the next. `None` when it was not ready.
    fn attempt(
        &self,
        interest: Interest,
        full: usize,
        mut call: impl FnMut(&TcpStream) -> rustix::io::Result<usize>,
    ) -> Option<io::Result<usize>> {
        let mut moved = None;
        let result = self.0.try_io(interest, || {
            loop {
                match call(&self.0) {
                    Ok(count) if count == full || count == 0 => return Ok(count),
                    Ok(count) => {
                        moved = Some(count);
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        });
        match (result, moved) {
            (_, Some(count)) => Some(Ok(count)),
            (Err(error), None) if error.kind() == io::ErrorKind::WouldBlock => None,
            (result, None) => Some(result),
        }
    }

    /// Closes our side: the peer reads an end, and may still send.
    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
