//! Every limit, deadline and refusal gives the same answer on every version.

use std::net::SocketAddr;

use super::frames::*;
use super::raw::Raw;
use super::ways::*;
use crate::world::*;

/// The versions that a client may speak.
const VERSIONS: [Version; 2] = [Version::One, Version::Two];

const LIMITS: &str = "[listener.web.limits]\nheader_bytes = \"2KiB\"\nheader_fields = 20\n\
                      body_bytes = \"1KiB\"\n[route.all.match]\npath_prefix = \"/in\"\n";

/// A request, and what it gets on every version.
struct Case {
    request: Message,
    status: &'static str,
    reason: &'static str,
}

fn cases() -> Vec<Case> {
    let case = |request, status, reason| Case { request, status, reason };
    let get = || Message::new("GET /in/page");
    let post = |length, bytes| Message::new("POST /in/page").body(length, vec![b'x'; bytes]);
    let long = format!("GET /in/{}", "x".repeat(3000));
    let many = (0..30).fold(get(), |message, place| message.with(&format!("x-{place}"), "1"));
    let via = format!("1.1 {NODE}");
    vec![
        case(get().with("x-large", &"x".repeat(3000)), "431", "header_too_large"),
        case(many, "431", "too_many_headers"),
        case(Message::new(&long), "414", "target_too_long"),
        case(post(Length::Known, 1025), "413", "body_too_large"),
        case(post(Length::Unknown, 1025), "413", "body_too_large"),
        case(Message::new("GET /out"), "404", "no_route"),
        case(Message::new("GET /in/a%2fb"), "400", "bad_path"),
        case(Message::new("GET /in/../../b"), "400", "bad_path"),
        case(Message::new("GET /in/%00"), "400", "bad_path"),
        case(get().with("via", &via), "508", "loop"),
        case(Message::new("TRACE /in/page"), "405", "method"),
        case(get().with("expect", "magic"), "417", "expectation"),
        case(get().with("transfer_encoding", "chunked"), "400", "bad_framing"),
    ]
}

/// A server that reads whole bodies before it answers, and ends with its client.
fn patient() -> Server {
    Server::start(|conversation, _| {
        while conversation.request().is_some() {
            conversation.peer.send(ok("one"));
        }
    })
}

fn balancer(server: SocketAddr, more: &str) -> Balancer {
    before(Version::One, &[server], more)
}

#[test]
fn limits_and_refusals_are_the_same_on_every_version() {
    let server = patient();
    for version in VERSIONS {
        let balancer = balancer(server.address, LIMITS);
        for Case { request, status, reason } in cases() {
            let shown = format!("{:.40} on {version:?}", request.start);
            let before = balancer.refused(reason);
            let answer = converse(version, &balancer, &request);
            assert_eq!(answer.start, status, "{shown}");
            assert_eq!(balancer.refused(reason), before + 1, "{shown}: {reason}");
            let next = converse(version, &balancer, &Message::new("GET /in/good"));
            assert_eq!(
                (next.start.as_str(), next.body.as_slice()),
                ("200", &b"one"[..]),
                "{shown}"
            );
            assert_eq!(
                server.heads().pop().as_deref().map(|head| &head[..12]),
                Some("GET /in/good")
            );
        }
        assert_eq!(tidegate_net::task::panics(), 0);
    }
}

/// The beginning of an upload on a version, and the status that comes by itself.
fn status_of_a_stalled_upload(version: Version, balancer: &Balancer, length: Length) -> u16 {
    match version {
        Version::One => {
            let mut client = balancer.client();
            let framing = if length == Length::Known {
                "Content-Length: 1000"
            } else {
                "Transfer-Encoding: chunked"
            };
            client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n9\r\nslow"));
            status(&client.message().0)
        }
        Version::Two => {
            let mut client = Raw::client(balancer);
            let known = [("content-length", "1000")];
            let fields = if length == Length::Known { &known[..] } else { &[] };
            client.send(&Frame::new(HEADERS, END_HEADERS, 1, upload(fields)));
            client.send(&Frame::new(DATA, 0, 1, "slow"));
            client.status()
        }
    }
}

#[test]
fn a_body_that_comes_too_slowly_is_answered_the_same_on_every_version() {
    let server = patient();
    let more = "[listener.web.limits]\nbody_progress = \"256B/s over 1s\"\n";
    for version in VERSIONS {
        let balancer = balancer(server.address, more);
        for length in [Length::Known, Length::Unknown] {
            assert_eq!(status_of_a_stalled_upload(version, &balancer, length), 408, "{version:?}");
        }
        assert_eq!(balancer.refused("body_timeout"), 2, "{version:?}");
    }
}

#[test]
fn a_beginning_that_does_not_go_on_is_cut_on_every_version() {
    let server = patient();
    let more = "[listener.web.limits]\nheader_timeout = \"150ms\"\n";
    let balancer = balancer(server.address, more);
    let beginnings: [&[u8]; 4] =
        [b"GET / HT", b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\n", &PREFACE[..20]];
    for (number, begun) in (1..).zip(beginnings) {
        let mut client = balancer.client();
        client.send(begun);
        client.rest();
        eventually("it is counted", || balancer.refused("header_timeout") == number);
    }
    assert!(server.heads().is_empty());
}
