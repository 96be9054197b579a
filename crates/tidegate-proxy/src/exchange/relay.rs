//! Step 8 of 8: relay one exchange over one connection to a server, both ways at once.
//!
//! A single poll drives both directions, `request` towards the server and `reply` towards the
//! client. Bytes go from one socket to the other through the core's scratch buffer; only what a
//! socket would not take is kept, and nothing more is read in that direction until it has gone:
//! that is all the back-pressure there is.
//!
//! Heads, and where a body ends, depend on the wire of each side; `begin`, `request` and `reply`
//! ask it. Bytes go the same way from any side to any other.

mod begin;
mod compress;
mod piece;
mod reply;
mod request;
mod time;

use std::task::{Context, Poll};

use tidegate_core::http::forwarded::hexadecimal;

use super::Course;
use super::state::{Exchange, Phase};
use crate::downstream::client::Client;
use crate::error::Error;
use crate::upstream::connection::Connection;
use crate::wire::Presence;
use crate::worker::Worker;

/// Bytes of the first read of a response: a small one is whole in it.
pub(super) const READ_FIRST: usize = 64 * 1024;

/// How an exchange over one connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relayed {
    /// The response went out whole.
    Complete,
    /// The server switched protocols, and the bytes of its answer wait for the client.
    Upgraded,
}

/// One exchange over one connection.
pub(super) struct Relay<'a> {
    worker: &'a Worker,
    client: &'a mut Client,
    connection: &'a mut Connection,
    x: &'a mut Exchange,
    course: &'a Course<'a>,
}

impl<'a> Relay<'a> {
    /// Begins to send the request; what a try before has sent already is sent again.
    pub(super) fn new(
        worker: &'a Worker,
        client: &'a mut Client,
        connection: &'a mut Connection,
        x: &'a mut Exchange,
        course: &'a Course<'a>,
    ) -> Result<Self, Error> {
        let mut relay = Self { worker, client, connection, x, course };
        relay.begin_request()?;
        relay.x.attempt.client_window = !relay.x.request_body.is_done();
        let due = relay.due(relay.x.attempt.activity);
        relay.client.deadline.arm(due);
        Ok(relay)
    }

    /// Runs to the end of the response, or to the first thing that prevents it.
    pub(super) async fn run(mut self) -> Result<Relayed, Error> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Relayed, Error>> {
        self.drive_request(context)?;
        if let Poll::Ready(result) = self.poll_reply(context) {
            return Poll::Ready(result);
        }
        self.watch_client(context)?;
        self.check_time()?;
        Poll::Pending
    }

    /// Notices a client that leaves while it has nothing more to send. A closed sending side counts
    /// as leaving, as it does with most servers: what is left of the work would be for nobody.
    fn watch_client(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        if !self.x.attempt.watches_client || !self.x.request_body.is_done() {
            return Ok(());
        }
        match self.client.wire.poll_presence(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(Presence::Ahead) => {
                // The next request, sent early. It waits its turn in the socket.
                self.x.attempt.watches_client = false;
                Ok(())
            }
            Poll::Ready(Presence::Gone) => Err(Error::ClientGone),
        }
    }
}

/// Puts data into a chunk of its own.
fn put_chunk(data: &[u8], out: &mut Vec<u8>) {
    if data.is_empty() {
        return;
    }
    let digits = hexadecimal(data.len() as u64);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    out.extend_from_slice(&digits[zeros..]);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Ends a body in chunks, with trailers: lines and an empty one, or nothing.
fn put_last_chunk(trailers: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    out.extend_from_slice(if trailers.is_empty() { b"\r\n" } else { trailers });
}

impl Exchange {
    /// Whether the connection to the server is at a message boundary, and may be kept: the request
    /// was sent whole, the response was read whole, nothing came behind it, and the server keeps
    /// its side open.
    pub(super) fn server_at_boundary(&self) -> bool {
        self.request_body.is_done()
            && self.to_server.is_empty()
            && !self.attempt.deaf
            && !self.attempt.stray
            && self.attempt.phase == Phase::Body
            && self.reply_body.is_done()
            && self.attempt.server_persists
    }
}
