//! Back-pressure and early answers on streams: who does not read is not sent to, and who has its
//! answer need not go on.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Request, Response};

use super::frames::*;
use super::raw::Raw;
use super::real::{self, plain, wait};
use super::ways::{Version, before};
use crate::world::*;

/// More than all windows and socket buffers on a way hold together.
const ENDLESS: usize = 64 << 20;
/// What they may hold.
const HELD: usize = 24 << 20;

/// A server that sends without end, and how much it got rid of.
fn pouring(version: Version) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let poured = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&poured);
    let address = match version {
        Version::One => {
            Server::start(move |conversation, _| {
                while let Some((head, _)) = conversation.request() {
                    if head.starts_with("GET /small") {
                        conversation.peer.send(ok("small"));
                        continue;
                    }
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {ENDLESS}\r\n\r\n");
                    conversation.peer.send(head);
                    while count.load(SeqCst) < ENDLESS {
                        let piece = [b'x'; 65536];
                        if std::io::Write::write_all(&mut conversation.peer.stream, &piece).is_err()
                        {
                            return;
                        }
                        count.fetch_add(piece.len(), SeqCst);
                    }
                }
            })
            .address
        }
        Version::Two => {
            let answer = move |request: Request<RecvStream>, mut respond: SendResponse<Bytes>| {
                let count = Arc::clone(&count);
                async move {
                    if request.uri().path() == "/small" {
                        let _ = respond.send_response(Response::new(()), true);
                        return;
                    }
                    let Ok(mut body) = respond.send_response(Response::new(()), false) else {
                        return;
                    };
                    while count.load(SeqCst) < ENDLESS
                        && real::push(&mut body, &[b'x'; 65536]).await
                    {
                        count.fetch_add(65536, SeqCst);
                    }
                    // The client may be gone.
                    let _ = body.send_data(Bytes::new(), true);
                }
            };
            real::Server::start(answer).address
        }
    };
    (address, poured)
}

/// Waits until a count has stopped to grow while other requests came and went.
fn settled(count: &AtomicUsize, mut turn: impl FnMut()) -> usize {
    loop {
        let before = count.load(SeqCst);
        for _ in 0..200 {
            turn();
        }
        if count.load(SeqCst) == before && before > 0 {
            return before;
        }
    }
}

#[test]
fn a_client_that_grants_no_window_stops_the_server() {
    for version in [Version::One, Version::Two] {
        let (address, poured) = pouring(version);
        let balancer = before(version, &[address], "");
        let mut client = Raw::client(&balancer);
        client.send(&ask(1, "/large"));
        assert_eq!(client.status(), 200);
        // Others on the same connection to the server go on meanwhile.
        let other = real::Client::new(&balancer);
        let turn = || assert_eq!(wait(other.fetch(plain("GET", "/small"))).expect("fine").0, 200);
        let held = settled(&poured, turn);
        assert!(held < HELD, "{version:?}: {held} bytes were taken for nobody");
        // What was promised comes once there is room.
        let mut got = client.turn().iter().map(|frame| frame.payload.len()).sum::<usize>();
        client.send_all(&[window(0, 1 << 30), window(1, 1 << 30)]);
        while got < ENDLESS {
            let frame = client.frame().expect("more");
            assert_ne!(frame.kind, RST_STREAM, "{version:?} after {got} bytes");
            got += if frame.kind == DATA { frame.payload.len() } else { 0 };
        }
    }
}

