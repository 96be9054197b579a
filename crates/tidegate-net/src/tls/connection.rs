//! An encrypted connection after its handshake: ciphertext on the socket's side, plaintext on ours.
//!
//! **Reading** takes one large piece of ciphertext from the socket into the caller's own buffer and
//! feeds it to the library bit by bit, putting the plaintext at the front of that same buffer. The
//! plaintext never catches up with the ciphertext that is not fed yet, because it is the shorter of
//! the two. What a record that was begun earlier adds beyond that waits in the library for the next
//! read; nothing more is taken from the socket before it is gone.
//!
//! **Writing** encrypts up to [`WRITE_MAX`] bytes and hands all their records to the socket in one
//! call. What the socket does not take waits in the library, and is `owed`: the caller is told of
//! the bytes as they leave, and of the last only when all of them have. So there is back-pressure,
//! and nothing that would have to be flushed. Nothing is encrypted before the socket can take some.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::task::{Context, Poll, ready};

use rustls::Connection as Library;

use crate::socket::Socket;

/// Plaintext that is encrypted at once, and the most that a slow reader makes us hold: eight
/// records which, with what TLS adds, fill two of the largest packets that a socket makes (65,160
/// bytes in Ethernet's segments, 65,483 on loopback). A little more leaves as a small packet of its
/// own behind them, at the price of a large one (decision 015).
pub(crate) const WRITE_MAX: usize = 130_000;
/// Ciphertext that a look at what comes takes from the socket.
const PEEK: usize = 4096;

/// A connection that carries data.
pub(crate) struct Connection {
    library: Box<Library>,
    /// Plaintext that waits in the library.
    waiting: usize,
    /// Bytes that were encrypted and that the caller does not know to be taken yet.
    owed: usize,
    /// Ciphertext that has left of what was encrypted last, beyond what the caller knows of.
    left: usize,
    inbound: Inbound,
    closed: bool,
}

/// What has become of the peer's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inbound {
    /// It may still send.
    Open,
    /// It said that nothing follows.
    Closed,
    /// It went without a word.
    Lost,
    /// It sent what it must not; the library remembers what.
    Broken,
}

impl Connection {
    pub(super) fn new(mut library: Box<Library>) -> io::Result<Self> {
        library.set_buffer_limit(Some(WRITE_MAX));
        let state = library.process_new_packets().map_err(invalid)?;
        let inbound = if state.peer_has_closed() { Inbound::Closed } else { Inbound::Open };
        let waiting = state.plaintext_bytes_to_read();
        let mut connection = Self { library, waiting, owed: 0, left: 0, inbound, closed: false };
        connection.give_memory_back();
        Ok(connection)
    }

    /// Whether a read ends without asking the socket.
    pub(super) const fn is_readable(&self) -> bool {
        self.waiting > 0 || !matches!(self.inbound, Inbound::Open)
    }

