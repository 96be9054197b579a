//! Every deadline gives the same answer by every door.

use tidegate_core::model::ids::ListenerName;

use super::doors::{Cover, DOORS, Door, Front};
use crate::h2::frames::*;
use crate::h2::raw::Raw;
use crate::h2::ways::{Length, Message, Version};
use crate::world::*;

const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";

/// A server that says this to every request, and then nothing more.
fn stalling(said: &'static str) -> Server {
    Server::start(move |conversation, _| {
        if conversation.request().is_some() {
            conversation.peer.send(said);
            conversation.peer.rest();
        }
    })
}

/// Holds that the balancer ends this connection without blame.
#[track_caller]
fn is_let_go(version: Version, mut client: Peer) {
    if version == Version::One {
        return assert!(client.is_closed());
    }
    let mut client = Raw { peer: client };
    let mut farewells = Vec::new();
    while let Some(frame) = client.frame() {
        match frame.kind {
            PING => client.send(&Frame::new(PING, ACK, 0, frame.payload)),
            GOAWAY => farewells.push(frame.code()),
            _ => {}
        }
    }
    assert_eq!(farewells, [NO_ERROR; 2]);
}

/// The status of a response on a connection that breaks off within its body, and what came of it.
#[track_caller]
fn broken(front: &Front) -> (u16, Vec<u8>) {
    let mut client = front.client();
    if front.door.version == Version::One {
        client.send(get("/"));
        return (status(&client.head()), client.rest());
    }
    let mut client = Raw::over(client, &[(HEADER_TABLE_SIZE, 0)]);
    client.send(&ask(1, "/"));
    let (status, mut body) = (client.status(), Vec::new());
    while let Some(frame) = client.frame() {
        match frame.kind {
            DATA => body.extend(frame.payload),
            RST_STREAM => return (status, body),
            _ => {}
        }
    }
    panic!("closed without a word");
}

#[test]
fn a_handshake_that_does_not_go_on_is_cut_before_a_version_is_agreed_on() {
    let server = Server::named("one");
    let more = "[listener.web.limits]\nhandshake_timeout = \"150ms\"\n";
    for door in DOORS.into_iter().filter(|door| door.cover == Cover::Tls) {
        let front = Front::before(door, &[server.address], more);
        assert!(front.balancer.client().is_closed());
        let scrape = front.balancer.registry.scrape();
        let totals = scrape.listeners[&ListenerName::new("web")];
        let timeouts = totals.handshakes().find(|(end, _)| end.as_str() == "timeout");
        assert_eq!(timeouts.map(|(_, count)| count), Some(1), "{door:?}");
    }
}

#[test]
fn a_head_that_does_not_go_on_is_cut_by_every_door() {
    let server = Server::named("one");
    let more = "[listener.web.limits]\nheader_timeout = \"150ms\"\n";
    for door in DOORS {
        let front = Front::before(door, &[server.address], more);
        for (number, begun) in (1..).zip(beginnings(door)) {
            let mut client = front.client();
            client.send(&begun);
            client.rest();
            eventually("it is counted", || front.balancer.refused("header_timeout") == number);
        }
    }
    assert!(server.heads().is_empty());
}

