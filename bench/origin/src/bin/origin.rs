//! The server behind every balancer that is measured: one thread, one epoll, answers made once.
//!
//! `GET /s/N` answers N bytes with a Content-Length, `/h/N` a page of HTML, `/c/N` the bytes in
//! chunks, whatever the method. Pipelined requests are answered in order. It has no timeouts and
//! trusts its clients.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::rc::Rc;

use bench_origin::poll::{Batch, Poll};
use bench_origin::slots::Slots;
use bench_origin::{request, response, socket};
use clap::Parser;

/// The token of the listener; connections use their descriptor's number, which is smaller.
const LISTENER: usize = usize::MAX;
/// Different paths whose responses are kept.
const CACHED_MAX: usize = 64;

/// Answers GET /s/N with N bytes and a Content-Length, /h/N with HTML, /c/N in chunks.
#[derive(Parser)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one, which is printed.
    port: u16,
}

#[expect(clippy::print_stdout, reason = "tells who started it the port")]
fn main() -> anyhow::Result<()> {
    let listener = socket::listen(Arguments::parse().port)?;
    let poll = Poll::new()?;
    poll.add_listener(&listener, LISTENER)?;
    println!("LISTENING {}", socket::port_of(&listener)?);

    let mut connections: Slots<Connection> = Slots::new();
    let mut shared = Shared { buffer: vec![0; 64 * 1024], responses: HashMap::new() };
    let mut batch = Batch::new();
    loop {
        poll.wait(&mut batch, None)?;
        for event in batch.events() {
            if event.token == LISTENER {
                while let Some(stream) = socket::accept(&listener)? {
                    let token = usize::try_from(stream.as_raw_fd())?;
                    poll.add_stream(&stream, token)?;
                    connections.insert(token, Connection::new(stream));
                }
            } else if let Some(connection) = connections.one_mut(event.token)
                && connection.advance(&mut shared) == Next::Close
            {
                connections.remove(event.token);
            }
        }
    }
}

/// What all connections use in turn.
struct Shared {
    buffer: Vec<u8>,
    responses: HashMap<String, Rc<[u8]>>,
}

impl Shared {
    fn response(&mut self, path: &str) -> Rc<[u8]> {
        if let Some(known) = self.responses.get(path) {
            return Rc::clone(known);
        }
        if self.responses.len() >= CACHED_MAX {
            self.responses.clear();
        }
        let made: Rc<[u8]> = response::for_path(path).into();
        self.responses.insert(path.to_owned(), Rc::clone(&made));
        made
    }
}

struct Connection {
    stream: TcpStream,
    /// Received and not yet answered.
    received: Vec<u8>,
    /// Bytes of a request body still to come, thrown away.
    skip: usize,
    sending: Option<Sending>,
}

struct Sending {
    bytes: Rc<[u8]>,
    sent: usize,
    close: bool,
}

/// What to do with a connection after it has gone as far as it can.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Wait for its next event.
    Wait,
    /// Close it.
    Close,
    /// Go on: there is more to do without waiting.
    Again,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self { stream, received: Vec::new(), skip: 0, sending: None }
    }

    /// Sends, answers and receives until the socket has no more room or no more bytes.
    fn advance(&mut self, shared: &mut Shared) -> Next {
        loop {
            let next = match self.sending.take() {
                Some(sending) => self.send(sending),
                None if self.answer(shared) => Next::Again,
                None => self.receive(&mut shared.buffer),
            };
            if next != Next::Again {
                return next;
            }
        }
    }

    fn send(&mut self, mut sending: Sending) -> Next {
        match self.stream.write(&sending.bytes[sending.sent..]) {
            Ok(count) => sending.sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.sending = Some(sending);
                return Next::Wait;
            }
            Err(_) => return Next::Close,
        }
        if sending.sent < sending.bytes.len() {
            self.sending = Some(sending);
        } else if sending.close {
            return Next::Close;
        }
        Next::Again
    }

    /// Prepares the response to the first whole request received, if there is one.
    fn answer(&mut self, shared: &mut Shared) -> bool {
        let (path, close) = match request::parse(&self.received) {
            Ok(None) => return false,
            Ok(Some(request)) => {
                self.received.drain(..request.head_len);
                self.skip = request.body_len;
                self.skip_body();
                (request.path, request.close)
            }
            // Nonsense gets the answer to an unknown path, and the connection ends.
            Err(request::Malformed) => (String::new(), true),
        };
        self.sending = Some(Sending { bytes: shared.response(&path), sent: 0, close });
        true
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Next {
        match self.stream.read(buffer) {
            Ok(0) => Next::Close,
            Ok(count) => {
                self.received.extend_from_slice(&buffer[..count]);
                self.skip_body();
                Next::Again
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Next::Wait,
            Err(_) => Next::Close,
        }
    }

    fn skip_body(&mut self) {
        let count = self.skip.min(self.received.len());
        self.received.drain(..count);
        self.skip -= count;
    }
}
