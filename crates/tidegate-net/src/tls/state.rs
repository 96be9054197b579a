//! An encrypted stream in either of its phases.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use super::connection::Connection;
use super::error::TlsError;
use super::handshake::Handshake;
use super::session::Session;
use crate::socket::Socket;

/// A stream that speaks TLS.
#[derive(Debug)]
pub(crate) enum Tls {
    /// It is still agreeing on how.
    Handshake(Handshake),
    /// It carries data.
    Open(Connection),
}

impl Tls {
    /// Drives the handshake to its end.
    pub(crate) fn poll_handshake(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<Result<Session, TlsError>> {
        let Self::Handshake(handshake) = self else {
            return Poll::Ready(Err(TlsError::Closed));
        };
        let (connection, session) = ready!(handshake.poll(socket, context))?;
        *self = Self::Open(connection);
        Poll::Ready(Ok(session))
    }

    /// Whether there is something to read without asking the socket.
    pub(crate) const fn is_readable(&self) -> bool {
        matches!(self, Self::Open(connection) if connection.is_readable())
    }

    pub(crate) fn poll_read(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.open()?.poll_read(socket, context, buffer)
    }

    pub(crate) fn poll_peek(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        self.open()?.poll_peek(socket, context)
    }

    pub(crate) fn poll_write(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.open()?.poll_write(socket, context, slices)
    }

    /// Tells the peer that nothing follows. A handshake has nobody to tell yet.
    pub(crate) fn poll_close(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Handshake(_) => Poll::Ready(Ok(())),
            Self::Open(connection) => connection.poll_close(socket, context),
        }
    }

    /// Tells the peer so, if the socket takes it at once: for one that is about to be closed.
    pub(crate) fn take_leave(&mut self, socket: &Socket) {
        if let Self::Open(connection) = self {
            connection.take_leave(socket);
        }
    }

    fn open(&mut self) -> io::Result<&mut Connection> {
        match self {
            Self::Open(connection) => Ok(connection),
            Self::Handshake(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}
