//! Step 8 of 8: relay one exchange over one connection to a server, both ways at once.
//!
//! A single poll drives both directions, `request` towards the server and `reply` towards the
//! client. Bytes go from one socket to the other through the core's scratch buffer; only what a
//! socket would not take is kept, and nothing more is read in that direction until it has gone:
//! that is all the back-pressure there is.

mod reply;
mod request;
mod time;

use std::task::{Context, Poll};

use tidegate_core::http::forwarded::{Forwarding, carries_request_id};
use tidegate_core::http::write;

use super::Course;
use super::state::{Exchange, Phase};
use crate::downstream::client::Client;
use crate::error::Error;
use crate::upstream::connection::Connection;
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
    /// Prepares to send the request; what a try before has sent already is sent again.
    pub(super) fn new(
        worker: &'a Worker,
        client: &'a mut Client,
        connection: &'a mut Connection,
        x: &'a mut Exchange,
        course: &'a Course<'a>,
    ) -> Self {
        let mut relay = Self { worker, client, connection, x, course };
        if relay.x.to_server.kept() == 0 {
            relay.write_request();
        }
        relay.x.attempt.client_window = !relay.x.request_body.is_done();
        let due = relay.due(relay.x.attempt.activity);
        relay.client.deadline.arm(due);
        relay
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

    fn write_request(&mut self) {
        let (listener, head) = (self.course.listener, &self.x.head);
        let trusted = !listener.trusted_proxies.is_empty() && listener.trusts(self.client.peer);
        let keeps_id = trusted && carries_request_id(head);
        let secure = self.client.secure.as_deref();
        let forwarding = Forwarding {
            peer: self.client.peer,
            trusted,
            scheme: if secure.is_some() { "https" } else { "http" },
            certificate: secure.map_or(&[], |secure| &secure.fields),
            node: &self.worker.shared.node,
            request_id: (!keeps_id).then_some(self.x.request_id),
            client_header: listener.client_header.as_deref(),
        };
        let options = write::RequestOptions {
            merge_slashes: self.course.route.path.merge_slashes,
            upgrade: self.x.upgrade,
            fallback_host: self.course.pool.entry.pool.name.as_str(),
        };
        self.worker.lend(&mut self.x.to_server);
        write::request(head, &forwarding, options, self.x.to_server.vector());
        self.x.replayable = true;
    }

    /// Notices a client that leaves while it has nothing more to send. A closed sending side counts
    /// as leaving, as it does with most servers: what is left of the work would be for nobody.
    fn watch_client(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        if !self.x.attempt.watches_client || !self.x.request_body.is_done() {
            return Ok(());
        }
        match self.client.stream.poll_peek(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(true)) => {
                // The next request, sent early. It waits its turn in the socket.
                self.x.attempt.watches_client = false;
                Ok(())
            }
            Poll::Ready(_) => Err(Error::ClientGone),
        }
    }
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
