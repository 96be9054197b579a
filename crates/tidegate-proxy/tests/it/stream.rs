//! Bodies under way: who waits for whom, and what becomes of both connections when one side goes
//! early.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::world::*;

/// More than all buffers on the way hold together.
const LARGE: usize = 64 << 20;
/// What may lie in socket buffers and in the balancer when a reader does not read.
const HELD_MAX: usize = 24 << 20;

/// A channel whose sender many threads share.
fn wire<T: Send + 'static>() -> (Arc<Mutex<Sender<T>>>, Receiver<T>) {
    let (sender, receiver) = channel();
    (Arc::new(Mutex::new(sender)), receiver)
}

fn tell<T>(sender: &Mutex<Sender<T>>, value: T) {
    // A test that has seen enough no longer listens.
    let _ = sender.lock().expect("no panic holds it").send(value);
}

#[track_caller]
fn hear<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(PATIENCE).expect("it was told")
}

/// Writes up to `total` bytes until they are not taken for a while; returns how many were.
fn write_until_blocked(stream: &mut TcpStream, total: usize) -> usize {
    stream.set_write_timeout(Some(Duration::from_millis(500))).expect("an option");
    let block = vec![b'x'; 1 << 16];
    let mut written = 0;
    while written < total {
        match stream.write(&block[..block.len().min(total - written)]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    stream.set_write_timeout(Some(PATIENCE)).expect("an option");
    written
}

/// A server that refuses the body before it has come; what it then reads is told.
fn refusing() -> (Server, Receiver<Vec<u8>>) {
    let (sender, rest) = wire();
    let server = Server::start(move |conversation, _| {
        conversation.head();
        conversation.peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        tell(&sender, conversation.peer.rest());
    });
    (server, rest)
}

#[test]
fn after_an_early_response_a_short_rest_is_read_away_and_the_client_goes_on() {
    let (server, rest) = refusing();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for connections in 1..=3 {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n");
        assert_eq!(client.message().1, b"no");
        client.send(vec![b'x'; 20_000]);
        assert_eq!(server.connections(), connections, "the server's connection is not kept");
        assert!(hear(&rest).len() <= 20_000);
    }
}

#[test]
fn after_an_early_response_a_rest_in_chunks_is_read_away_too() {
    let (server, _rest) = refusing();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for _ in 0..2 {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
        assert_eq!(client.message().1, b"no");
        client.send("c\r\n1;x=y\r\nd\r\n0\r\nT: v\r\n\r\n");
    }
    assert_eq!(server.heads().len(), 2);
}

#[test]
fn after_an_early_response_a_long_rest_ends_the_connection() {
    let (server, _rest) = refusing();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    assert_eq!(client.message().1, b"no");
    client.send(vec![b'x'; 1_000_000]);
    client.send(get("/"));
    assert!(client.is_closed(), "nothing of the rest is taken for a request");
    assert_eq!(server.heads().len(), 1);
}

#[test]
fn after_an_early_response_a_rest_that_does_not_come_ends_the_connection() {
    let (server, _rest) = refusing();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome");
    assert_eq!(client.message().1, b"no");
    assert!(client.is_closed());
}

#[test]
fn an_early_response_reaches_a_client_that_only_sends() {
    // The server closes with the body unread, so that the balancer's sending fails.
    let server = Server::start(|conversation, _| {
        conversation.head();
        conversation.peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
    client.send(vec![b'x'; 30_000]);
    assert_eq!(status(&client.message().0), 413);
}

#[test]
fn a_client_that_does_not_read_blocks_the_server() {
    let (sender, blocked) = wire();
    let server = Server::start(move |conversation, _| {
        conversation.request();
        conversation.peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"));
        let written = write_until_blocked(&mut conversation.peer.stream, LARGE);
        tell(&sender, written);
        conversation.peer.send(vec![b'x'; LARGE - written]);
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send(get("/"));
    let written = hear(&blocked);
    assert!(written < HELD_MAX, "{written} bytes were taken for a client that reads none");
    let (head, body) = client.message();
    assert_eq!(status(&head), 200);
    assert!(body == vec![b'x'; LARGE]);
}

#[test]
fn a_server_that_does_not_read_blocks_the_client() {
    let gate = Gate::default();
    let closed = gate.clone();
    let server = Server::start(move |conversation, _| {
        let head = conversation.head().expect("a request");
        closed.pass();
        assert_eq!(field(&head, "content-length"), Some(LARGE.to_string().as_str()));
        assert!(conversation.peer.bytes(LARGE) == vec![b'x'; LARGE]);
        conversation.peer.send(ok("taken"));
    });
    let more = "[route.all.limits]\nbody_bytes = \"unlimited\"\n";
    let balancer = Balancer::start(&config(&[server.address], more));
    let mut client = balancer.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"));
    let written = write_until_blocked(&mut client.stream, LARGE);
    assert!(written < HELD_MAX, "{written} bytes were taken for a server that reads none");
    gate.open();
    client.send(vec![b'x'; LARGE - written]);
    assert_eq!(client.message().1, b"taken");
}

#[test]
fn a_slow_client_holds_up_no_other() {
    let body = "x".repeat(16 << 20);
    let server = Server::start(move |conversation, _| {
        while let Some((head, _)) = conversation.request() {
            let small = head.starts_with("GET /small");
            conversation.peer.send(if small { ok("small") } else { ok(&body) });
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut slow = balancer.client();
    slow.send(get("/large"));
    assert_eq!(status(&slow.head()), 200);
    let mut quick = balancer.client();
    for _ in 0..100 {
        quick.send(get("/small"));
        assert_eq!(quick.message().1, b"small");
    }
    assert_eq!(slow.bytes(16 << 20).len(), 16 << 20);
}

/// A server that reads one request to the end of its connection, tells how much came, and serves
/// other connections.
fn counting() -> (Server, Receiver<usize>) {
    let (sender, seen) = wire();
    let server = Server::start(move |conversation, number| {
        if number == 0 {
            conversation.head();
            tell(&sender, 0);
            tell(&sender, conversation.peer.rest().len());
        }
        while conversation.request().is_some() {
            conversation.peer.send(ok("next"));
        }
    });
    (server, seen)
}

#[track_caller]
fn check_client_gone(request: &str, leave: fn(Peer)) {
    let (server, seen) = counting();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send(request);
    assert_eq!(hear(&seen), 0);
    leave(client);
    assert!(hear(&seen) < 10, "the server sees the end");
    let mut next = balancer.client();
    next.send(get("/"));
    assert_eq!(next.message().1, b"next");
    assert_eq!(server.connections(), 2, "the connection is not kept");
    let codes = balancer.registry.scrape().routes.into_values().next().expect("a route").codes;
    assert_eq!(codes.get(&499), Some(&1), "{codes:?}");
}

#[test]
fn a_client_that_goes_mid_request_takes_the_server_connection_with_it() {
    for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n5\r\n");
        check_client_gone(&request, drop);
        check_client_gone(&request, Peer::reset);
    }
}

#[test]
fn a_client_that_goes_while_it_waits_takes_the_server_connection_with_it() {
    check_client_gone(&get("/"), drop);
    check_client_gone(&get("/"), Peer::reset);
}

#[test]
fn a_client_that_goes_mid_response_takes_the_server_connection_with_it() {
    let (sender, cut) = wire();
    let server = Server::start(move |conversation, number| {
        while conversation.request().is_some() {
            if number > 0 {
                conversation.peer.send(ok("next"));
                continue;
            }
            conversation.peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"));
            let block = [0; 1 << 16];
            while conversation.peer.stream.write_all(&block).is_ok() {}
            return tell(&sender, ());
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send(get("/"));
    client.head();
    drop(client);
    hear(&cut);
    let mut next = balancer.client();
    next.send(get("/"));
    assert_eq!(next.message().1, b"next");
    assert_eq!(server.connections(), 2);
}

/// A server that breaks off after these bytes, and what the client then gets to read.
#[track_caller]
fn check_truncated(sent: &str, by_reset: bool, expected: &str) {
    let bytes = sent.to_owned();
    let gate = Gate::default();
    let passed = gate.clone();
    let server = Server::start(move |conversation, _| {
        conversation.request();
        conversation.peer.send(&bytes);
        passed.pass();
        if by_reset {
            conversation.peer.reset_at_close();
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.head()), 200);
    let begun = client.bytes(expected.len());
    assert_eq!(String::from_utf8_lossy(&begun), expected);
    gate.open();
    assert!(client.is_closed(), "nothing makes the message look whole");
}

#[test]
fn a_server_that_goes_mid_response_leaves_a_truncated_one() {
    for by_reset in [false, true] {
        check_truncated("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", by_reset, "half");
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
        check_truncated(chunked, by_reset, "4\r\nhalf\r\n");
    }
    // A body until close that ends in a reset did not end.
    let until_close = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf";
    check_truncated(until_close, true, "4\r\nhalf\r\n");
}

#[test]
fn a_client_with_a_small_window_gets_every_byte() {
    let body: Vec<u8> = (0..4_000_000u32).map(|n| (n % 251) as u8).collect();
    let expected = body.clone();
    let server = Server::start(move |conversation, _| {
        while conversation.request().is_some() {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            conversation.peer.send(head);
            conversation.peer.send(&body);
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = Peer::new(narrow(balancer.address));
    for _ in 0..2 {
        client.send(get("/"));
        assert!(client.message().1 == expected);
    }
}

/// A connection with a small receive buffer.
fn narrow(address: SocketAddr) -> TcpStream {
    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(8192).expect("an option");
    socket.connect(&address.into()).expect("a connection");
    socket.into()
}
