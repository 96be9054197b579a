//! One end of a connection, as seen by whoever is hostile: bytes go out as fast as the other side
//! takes them, and all that comes is kept.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags};
use socket2::{Domain, SockRef, Socket, Type};
use tidegate_core::time::Duration;

use super::script::Ends;

/// Bytes that come to a hostile end and wait to be read: few, so that a little makes the other side
/// wait.
pub(super) const RECV_BUFFER: usize = 4096;

/// One end of a connection.
#[derive(Debug)]
pub(super) struct Pipe {
    /// `None` once it is closed.
    stream: Option<TcpStream>,
    /// All that was said, and how much of it the socket has taken.
    pub(super) said: Vec<u8>,
    taken: usize,
    pub(super) heard: Vec<u8>,
    /// The other side says no more.
    pub(super) ended: bool,
    /// Whether it reads what comes.
    pub(super) reads: bool,
    finishing: bool,
}

impl Pipe {
    pub(super) fn connect(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(RECV_BUFFER).expect("an option");
        socket.connect(&address.into()).expect("the data plane accepts");
        Self::new(socket.into())
    }

    pub(super) fn new(stream: TcpStream) -> Self {
        stream.set_nonblocking(true).expect("an option");
        stream.set_nodelay(true).expect("an option");
        Self {
            stream: Some(stream),
            said: Vec::new(),
            taken: 0,
            heard: Vec::new(),
            ended: false,
            reads: true,
            finishing: false,
        }
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.stream.is_none()
    }

    /// Says something, unless its side is finished.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        if self.stream.is_some() && !self.finishing {
            self.said.extend_from_slice(bytes);
            self.pump();
        }
    }

    /// Ends the connection; `Finish` waits until all has been said.
    pub(super) fn end(&mut self, how: Ends) {
        match how {
            Ends::Finish => {
                self.finishing = true;
                self.pump();
            }
            Ends::Close => drop(self.stream.take()),
            Ends::Reset => {
                if let Some(stream) = self.stream.take() {
                    // Only a socket that is gone already refuses, and that one needs no reset.
                    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                }
            }
        }
    }

    /// Moves what can be moved; true when something was.
    pub(super) fn pump(&mut self) -> bool {
        let written = self.write();
        let read = self.read();
        written || read
    }

    fn write(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let mut moved = false;
        while self.taken < self.said.len() {
            match stream.write(&self.said[self.taken..]) {
                Ok(count) => {
                    self.taken += count;
                    moved = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // Nobody listens any more.
                Err(_) => self.taken = self.said.len(),
            }
        }
        if self.finishing && self.taken == self.said.len() {
            // It may be gone both ways already.
            let _ = stream.shutdown(Shutdown::Write);
        }
        moved
    }

    fn read(&mut self) -> bool {
        let Some(stream) = self.stream.as_mut().filter(|_| self.reads && !self.ended) else {
            return false;
        };
        let mut buffer = [0; 32 * 1024];
        let mut moved = false;
        loop {
            match stream.read(&mut buffer) {
                Ok(count) if count > 0 => self.heard.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return moved,
                // The end, or a reset.
                _ => {
                    self.ended = true;
                    return true;
                }
            }
            moved = true;
        }
    }

    /// What to wait for, if there is something.
    pub(super) fn interest(&self) -> Option<PollFd<'_>> {
        let stream = self.stream.as_ref()?;
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, self.reads && !self.ended);
        flags.set(PollFlags::OUT, self.taken < self.said.len());
        let descriptor: BorrowedFd<'_> = stream.as_fd();
        (!flags.is_empty()).then(|| PollFd::from_borrowed_fd(descriptor, flags))
    }
}