#[test]
fn a_server_that_reads_nothing_stops_the_client() {
    let gate = Gate::default();
    let (wait_one, wait_two) = (gate.clone(), gate.clone());
    let one = Server::start(move |conversation, _| {
        if conversation.head().is_some() {
            wait_one.pass();
        }
    });
    let two = real::Server::start(move |request: Request<RecvStream>, respond| {
        let gate = wait_two.clone();
        async move {
            let held = tokio::task::spawn_blocking(move || gate.pass()).await;
            drop((held, request, respond));
        }
    });
    for (version, address) in [(Version::One, one.address), (Version::Two, two.address)] {
        let more = "[listener.web.limits]\nbody_bytes = \"unlimited\"\n";
        let balancer = before(version, &[address], more);
        let client = real::Client::new(&balancer);
        let (_response, stream) = wait(client.open(plain("POST", "/"))).expect("a stream");
        let sent = Arc::new(AtomicUsize::new(0));
        let (count, stream) = (Arc::clone(&sent), Mutex::new(Some(stream)));
        let mut stream = stream.lock().expect("ours").take().expect("set");
        real::beside(async move {
            while count.load(SeqCst) < ENDLESS && real::push(&mut stream, &[b'x'; 16384]).await {
                count.fetch_add(16384, SeqCst);
            }
        });
        let mut other = balancer.client();
        let held = settled(&sent, || other.turn());
        assert!(held < HELD, "{version:?}: {held} bytes were taken for nobody");
    }
    gate.open();
}

#[test]
fn an_early_answer_ends_a_stream_whose_request_has_not_ended() {
    let one = Server::start(|conversation, _| {
        while conversation.head().is_some() {
            conversation.peer.send(ok("enough"));
        }
    });
    let two = real::Server::named("enough");
    for (version, address) in [(Version::One, one.address), (Version::Two, two.address)] {
        let balancer = before(version, &[address], "");
        let mut client = Raw::client(&balancer);
        client.send(&Frame::new(HEADERS, END_HEADERS, 1, upload(&[])));
        assert_eq!(client.status(), 200, "{version:?}");
        let data = client.next(DATA);
        assert_eq!(data.payload, b"enough");
        if !data.ends_stream() {
            assert!(client.next(DATA).ends_stream());
        }
        // The client is asked to send no more (RFC 9113, section 8.1).
        assert_eq!(client.next(RST_STREAM).code(), NO_ERROR, "{version:?}");
        client.send(&ask(3, "/"));
        assert_eq!(client.status(), 200, "{version:?}");
    }
}

#[test]
fn a_client_waits_for_100_and_then_sends() {
    let one = Server::start(|conversation, _| {
        while conversation.head().is_some() {
            conversation.peer.send("HTTP/1.1 100 Continue\r\n\r\n");
            let body = conversation.peer.chunks().0;
            conversation.peer.send(ok(&String::from_utf8_lossy(&body)));
        }
    });
    let two = real::Server::start(
        async |request: Request<RecvStream>, mut respond: SendResponse<Bytes>| {
            let go_on = Response::builder().status(100).body(()).expect("well-formed");
            let _ = respond.send_informational(go_on);
            let (body, _) = real::collect(&mut request.into_body()).await.expect("a body");
            if let Ok(mut stream) = respond.send_response(Response::new(()), false) {
                let _ = stream.send_data(body.into(), true);
            }
        },
    );
    for (version, address) in [(Version::One, one.address), (Version::Two, two.address)] {
        let balancer = before(version, &[address], "");
        let mut client = Raw::client(&balancer);
        let head = upload(&[("expect", "100-continue")]);
        client.send(&Frame::new(HEADERS, END_HEADERS, 1, head));
        assert_eq!(client.status(), 100, "{version:?}");
        client.send(&Frame::new(DATA, END_STREAM, 1, "late"));
        assert_eq!(client.status(), 200, "{version:?}");
        assert_eq!(client.next(DATA).payload, b"late", "{version:?}");
    }
}

#[test]
fn a_body_that_ends_in_its_only_frame_has_the_same_limit() {
    let limits = "[listener.web.limits]\nbody_bytes = \"1KiB\"\n";
    let site = crate::cases::Site::with(limits);
    for (bytes, status) in [(1024, 200), (1025, 413)] {
        let mut client = Raw::client(&site.balancer);
        client.send(&Frame::new(HEADERS, END_HEADERS, 1, upload(&[])));
        client.send(&Frame::new(DATA, END_STREAM, 1, vec![b'x'; bytes]));
        assert_eq!(client.status(), status, "{bytes} bytes");
    }
}
