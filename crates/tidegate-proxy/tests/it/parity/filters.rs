//! Every edit, every answer of our own and every way to be told who the client is, by every door.

use std::io::Read;

use flate2::read::GzDecoder;

use super::doors::{Cover, DOORS, Door, Front};
use crate::h2::ways::{Length, Message, Told, Version, converse_over};
use crate::world::*;

/// What becomes of a request. `{scheme}` in a value stands for that of the door.
#[derive(Default)]
struct Row {
    request: Message,
    status: &'static str,
    /// Fields of the response; an empty value says that there is none.
    fields: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// The request line without its version, and fields, as a server sees them; an empty line says
    /// that none does.
    start: &'static str,
    told: &'static [(&'static str, &'static str)],
}

impl Row {
    fn check(&self, door: Door, answer: &Message, told: Option<&Message>) {
        let shown = format!("{} by {door:?}", self.request.start);
        assert_eq!(answer.start, self.status, "{shown}");
        assert_eq!(String::from_utf8_lossy(&answer.body), self.body, "{shown}");
        self.check_fields(door, self.fields, answer);
        let start = told.map_or("", |told| told.start.trim_end_matches(" HTTP/1.1"));
        assert_eq!(start, self.start, "{shown}");
        if let Some(told) = told {
            self.check_fields(door, self.told, told);
        }
    }

    fn check_fields(&self, door: Door, fields: &[(&str, &str)], message: &Message) {
        for (name, value) in fields {
            let expected = value.replace("{scheme}", door.scheme());
            let values = message.field(name).join(" and ");
            assert_eq!(values, expected, "{name} of {} by {door:?}", self.request.start);
        }
    }
}

/// Holds that every row comes out as it says, by every door.
#[track_caller]
fn check(more: &str, rows: &[Row]) {
    let answer = Message::new("200").with("server", "theirs").body(Length::Known, "one");
    for door in DOORS {
        let server = Told::start(Version::One, answer.clone());
        let front = Front::before(door, &[server.address], more);
        for row in rows {
            server.requests.lock().expect("no panic holds it").clear();
            let answer = front.converse(&row.request);
            let told = server.requests.lock().expect("no panic holds it").pop();
            row.check(door, &answer, told.as_ref());
        }
        assert_eq!(tidegate_net::task::panics(), 0);
    }
}

const EDITS: &str = r#"
[route.edited]
pool = "app"
match.path_prefix = "/edited"
[route.edited.request]
strip_prefix = "/edited"
host = "inner.example:81"
remove_header = ["x-secret"]
[route.edited.request.set_header]
x-asked = "{method} {scheme} {host} {path} {query} {header:x-given}"
x-here = "{client} {listener} {route}"
[route.edited.response]
set_header = { x-all = "{status} {scheme}" }
remove_header = ["server"]
hsts = "1h"
[route.rewritten]
pool = "app"
match.path_prefix = "/old"
request.rewrite = { regex = "/old/(.*)", to = "/new/$1" }
[route.moved]
redirect = { to = "{scheme}://{host}/new{path}", status = 307 }
match.path = "/moved"
[route.fixed]
respond = { status = 418, body = "short and stout", type = "text/x-tea" }
match.path = "/fixed"
[route.bulk]
respond = { body = "in bulk" }
match = { path = "/orders", body_json = { "/type" = "bulk" } }
[route.paged]
pool = "app"
match.path = "/paged"
limits.body_bytes = "1B"
response.error_page = { 413 = "file:large.html" }
"#;

