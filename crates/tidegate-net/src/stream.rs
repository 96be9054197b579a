//! A byte stream to a peer, in the clear or encrypted, driven by polling.
//!
//! A stream begins in the clear. [`Stream::accept_tls`] and [`Stream::connect_tls`] turn it into an
//! encrypted one, whose handshake [`Stream::poll_handshake`] drives; from then on every function
//! means what it meant before, of the plaintext. In the clear all this costs one comparison.
//!
//! Writing has a contract, which a queue keeps by itself: bytes that were offered and not taken are
//! offered again, in front of any others. An encrypted stream may have encrypted them already. It
//! says that a byte was taken only when the socket has it or will have it before the last byte that
//! was offered, so that whatever was taken whole can be closed behind: nothing has to be flushed.
//!
//! An end without the peer's word (`close_notify`) may be anybody's doing, and is an error of the
//! kind `UnexpectedEof`.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::net::TcpStream;

use crate::socket::Socket;
use crate::tls::client::Client;
use crate::tls::connection::WRITE_MAX;
use crate::tls::error::{SetupError, TlsError};
use crate::tls::handshake::Handshake;
use crate::tls::server::Server;
use crate::tls::session::Session;
use crate::tls::state::Tls;

/// A connected stream.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    tls: Option<Box<Tls>>,
}

impl Stream {
    /// Wraps an accepted connection.
    #[must_use]
    pub const fn new(stream: TcpStream) -> Self {
        Self { socket: Socket(stream), tls: None }
    }

    /// Connects, with `TCP_NODELAY`.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::new(stream))
    }

    /// This end of the connection.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_address()
    }

    /// Speaks TLS from here on, as a server.
    pub fn accept_tls(&mut self, server: &Arc<Server>) {
        self.tls = Some(Box::new(Tls::Handshake(Handshake::accept(server))));
    }

    /// Speaks TLS from here on, as a client of the server at `host`, a name or an address.
    pub fn connect_tls(&mut self, client: &Client, host: &str) -> Result<(), SetupError> {
        self.tls = Some(Box::new(Tls::Handshake(Handshake::connect(client, host)?)));
        Ok(())
    }

    /// Drives the handshake that was begun, to its end. After [`TlsError::NotTls`] the stream is in
    /// the clear again, for an answer that such a peer can read.
    ///
    /// # Panics
    /// When no handshake was begun.
    pub fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<Result<Session, TlsError>> {
        let Some(tls) = &mut self.tls else { panic!("no handshake was begun") };
        let result = tls.poll_handshake(&self.socket, context);
        if let Poll::Ready(Err(TlsError::NotTls)) = result {
            self.tls = None;
        }
        result
    }

    /// Whether the stream is encrypted, or is about to be.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Waits until something can be read, or the peer has closed. It may turn out to be TLS's own
    /// concern: then a read waits on.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.tls {
            Some(tls) if tls.is_readable() => Poll::Ready(Ok(())),
            _ => self.socket.poll_readable(context),
        }
    }

    /// Reads into `buffer`, which must not be empty; 0 when the peer has closed its side.
    pub fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.tls {
            None => self.socket.poll_read(context, buffer),
            Some(tls) => tls.poll_read(&self.socket, context, buffer),
        }
    }

    /// Waits until bytes are there (`true`) or the peer has closed its side (`false`), taking
    /// nothing.
    pub fn poll_peek(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        match &mut self.tls {
            None => self.socket.poll_peek(context),
            Some(tls) => tls.poll_peek(&self.socket, context),
        }
    }

    /// Whether the peer has left the stream alone, as far as the kernel has said: nothing of its
    /// data has come, nor its end. What TLS has to say by itself, such as a ticket, does not count.
    pub fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        match &mut self.tls {
            None => self.socket.poll_readable(&mut context).is_pending(),
            Some(tls) => tls.poll_peek(&self.socket, &mut context).is_pending(),
        }
    }

    /// How many bytes are best offered for writing at once.
    #[must_use]
    pub const fn write_size(&self) -> usize {
        if self.is_tls() { WRITE_MAX } else { usize::MAX }
    }

    /// Writes from `bytes` what the socket takes.
    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.tls {
            None => self.socket.poll_write(context, bytes),
            Some(tls) => tls.poll_write(&self.socket, context, &[IoSlice::new(bytes)]),
        }
    }

    /// Writes from the slices, in order, what the socket takes.
    pub fn poll_write_vectored(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.tls {
            None => self.socket.poll_write_vectored(context, slices),
            Some(tls) => tls.poll_write(&self.socket, context, slices),
        }
    }

    /// Closes our side: the peer reads an end, and may still send.
    pub fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(tls) = &mut self.tls {
            std::task::ready!(tls.poll_close(&self.socket, context))?;
        }
        self.socket.poll_shutdown(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.take_leave(&self.socket);
        }
    }
}
