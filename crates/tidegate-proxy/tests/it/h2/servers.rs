//! Servers on HTTP/2: how many connections they get, what is tried again when they refuse, leave or
//! die, and what a client sees when they break off.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use bytes::Bytes;
use h2::server::SendResponse;
use http::Response;

use super::frames::*;
use super::raw::Raw;
use super::real::{self, plain, wait};
use super::ways::{Version, before};
use crate::world::*;

/// A server that plays a script on each connection, frame by frame, with its number.
fn raw_server(
    values: &'static [(u16, u32)],
    script: impl Fn(&mut Raw, usize) + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, script) = (Arc::clone(&connections), Arc::new(script));
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            count.fetch_add(1, SeqCst);
            let script = Arc::clone(&script);
            thread::spawn(move || {
                if let Some(mut raw) = Raw::server(stream, values) {
                    script(&mut raw, number);
                }
            });
        }
    });
    (address, connections)
}

/// A response head of this status, and a length if the body is to follow.
fn head(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Frame {
    let status = [(":status", "200")];
    Frame::new(HEADERS, flags, stream, block(status.into_iter().chain(fields.iter().copied())))
}

/// Answers the requests that come until the connection ends.
fn answer_all(raw: &mut Raw) {
    while let Some(request) = raw.try_next(HEADERS) {
        raw.send(&head(request.stream, WHOLE, &[]));
    }
}

fn small_post() -> String {
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody".to_owned()
}

#[test]
fn many_requests_at_once_share_one_connection() {
    let together = Arc::new(tokio::sync::Barrier::new(64));
    let server = real::Server::start(move |_, mut respond: SendResponse<Bytes>| {
        let together = Arc::clone(&together);
        async move {
            // None is answered before all have come.
            together.wait().await;
            let _ = respond.send_response(Response::new(()), true);
        }
    });
    let balancer = before(Version::Two, &[server.address], "");
    let client = real::Client::new(&balancer);
    let asking: Vec<_> = (0..64)
        .map(|_| {
            let client = client.clone();
            real::beside(async move { client.fetch(plain("GET", "/")).await })
        })
        .collect();
    for asked in asking {
        let (status, _) = wait(asked).expect("no panic").expect("an answer");
        assert_eq!(status, 200);
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(balancer.pool().connections_opened, 1);
}

#[test]
fn a_server_that_allows_one_stream_gets_more_connections() {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(1);
    let (busy, most) = (Arc::new(tokio::sync::Barrier::new(8)), Arc::new(AtomicUsize::new(0)));
    let peak = Arc::clone(&most);
    let server = real::Server::with(builder, move |_, mut respond: SendResponse<Bytes>| {
        let (busy, peak) = (Arc::clone(&busy), Arc::clone(&peak));
        async move {
            peak.fetch_add(1, SeqCst);
            busy.wait().await;
            let _ = respond.send_response(Response::new(()), true);
        }
    });
    let balancer = before(Version::Two, &[server.address], "");
    let client = real::Client::new(&balancer);
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            real::beside(async move { client.fetch(plain("POST", "/")).await })
        })
        .collect();
    for asked in asking {
        assert_eq!(wait(asked).expect("no panic").expect("an answer").0, 200);
    }
    assert_eq!(server.connections(), 8);
    assert_eq!(most.load(SeqCst), 8, "no request was sent twice");
}

#[test]
fn a_stream_that_is_refused_is_tried_again_whatever_the_method() {
    let (address, connections) = raw_server(&[], |raw, number| {
        while let Some(request) = raw.try_next(HEADERS) {
            if number == 0 {
                raw.send(&reset(request.stream, REFUSED_STREAM));
            } else {
                raw.send(&head(request.stream, WHOLE, &[]));
            }
        }
    });
    let balancer = before(Version::Two, &[address], "[route.all.retry]\nretries = 0\n");
    let mut client = balancer.client();
    client.send(small_post());
    assert_eq!(status(&client.message().0), 200);
    assert_eq!(connections.load(SeqCst), 2);
    assert_eq!(balancer.pool().retries, 0);
}

#[test]
fn a_stream_that_a_farewell_leaves_out_is_tried_again_whatever_the_method() {
    let (address, connections) = raw_server(&[], |raw, number| {
        let request = raw.next(HEADERS);
        if number == 0 {
            raw.send(&goaway(0, NO_ERROR));
            raw.peer.rest();
        } else {
            raw.send(&head(request.stream, WHOLE, &[]));
            answer_all(raw);
        }
    });
    let balancer = before(Version::Two, &[address], "[route.all.retry]\nretries = 0\n");
    let mut client = balancer.client();
    client.send(small_post());
    assert_eq!(status(&client.message().0), 200);
    assert_eq!(connections.load(SeqCst), 2);
}

