//! Every limit and every refusal gives the same answer by every door.

use super::doors::{DOORS, Front};
use crate::h2::ways::{Length, Message};
use crate::world::*;

const LIMITS: &str = "[listener.web.limits]\nheader_bytes = \"2KiB\"\nheader_fields = 20\n\
                      body_bytes = \"1KiB\"\n[route.all.match]\npath_prefix = \"/in\"\n";

/// A request, and what it gets by every door.
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

#[test]
fn limits_and_refusals_are_the_same_by_every_door() {
    let server = patient();
    for door in DOORS {
        let front = Front::before(door, &[server.address], LIMITS);
        for Case { request, status, reason } in cases() {
            let shown = format!("{:.40} by {door:?}", request.start);
            let before = front.balancer.refused(reason);
            let answer = front.converse(&request);
            assert_eq!(answer.start, status, "{shown}");
            assert_eq!(front.balancer.refused(reason), before + 1, "{shown}: {reason}");
            let next = front.converse(&Message::new("GET /in/good"));
            assert_eq!((next.start.as_str(), next.body.as_slice()), ("200", &b"one"[..]));
            let last = server.heads().pop().expect("a request");
            assert!(last.starts_with("GET /in/good "), "{shown} reached the server: {last}");
        }
        assert_eq!(tidegate_net::task::panics(), 0);
    }
}

#[test]
fn a_route_may_have_a_limit_of_its_own_by_every_door() {
    let server = patient();
    let more = "[route.all.limits]\nbody_bytes = \"2KiB\"\n\
                [listener.web.limits]\nbody_bytes = \"1KiB\"\n";
    for door in DOORS {
        let front = Front::before(door, &[server.address], more);
        for (bytes, status) in [(2048, "200"), (2049, "413")] {
            let request = Message::new("POST /").body(Length::Known, vec![b'x'; bytes]);
            assert_eq!(front.converse(&request).start, status, "{door:?}");
        }
    }
}

#[test]
fn connections_are_limited_by_every_door() {
    let server = patient();
    for (limit, reason) in [
        ("connections = 1", "connection_limit"),
        ("connections_per_client = 1", "client_connection_limit"),
    ] {
        let more = format!("[listener.web.limits]\n{limit}\n");
        for door in DOORS {
            let front = Front::before(door, &[server.address], &more);
            let first = front.client();
            assert!(front.balancer.client().is_closed(), "{door:?}");
            assert_eq!(front.balancer.refused(reason), 1, "{door:?}");
            drop(first);
        }
    }
}