/// What a client may say and then fall silent, before a request is whole.
fn beginnings(door: Door) -> Vec<Vec<u8>> {
    let texts: &[&[u8]] = match door.version {
        Version::One => &[b"G", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"],
        Version::Two => &[b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\n", &PREFACE[..20]],
    };
    let mut beginnings: Vec<Vec<u8>> = texts.iter().map(|text| text.to_vec()).collect();
    if door.version == Version::Two {
        let opened = [PREFACE, &settings(&[]).bytes()].concat();
        let (whole, open) = (ask(1, "/").bytes(), Frame::new(HEADERS, 0, 1, request("/", &[])));
        beginnings.push([&opened, &whole[..whole.len() - 1]].concat());
        beginnings.push([opened, open.bytes()].concat());
    }
    beginnings
}

/// Sends the beginning of an upload that is longer.
fn begin_upload(version: Version, mut client: Peer, length: Length) -> Peer {
    if version == Version::One {
        let framing = match length {
            Length::Known => "Content-Length: 1000",
            _ => "Transfer-Encoding: chunked",
        };
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n9\r\nslow"));
        return client;
    }
    let mut client = Raw::over(client, &[(HEADER_TABLE_SIZE, 0)]);
    let known = [("content-length", "1000")];
    let fields = if length == Length::Known { &known[..] } else { &[] };
    client.send(&Frame::new(HEADERS, END_HEADERS, 1, upload(fields)));
    client.send(&Frame::new(DATA, 0, 1, "slow"));
    client.peer
}

#[test]
fn a_body_that_comes_too_slowly_is_answered_the_same_by_every_door() {
    let server = stalling("");
    let more = "[listener.web.limits]\nbody_progress = \"256B/s over 1s\"\n";
    for door in DOORS {
        let front = Front::before(door, &[server.address], more);
        let uploads = [Length::Known, Length::Unknown]
            .map(|length| begin_upload(door.version, front.client(), length));
        for mut client in uploads {
            let answer = match door.version {
                Version::One => status(&client.head()),
                Version::Two => Raw { peer: client }.status(),
            };
            assert_eq!(answer, 408, "{door:?}");
        }
        assert_eq!(front.balancer.refused("body_timeout"), 2, "{door:?}");
    }
}

#[test]
fn a_response_that_is_read_too_slowly_is_cut_by_every_door() {
    const SIZE: usize = 32 << 20;
    let server = Server::start(|conversation, _| {
        if conversation.request().is_some() {
            conversation.peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
            conversation.peer.send(vec![b'x'; SIZE]);
            conversation.peer.rest();
        }
    });
    let more = "[listener.web.limits]\nbody_progress = \"256B/s over 1s\"\n";
    for door in DOORS {
        let front = Front::before(door, &[server.address], more);
        let mut client = front.client();
        match door.version {
            Version::One => client.send(get("/")),
            Version::Two => {
                let mut raw = Raw::over(client, &[]);
                raw.send(&ask(1, "/"));
                client = raw.peer;
            }
        }
        eventually("it is cut", || front.balancer.refused("body_timeout") == 1);
        drop(client);
    }
}

#[test]
fn a_connection_that_waits_or_grows_old_is_let_go_by_every_door() {
    let server = Server::named("one");
    for limit in ["idle_timeout = \"150ms\"", "max_age = \"150ms\""] {
        let more = format!("[listener.web.limits]\n{limit}\n");
        for door in DOORS {
            let front = Front::before(door, &[server.address], &more);
            let client = match door.version {
                Version::One => front.client(),
                Version::Two => Raw::over(front.client(), &[]).peer,
            };
            is_let_go(door.version, client);
        }
    }
}

#[test]
fn a_server_that_says_nothing_makes_a_504_by_every_door() {
    let server = stalling("");
    for limit in ["response", "total"] {
        let more = format!("[route.all.timeouts]\n{limit} = \"150ms\"\n");
        for door in DOORS {
            let front = Front::before(door, &[server.address], &more);
            let post = || Message::new("POST /");
            for request in [
                Message::new("GET /"),
                post().body(Length::Known, "body"),
                post().body(Length::Unknown, "body"),
            ] {
                let answer = front.converse(&request);
                assert_eq!(answer.start, "504", "{limit} by {door:?}: {request:?}");
            }
        }
    }
}

#[test]
fn a_response_that_stalls_is_broken_off_by_every_door() {
    let server = stalling(HALF);
    for limit in ["idle", "total"] {
        let more = format!("[route.all.timeouts]\n{limit} = \"150ms\"\n");
        for door in DOORS {
            let front = Front::before(door, &[server.address], &more);
            assert_eq!(broken(&front), (200, b"half".to_vec()), "{limit} by {door:?}");
        }
    }
}

#[test]
fn a_tunnel_that_is_silent_is_closed_by_every_door() {
    let server = stalling(SWITCHED);
    let more = "[route.all.timeouts]\ntunnel = \"150ms\"\n";
    for door in DOORS {
        let front = Front::before(door, &[server.address], more);
        let mut client = front.client();
        if door.version == Version::One {
            client.send(
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            );
            assert_eq!(status(&client.head()), 101);
            assert!(client.is_closed(), "{door:?}");
            continue;
        }
        let mut client = Raw::over(client, &[(HEADER_TABLE_SIZE, 0)]);
        let mut fields = vec![(":protocol", "websocket"), ("sec-websocket-version", "13")];
        fields.splice(0..0, pseudo("/"));
        fields[0].1 = "CONNECT";
        client.send(&Frame::new(HEADERS, END_HEADERS, 1, block(fields)));
        assert_eq!(client.status(), 200);
        let end = client.ending().expect("a word");
        assert!(end.kind == RST_STREAM || end.ends_stream(), "{door:?}: {end:?}");
    }
}