#[test]
fn a_farewell_lets_what_it_counts_in_finish_and_sends_the_next_elsewhere() {
    let said = Gate::default();
    let heard = said.clone();
    let (address, connections) = raw_server(&[], move |raw, number| {
        let request = raw.next(HEADERS);
        if number == 0 {
            raw.send_all(&[head(request.stream, END_HEADERS, &[]), goaway(1, NO_ERROR)]);
            raw.turn();
            said.open();
            raw.send(&Frame::new(DATA, END_STREAM, request.stream, "done"));
            raw.peer.rest();
        } else {
            raw.send(&head(request.stream, WHOLE, &[]));
            answer_all(raw);
        }
    });
    let balancer = before(Version::Two, &[address], "");
    let client = real::Client::new(&balancer);
    assert_eq!(wait(client.fetch(plain("GET", "/"))).expect("an answer"), (200, b"done".to_vec()));
    heard.pass();
    assert_eq!(wait(client.fetch(plain("POST", "/"))).expect("an answer").0, 200);
    assert_eq!(connections.load(SeqCst), 2);
}

#[test]
fn a_response_that_breaks_off_never_ends_cleanly() {
    let (address, _) = raw_server(&[], |raw, _| {
        while let Some(request) = raw.try_next(HEADERS) {
            let half = Frame::new(DATA, 0, request.stream, "half");
            raw.send_all(&[head(request.stream, END_HEADERS, &[]), half]);
            raw.send(&reset(request.stream, INTERNAL_ERROR));
        }
    });
    let balancer = before(Version::Two, &[address], "");
    let mut client = Raw::client(&balancer);
    client.send(&ask(1, "/"));
    let end = client.ending().expect("a reset");
    assert_eq!((end.kind, end.stream, end.code()), (RST_STREAM, 1, INTERNAL_ERROR));
    // In chunks there is no last one.
    let mut client = balancer.client();
    client.send(get("/"));
    client.head();
    let rest = client.rest();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
}

#[test]
fn a_response_that_a_server_on_http_1_breaks_off_never_ends_cleanly() {
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let server = Server::start(move |conversation, _| {
            if conversation.request().is_some() {
                conversation
                    .peer
                    .send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n4\r\nhalf\r\n"));
            }
        });
        let balancer = before(Version::One, &[server.address], "");
        let mut client = Raw::client(&balancer);
        client.send(&ask(1, "/"));
        let end = client.ending().expect("a reset");
        assert_eq!(
            (end.kind, end.stream, end.code()),
            (RST_STREAM, 1, INTERNAL_ERROR),
            "{framing}"
        );
    }
}

#[test]
fn a_client_that_resets_its_stream_has_the_work_cancelled() {
    let cancelled = Gate::default();
    let seen = cancelled.clone();
    let (address, _) = raw_server(&[], move |raw, _| {
        let request = raw.next(HEADERS);
        raw.send(&head(request.stream, END_HEADERS, &[]));
        raw.send(&Frame::new(DATA, 0, request.stream, "half"));
        assert_eq!(raw.next(RST_STREAM).stream, request.stream);
        seen.open();
        answer_all(raw);
    });
    let balancer = before(Version::Two, &[address], "");
    let mut client = Raw::client(&balancer);
    client.send(&ask(1, "/"));
    client.next(DATA);
    client.send(&reset(1, CANCEL));
    cancelled.pass();
    client.send(&ask(3, "/"));
    assert_eq!(client.status(), 200);
    assert_eq!(balancer.pool().connections_opened, 1, "only the stream was lost");
}

#[test]
fn a_server_that_dies_under_load_fails_no_request_that_may_be_repeated() {
    let doomed = |alive: usize| {
        raw_server(&[], move |raw, _| {
            for _ in 0..alive {
                let Some(request) = raw.try_next(HEADERS) else { return };
                raw.send(&head(request.stream, WHOLE, &[]));
            }
            raw.try_next(HEADERS);
            raw.peer.reset_at_close();
        })
    };
    let (bad, _) = doomed(20);
    let good = real::Server::named("good");
    let rich = "retry_budget = { ratio = 1.0, min_per_second = 1000 }\n";
    let balancer = before(Version::Two, &[bad, good.address], rich);
    let clients = [real::Client::new(&balancer), real::Client::new(&balancer)];
    let asking: Vec<_> = (0..200)
        .map(|place: usize| {
            let client = clients[place % 2].clone();
            real::beside(async move { client.fetch(plain("GET", "/")).await })
        })
        .collect();
    for asked in asking {
        assert_eq!(wait(asked).expect("no panic").expect("an answer").0, 200);
    }
}

#[test]
fn a_connection_without_streams_is_closed_after_its_time() {
    let server = real::Server::named("one");
    let more = "[pool.app.timeouts]\nkeep_alive = \"200ms\"\n";
    let balancer = before(Version::Two, &[server.address], more);
    let client = real::Client::new(&balancer);
    assert_eq!(wait(client.fetch(plain("GET", "/"))).expect("an answer").0, 200);
    assert_eq!(server.open(), 1);
    eventually("the connection is closed", || server.open() == 0);
    assert_eq!(wait(client.fetch(plain("GET", "/"))).expect("an answer").0, 200);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_server_that_speaks_something_else_is_answered_for() {
    let server = Server::named("one");
    let balancer = before(Version::Two, &[server.address], "");
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.message().0), 502);
}