#[test]
fn edits_and_answers_of_our_own_are_the_same_by_every_door() {
    let json = |body| {
        let post = Message::new("POST /orders").with("content-type", "application/json");
        post.body(Length::Known, body)
    };
    let given = Message::new("GET /edited/a?b=c").with("x-given", "1").with("x-secret", "2");
    const ASKED: &str = "GET {scheme} shop.example.com /edited/a b=c 1";
    check(
        EDITS,
        &[
            Row {
                request: given,
                status: "200",
                fields: &[("x-all", "200 {scheme}"), ("server", "")],
                body: "one",
                start: "GET /a?b=c",
                told: &[
                    ("host", "inner.example:81"),
                    ("x-secret", ""),
                    ("x-asked", ASKED),
                    ("x-here", "127.0.0.1 web edited"),
                ],
            },
            Row {
                request: Message::new("GET /old/page"),
                status: "200",
                fields: &[("server", "theirs"), ("strict-transport-security", "")],
                body: "one",
                start: "GET /new/page",
                told: &[("host", "shop.example.com"), ("x-forwarded-proto", "{scheme}")],
            },
            Row {
                request: Message::new("GET /moved"),
                status: "307",
                fields: &[("location", "{scheme}://shop.example.com/new/moved")],
                ..Row::default()
            },
            Row {
                request: Message::new("GET /fixed"),
                status: "418",
                fields: &[("content-type", "text/x-tea")],
                body: "short and stout",
                ..Row::default()
            },
            Row {
                request: json(r#"{"type":"bulk"}"#),
                status: "200",
                body: "in bulk",
                ..Row::default()
            },
            Row {
                request: json(r#"{"type":"single"}"#),
                status: "200",
                body: "one",
                start: "POST /orders",
                ..Row::default()
            },
            Row {
                request: Message::new("POST /paged").body(Length::Known, "two"),
                status: "413",
                fields: &[("content-type", "text/html; charset=utf-8")],
                body: "this is large.html",
                ..Row::default()
            },
        ],
    );
}

#[test]
fn browsers_are_told_of_https_by_the_doors_that_are_encrypted() {
    for door in DOORS {
        let server = Server::named("one");
        let more = "[route.all.response]\nhsts = \"1h\"\n";
        let answer = Front::before(door, &[server.address], more).converse(&Message::new("GET /"));
        let expected: &[&str] = match door.cover {
            Cover::Clear => &[],
            Cover::Tls => &["max-age=3600"],
        };
        assert_eq!(answer.field("strict-transport-security"), expected, "{door:?}");
    }
}

#[test]
fn clients_in_the_clear_are_sent_to_https_on_either_version() {
    let server = Server::named("one");
    let more = "[default.listener]\nredirect = \"https\"\n";
    for door in DOORS.into_iter().filter(|door| door.cover == Cover::Clear) {
        let front = Front::before(door, &[server.address], more);
        let answer = front.converse(&Message::new("GET /a?b=c"));
        assert_eq!(answer.start, "308", "{door:?}");
        assert_eq!(answer.field("location"), ["https://shop.example.com/a?b=c"]);
    }
    assert_eq!(server.connections(), 0);
}

const CORS: &str = r#"
[route.all.response.cors]
origins = ["https://page.example"]
methods = ["GET", "PUT"]
expose = ["x-a"]
"#;

#[test]
fn cross_origin_sharing_is_the_same_by_every_door() {
    let from = |start: &str, origin| Message::new(start).with("origin", origin);
    let preflight = |method| {
        let asked = from("OPTIONS /", "https://page.example");
        asked.with("access-control-request-method", method)
    };
    const ALLOWED: (&str, &str) = ("access-control-allow-origin", "https://page.example");
    check(
        CORS,
        &[
            Row {
                request: preflight("PUT"),
                status: "204",
                fields: &[ALLOWED, ("access-control-allow-methods", "GET, PUT")],
                ..Row::default()
            },
            Row {
                request: from("GET /", "https://page.example"),
                status: "200",
                fields: &[ALLOWED, ("access-control-expose-headers", "x-a")],
                body: "one",
                start: "GET /",
                ..Row::default()
            },
            Row {
                request: from("GET /", "https://other.example"),
                status: "200",
                fields: &[("access-control-allow-origin", "")],
                body: "one",
                start: "GET /",
                ..Row::default()
            },
        ],
    );
}

#[test]
fn responses_are_compressed_by_every_door() {
    let text = "to be sent smaller, ".repeat(1000);
    let answer = Message::new("200").with("content-type", "text/html").with("etag", "\"1\"");
    let more = "[route.all.response]\ncompress = [\"gzip\"]\n";
    for door in DOORS {
        for length in [Length::Known, Length::Unknown] {
            let server = Told::start(Version::One, answer.clone().body(length, &text));
            let front = Front::before(door, &[server.address], more);
            let plain = front.converse(&Message::new("GET /"));
            assert_eq!(plain.field("vary"), ["Accept-Encoding"], "{door:?}");
            assert!(plain.body == text.as_bytes(), "{door:?}");
            let coded = front.converse(&Message::new("GET /").with("accept-encoding", "gzip"));
            assert_eq!(coded.field("content-encoding"), ["gzip"], "{door:?}");
            assert_eq!(coded.field("etag"), ["W/\"1\""], "{door:?}");
            let mut decoded = String::new();
            let read = GzDecoder::new(&coded.body[..]).read_to_string(&mut decoded);
            assert_eq!(read.ok(), Some(text.len()), "{door:?}");
            assert!(decoded == text && coded.body.len() < 1000, "{door:?}");
        }
    }
}

#[test]
fn who_the_client_is_comes_out_the_same_by_every_door() {
    let claim = || {
        let claim = Message::new("GET /").with("x-forwarded-for", "192.0.2.7");
        claim.with("x-forwarded-proto", "https").with("x-real-ip", "192.0.2.8")
    };
    let row = |told| Row {
        request: claim(),
        status: "200",
        body: "one",
        start: "GET /",
        told,
        ..Row::default()
    };
    check("", &[row(&[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "{scheme}")])]);
    let trusting = "[default.listener]\ntrusted_proxies = \"127.0.0.0/8\"\n\
                    [route.all.request]\nset_header = { x-client = \"{client}\" }\n";
    let told = &[
        ("x-forwarded-for", "192.0.2.7, 127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-client", "192.0.2.7"),
    ];
    check(trusting, &[row(told)]);
}

#[test]
fn a_proxy_header_names_the_client_by_every_door() {
    let more = "[default.listener]\nproxy_protocol = true\ntrusted_proxies = \"127.0.0.0/8\"\n";
    for door in DOORS {
        let server = Server::named("one");
        let front = Front::before(door, &[server.address], more);
        let client = front.client_after(b"PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n");
        let answer = converse_over(door.version, client, &Message::new("GET /"));
        assert_eq!(answer.start, "200", "{door:?}");
        let head = server.heads().pop().expect("a request");
        assert_eq!(field(&head, "x-forwarded-for"), Some("192.0.2.7"), "{door:?}");
    }
}

#[test]
fn a_failed_try_is_followed_by_another_by_every_door() {
    let failing = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick";
    let more = "retry_budget = { ratio = 1.0, min_per_second = 100 }\n\
                [route.all.retry]\non = [\"503\", \"reset-before-response\"]\n";
    for door in DOORS {
        let resetting = Server::start(|conversation, _| {
            if conversation.request().is_some() {
                conversation.peer.reset_at_close();
            }
        });
        for bad in [Server::absent(), resetting.address, Server::answering(failing).address] {
            let good = Server::named("good");
            let front = Front::before(door, &[bad, good.address], more);
            let put = Message::new("PUT /").body(Length::Known, "body");
            for request in [Message::new("GET /"), Message::new("GET /"), put.clone(), put] {
                let answer = front.converse(&request);
                assert_eq!((&*answer.start, &*answer.body), ("200", &b"good"[..]), "{door:?}");
            }
            assert_eq!(good.heads().len(), 4);
        }
    }
}
