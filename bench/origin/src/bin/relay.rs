//! A blind TCP relay: what it costs to move the bytes of a proxied request, and nothing else.
//!
//! Every client gets a connection of its own to the target; bytes are copied both ways as they
//! come, without a look at them. It reads until a short read and never asks the kernel whether
//! there is more: with edge-triggered events the next bytes bring the next event. This is the floor
//! that a balancer which also parses, routes and counts is compared with.
//!
//! The connection to the target is made blocking, which loopback answers at once.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsRawFd;

use bench_origin::poll::{Batch, Event, Poll};
use bench_origin::slots::Slots;
use bench_origin::socket;
use clap::Parser;

/// The token of the listener; connections use their descriptors' numbers, which are smaller.
const LISTENER: usize = usize::MAX;
/// Bytes moved by one read, at most.
const BUFFER: usize = 256 * 1024;

/// Copies bytes between clients of 127.0.0.1:PORT and 127.0.0.1:TARGET.
#[derive(Parser)]
struct Arguments {
    /// Port to listen on; 0 takes a free one, which is printed.
    port: u16,
    /// Port to connect to.
    target: u16,
}

#[expect(clippy::print_stdout, reason = "tells who started it the port")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let listener = socket::listen(arguments.port)?;
    let poll = Poll::new()?;
    poll.add_listener(&listener, LISTENER)?;
    println!("LISTENING {}", socket::port_of(&listener)?);

    let mut relay = Relay { ends: Slots::new(), buffer: vec![0; BUFFER] };
    let mut batch = Batch::new();
    let mut finished = Vec::new();
    loop {
        poll.wait(&mut batch, None)?;
        for event in batch.events() {
            if event.token == LISTENER {
                while let Some(client) = socket::accept(&listener)? {
                    relay.join(&poll, client, arguments.target)?;
                }
            } else if relay.advance(event) == Pair::Finished {
                finished.push(event.token);
            }
        }
        // Closed only now: a descriptor's number must not be used again within the batch.
        for token in finished.drain(..) {
            relay.part(token);
        }
    }
}

/// All connections, each one an end of a pair, by descriptor number.
struct Relay {
    ends: Slots<End>,
    buffer: Vec<u8>,
}

struct End {
    stream: TcpStream,
    /// The other end's number.
    peer: usize,
    /// Read from the peer, not yet taken by this socket.
    pending: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pair {
    Alive,
    Finished,
}

impl Relay {
    /// Connects `client` to the target. A client that cannot be connected is dropped.
    fn join(&mut self, poll: &Poll, client: TcpStream, target: u16) -> anyhow::Result<()> {
        let Ok(server) = socket::connect(Ipv4Addr::LOCALHOST, target) else { return Ok(()) };
        server.set_nonblocking(true)?;
        let tokens = [usize::try_from(client.as_raw_fd())?, usize::try_from(server.as_raw_fd())?];
        for (stream, token, peer) in
            [(client, tokens[0], tokens[1]), (server, tokens[1], tokens[0])]
        {
            poll.add_stream(&stream, token)?;
            self.ends.insert(token, End { stream, peer, pending: Vec::new() });
        }
        Ok(())
    }

    /// Forgets, and so closes, both ends.
    fn part(&mut self, token: usize) {
        if let Some(end) = self.ends.remove(token) {
            self.ends.remove(end.peer);
        }
    }

    fn advance(&mut self, event: Event) -> Pair {
        match self.try_advance(event) {
            Ok(pair) => pair,
            Err(_) => Pair::Finished,
        }
    }

    fn try_advance(&mut self, event: Event) -> io::Result<Pair> {
        let Some(end) = self.ends.one_mut(event.token) else { return Ok(Pair::Alive) };
        let peer = end.peer;
        if event.writable && !end.pending.is_empty() {
            end.flush()?;
            // The peer was left unread while this end was full, and brings no event for what waits.
            if self.copy(peer, event.token, Until::Drained)? == Pair::Finished {
                return Ok(Pair::Finished);
            }
        }
        if !event.readable {
            return Ok(Pair::Alive);
        }
        let until = if event.ended { Until::Drained } else { Until::ShortRead };
        self.copy(event.token, peer, until)
    }

    /// Copies from one end to the other until there is nothing to read or no room to write. An end
    /// is seen only when all that came before it has been written.
    fn copy(&mut self, from: usize, to: usize, until: Until) -> io::Result<Pair> {
        let Some((source, sink)) = self.ends.two_mut(from, to) else { return Ok(Pair::Alive) };
        while sink.pending.is_empty() {
            let count = match source.stream.read(&mut self.buffer) {
                Ok(0) => return Ok(Pair::Finished),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            sink.write(&self.buffer[..count])?;
            if count < self.buffer.len() && until == Until::ShortRead {
                break;
            }
        }
        Ok(Pair::Alive)
    }
}

/// When to stop reading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// At a read that did not fill the buffer: the next bytes bring an event.
    ShortRead,
    /// At an end or an empty socket: no further event will come for what is there.
    Drained,
}

impl End {
    /// Writes, and keeps what the socket does not take.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let count = match self.stream.write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        self.pending.extend_from_slice(&bytes[count..]);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.write(&pending)
    }
}