    pub(super) fn poll_read(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.waiting > 0 {
                return Poll::Ready(self.take(buffer));
            }
            if let Some(end) = self.end() {
                return Poll::Ready(end.map(|()| 0));
            }
            let count = ready!(socket.poll_read(context, buffer))?;
            let taken = self.decrypt(buffer, count);
            self.answer(socket);
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    pub(super) fn poll_peek(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        loop {
            if self.waiting > 0 {
                return Poll::Ready(Ok(true));
            }
            if let Some(end) = self.end() {
                return Poll::Ready(end.map(|()| false));
            }
            ready!(socket.poll_readable(context))?;
            let mut buffer = [0; PEEK];
            let count = ready!(socket.poll_read(context, &mut buffer))?;
            self.feed_all(&buffer[..count]);
            self.answer(socket);
        }
    }

    /// How the peer's side ended, if it has.
    fn end(&mut self) -> Option<io::Result<()>> {
        match self.inbound {
            Inbound::Open => None,
            Inbound::Closed => Some(Ok(())),
            Inbound::Lost => Some(Err(io::ErrorKind::UnexpectedEof.into())),
            Inbound::Broken => {
                Some(self.library.process_new_packets().map(|_| ()).map_err(invalid))
            }
        }
    }

    /// Turns the ciphertext at the front of `buffer` into plaintext there, and returns how much.
    fn decrypt(&mut self, buffer: &mut [u8], count: usize) -> usize {
        if count == 0 {
            self.inbound = Inbound::Lost;
        }
        let (mut fed, mut filled) = (0, 0);
        while fed < count && self.inbound == Inbound::Open {
            fed += self.feed(&buffer[fed..count]);
            filled += self.take(&mut buffer[filled..fed]).unwrap_or(0);
        }
        filled += self.take(&mut buffer[filled..]).unwrap_or(0);
        self.give_memory_back();
        filled
    }

    /// Lets the library have ciphertext whose plaintext it is to keep.
    fn feed_all(&mut self, mut bytes: &[u8]) {
        if bytes.is_empty() {
            self.inbound = Inbound::Lost;
        }
        while !bytes.is_empty() && self.inbound == Inbound::Open {
            let fed = self.feed(bytes);
            bytes = &bytes[fed..];
        }
        self.give_memory_back();
    }

    /// Lets the library have as much ciphertext as it takes at once.
    fn feed(&mut self, mut bytes: &[u8]) -> usize {
        let Ok(fed) = self.library.read_tls(&mut bytes) else {
            // A record that is longer than records can be.
            self.inbound = Inbound::Lost;
            return 0;
        };
        match self.library.process_new_packets() {
            Ok(state) => {
                self.waiting = state.plaintext_bytes_to_read();
                if state.peer_has_closed() {
                    self.inbound = Inbound::Closed;
                }
            }
            Err(_) => self.inbound = Inbound::Broken,
        }
        fed
    }

    /// Takes plaintext out of the library.
    fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.waiting == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let count = self.library.reader().read(buffer)?;
        self.waiting -= count;
        Ok(count)
    }

    /// The library gives memory for a long record back only when it is about to read: an idle
    /// connection would keep it.
    fn give_memory_back(&mut self) {
        struct Nothing;
        impl Read for Nothing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
        // There is nothing to read, and that is what it says.
        let _ = self.library.read_tls(&mut Nothing);
    }

    /// Sends what the library has to say by itself: alerts, mostly. If the socket does not take it,
    /// it goes with the next data.
    fn answer(&mut self, socket: &Socket) {
        if self.owed == 0 && self.library.wants_write() {
            // An error shows again at the next read or write.
            let _ = self.library.write_tls(&mut Writer(socket));
        }
    }

    pub(super) fn poll_write(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = slices.iter().map(|slice| slice.len()).sum();
        if self.owed == 0 {
            ready!(socket.poll_writable(context))?;
            self.owed = self.library.writer().write_vectored(slices)?;
            // One byte at least is told of at once: the caller has to know that it has begun.
            self.left = 1;
        }
        let taken = match self.poll_flush(socket, context) {
            Poll::Ready(result) => result.map(|()| self.owed)?,
            Poll::Pending => self.left.min(self.owed.saturating_sub(1)),
        };
        let taken = taken.min(offered);
        if taken == 0 && offered > 0 {
            return Poll::Pending;
        }
        self.owed -= taken;
        self.left = self.left.saturating_sub(taken);
        Poll::Ready(Ok(taken))
    }

    /// Sends all records that wait in the library.
    fn poll_flush(&mut self, socket: &Socket, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.library.wants_write() {
            ready!(socket.poll_writable(context))?;
            match self.library.write_tls(&mut Writer(socket)) {
                Ok(count) => self.left += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_close(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.closed {
            self.closed = true;
            self.library.send_close_notify();
        }
        self.poll_flush(socket, context)
    }

    pub(super) fn take_leave(&mut self, socket: &Socket) {
        if !self.closed {
            self.library.send_close_notify();
            // Nobody is left to hear of a failure.
            let _ = self.library.write_tls(&mut Writer(socket));
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waiting, owed, inbound, .. } = self;
        f.debug_struct("Connection")
            .field("waiting", waiting)
            .field("owed", owed)
            .field("inbound", inbound)
            .finish_non_exhaustive()
    }
}

/// The socket as the library writes to it.
pub(super) struct Writer<'a>(pub(super) &'a Socket);

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_now(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_now(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
