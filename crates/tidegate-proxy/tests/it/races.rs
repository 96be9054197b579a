//! The keep-alive race: a server closes a kept connection as a request goes out on it. The client
//! must not notice, if the request may be repeated or none of it was sent.
//!
//! The race is made certain by a client that sends two requests at once and an access log that
//! stops the core between them: the first has left a kept connection, which the second takes before
//! the kernel was asked.

use std::net::TcpListener;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use tidegate_core::telemetry::access_log::Record;
use tidegate_proxy::log::Sink;

use crate::world::*;

/// Stops the core after the request for `/first`.
struct Pause {
    stopped: Mutex<Sender<()>>,
    go_on: Gate,
}

impl Sink for Pause {
    fn is_on(&self) -> bool {
        true
    }

    fn wants(&self, record: &Record<'_>) -> bool {
        if record.path == b"/first" {
            let stopped = self.stopped.lock().expect("no panic holds it");
            stopped.send(()).expect("the test listens");
            self.go_on.pass();
        }
        false
    }

    fn append(&self, _: &Record<'_>, _: &mut Vec<u8>) {}

    fn write(&self, _: Vec<u8>) {}
}

/// How a server ends a kept connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It closes as the request arrives: an end is read.
    Eof,
    /// It resets as the request arrives: ECONNRESET is read.
    Reset,
    /// It has reset just before: not a byte can be written, ECONNRESET.
    ResetBefore,
    /// It has closed, then reset, just before: not a byte can be written, EPIPE.
    BrokenPipe,
}

impl End {
    /// Whether the request gets as far as the server's socket.
    const fn lets_send(self) -> bool {
        matches!(self, Self::Eof | Self::Reset)
    }

    /// Ends a connection that nobody else holds.
    fn perform(self, peer: Peer) {
        if self == Self::BrokenPipe {
            peer.finish();
        }
        peer.reset();
    }
}

/// A server that answers one request on its first connection and ends it as `end` says; the other
/// connections it serves. A connection to be ended before the next request goes to `kept`.
fn ending(end: End, kept: Sender<Peer>) -> Server {
    let aside = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let kept = Mutex::new(kept);
    Server::start(move |conversation, number| {
        if number > 0 {
            while let Some((_, body)) = conversation.request() {
                conversation.peer.send(ok(&format!("second, {} bytes", body.len())));
            }
            return;
        }
        conversation.request();
        conversation.peer.send(ok("first"));
        if end.lets_send() {
            conversation.request();
            if end == End::Reset {
                conversation.peer.reset_at_close();
            }
        } else {
            let other = Peer::connect(aside.local_addr().expect("bound"));
            let peer = std::mem::replace(&mut conversation.peer, other);
            kept.lock().expect("no panic holds it").send(peer).expect("the test listens");
        }
    })
}

/// Has the server end the kept connection under `request`; the status of its answer.
fn race(end: End, request: &str) -> (u16, Vec<u8>, Server, Balancer) {
    let ((kept_sender, kept), (stopped_sender, stopped)) = (channel(), channel());
    let server = ending(end, kept_sender);
    let go_on = Gate::default();
    let pause = Pause { stopped: Mutex::new(stopped_sender), go_on: go_on.clone() };
    let balancer = Balancer::logging_to(&config(&[server.address], ""), Arc::new(pause));
    let mut client = balancer.client();
    client.send(format!("{}{request}", get("/first")));
    stopped.recv_timeout(PATIENCE).expect("the core stops after the first");
    if !end.lets_send() {
        end.perform(kept.recv_timeout(PATIENCE).expect("a connection was kept"));
    }
    go_on.open();
    assert_eq!(client.message().1, b"first");
    let (head, body) = client.message();
    (status(&head), body, server, balancer)
}

#[track_caller]
fn check_invisible(end: End, request: &str, answer: &str) {
    let (status, body, server, balancer) = race(end, request);
    assert_eq!((status, String::from_utf8_lossy(&body).as_ref()), (200, answer), "{end:?}");
    assert_eq!(server.connections(), 2, "one try more, on a fresh connection");
    let pool = balancer.pool();
    assert_eq!((pool.connections_stale, pool.connections_opened), (1, 2));
    assert_eq!((pool.retries, pool.failovers), (0, 0), "the race costs no retry");
    let state = &balancer.snapshot.pools[0].members[0].state;
    assert_eq!(state.consecutive_failures(), 0, "the race is held against nobody");
}

#[track_caller]
fn check_visible(end: End, request: &str) {
    let (status, _, server, balancer) = race(end, request);
    assert_eq!(status, 502, "{end:?}");
    assert_eq!(server.connections(), 1);
    assert_eq!(balancer.pool().connections_stale, 0);
}

const PLAIN: &str = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
const KEYED: &str =
    "POST /b HTTP/1.1\r\nHost: a\r\nIdempotency-Key: 1\r\nContent-Length: 4\r\n\r\nbody";

#[test]
fn an_eof_as_the_request_arrives_is_invisible() {
    check_invisible(End::Eof, &get("/b"), "second, 0 bytes");
    check_invisible(End::Eof, KEYED, "second, 4 bytes");
    check_visible(End::Eof, PLAIN);
}

#[test]
fn a_reset_as_the_request_arrives_is_invisible() {
    check_invisible(End::Reset, &get("/b"), "second, 0 bytes");
    check_invisible(End::Reset, KEYED, "second, 4 bytes");
    check_visible(End::Reset, PLAIN);
}

#[test]
fn a_connection_that_was_reset_before_takes_no_byte_so_any_request_goes_on() {
    check_invisible(End::ResetBefore, &get("/b"), "second, 0 bytes");
    check_invisible(End::ResetBefore, KEYED, "second, 4 bytes");
    check_invisible(End::ResetBefore, PLAIN, "second, 4 bytes");
}

#[test]
fn a_broken_pipe_takes_no_byte_so_any_request_goes_on() {
    check_invisible(End::BrokenPipe, &get("/b"), "second, 0 bytes");
    check_invisible(End::BrokenPipe, KEYED, "second, 4 bytes");
    check_invisible(End::BrokenPipe, PLAIN, "second, 4 bytes");
}

#[test]
fn there_is_one_try_more_not_two() {
    let server = Server::start(|conversation, number| {
        conversation.request();
        if number == 0 {
            conversation.peer.send(ok("first"));
            conversation.request();
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send(get("/first"));
    assert_eq!(client.message().1, b"first");
    client.send(get("/b"));
    assert_eq!(status(&client.message().0), 502);
    assert_eq!((server.connections(), server.heads().len()), (2, 3));
}

#[test]
fn a_connection_that_was_seen_to_close_is_not_used() {
    let (sender, closed) = channel();
    let sender = Mutex::new(sender);
    let server = Server::start(move |conversation, _| {
        conversation.request();
        conversation.peer.send(ok("one each"));
        conversation.peer.finish();
        sender.lock().expect("no panic holds it").send(()).expect("the test listens");
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for number in 1..=5 {
        client.send(PLAIN);
        assert_eq!(client.message().1, b"one each");
        closed.recv_timeout(PATIENCE).expect("the server closes");
        balancer.client().turn();
        assert_eq!(server.connections(), number);
    }
    assert_eq!(balancer.pool().connections_stale, 0);
}
