//! Groups C and E of docs/security-cases.md: requests of HTTP/2 that would become something else on
//! their way to a server.

use super::frames::*;
use super::raw::Raw;
use super::site::holding;
use crate::cases::Site;
use crate::world::*;

/// A whole request of these fields, pseudo-fields included.
fn whole(fields: &[(&str, &str)]) -> [Frame; 1] {
    [Frame::new(HEADERS, WHOLE, 1, block(fields.iter().copied()))]
}

/// Holds that each of these requests is malformed.
#[track_caller]
fn check_malformed(site: &Site, requests: &[&[(&str, &str)]]) {
    for fields in requests {
        site.resets(&format!("{fields:?}"), &whole(fields), PROTOCOL_ERROR, "h2_malformed");
    }
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const PATH: (&str, &str) = (":path", "/");
const AUTHORITY: (&str, &str) = (":authority", "shop.example.com");

#[test]
fn c5_connect_on_a_stream_is_answered_here() {
    let site = Site::new();
    let connect = [(":method", "CONNECT"), (":authority", "internal:22")];
    site.declines("CONNECT", &whole(&connect), 405, "method");
    // What would have gone through the tunnel goes nowhere either.
    let open = Frame::new(HEADERS, END_HEADERS, 1, block(connect));
    let payload = Frame::new(DATA, 0, 1, "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n");
    site.declines("CONNECT with a payload", &[open, payload], 405, "method");
    let trace = [(":method", "TRACE"), SCHEME, PATH, AUTHORITY];
    site.declines("TRACE", &whole(&trace), 405, "method");
}

/// An extended CONNECT to this protocol.
fn extended<'a>(protocol: &'a str, fields: &[(&'a str, &'a str)]) -> Frame {
    let head = [(":method", "CONNECT"), (":protocol", protocol), SCHEME, PATH, AUTHORITY];
    Frame::new(HEADERS, END_HEADERS, 1, block(head.into_iter().chain(fields.iter().copied())))
}

const VERSION: (&str, &str) = ("sec-websocket-version", "13");

#[test]
fn c6_an_extended_connect_that_is_no_handshake_is_refused() {
    let site = Site::new();
    site.declines("no version", &[extended("websocket", &[])], 400, "upgrade");
    let old = [("sec-websocket-version", "8")];
    site.declines("an old version", &[extended("websocket", &old)], 400, "upgrade");
}

#[test]
fn c6_a_route_decides_whether_there_are_tunnels_on_streams() {
    let site = Site::with("[route.all.limits]\nupgrade = []\n");
    site.declines("a route without", &[extended("websocket", &[VERSION])], 400, "upgrade");
}

#[test]
fn c6_a_server_that_switches_to_something_else_is_not_believed() {
    for (switched, status) in [
        ("Connection: Upgrade\r\nUpgrade: other\r\n", 502),
        ("Upgrade: websocket\r\n", 502),
        ("", 502),
    ] {
        let head = format!("HTTP/1.1 101 Switching Protocols\r\n{switched}\r\n");
        let site = Site::before(Server::answering(head), "");
        let mut client = Raw::client(&site.balancer);
        client.send(&extended("websocket", &[VERSION]));
        assert_eq!(client.status(), status, "{switched}");
        assert_eq!(site.balancer.refused("bad_response"), 1);
    }
}

#[test]
fn c7_an_unknown_protocol_gets_501() {
    let site = Site::new();
    for protocol in ["connect-udp", "webtransport", "WebSocket", "h2c"] {
        site.declines(protocol, &[extended(protocol, &[VERSION])], 501, "unknown_protocol");
    }
    let frames = whole(&[METHOD, (":protocol", "websocket"), SCHEME, PATH, AUTHORITY]);
    site.resets("a protocol of GET", &frames, PROTOCOL_ERROR, "h2_malformed");
}

#[test]
fn e1_a_length_that_is_not_the_length_is_malformed() {
    let (server, _held) = holding();
    let site = Site::before(server, "");
    let head = |flags, length| Frame::new(HEADERS, flags, 1, upload(&[("content-length", length)]));
    let data = |flags, bytes: &str| Frame::new(DATA, flags, 1, bytes);
    site.resets("no body", &[head(WHOLE, "5")], PROTOCOL_ERROR, "h2_malformed");
    for length in ["-1", "+5", "5, 5", "0x5", "", "18446744073709551616"] {
        site.resets(length, &[head(END_HEADERS, length)], PROTOCOL_ERROR, "h2_malformed");
    }
    let twice = upload(&[("content-length", "5"), ("content-length", "5")]);
    let twice = Frame::new(HEADERS, END_HEADERS, 1, twice);
    site.resets("twice", &[twice], PROTOCOL_ERROR, "h2_malformed");
    // The head may have gone on before the lie came out: what it went over serves nobody else.
    for (shown, body) in [
        ("short", vec![data(END_STREAM, "four")]),
        ("long", vec![data(END_STREAM, "GET /behind HTTP/1.1\r\n\r\n")]),
        ("long later", vec![data(0, "12345"), data(0, "GET /behind HTTP/1.1\r\n\r\n")]),
        ("long empty", vec![data(0, "12345"), data(0, "6"), data(END_STREAM, "")]),
        (
            "short with trailers",
            vec![data(0, "four"), Frame::new(HEADERS, WHOLE, 1, block([("a", "b")]))],
        ),
    ] {
        let (seen, refused) = (site.server.heads().len(), site.balancer.refused("h2_malformed"));
        let mut client = Raw::client(&site.balancer);
        client.send(&head(END_HEADERS, "5"));
        eventually("the head went on", || site.server.heads().len() == seen + 1);
        client.send_all(&body);
        let end = client.next(RST_STREAM);
        assert_eq!(end.code(), PROTOCOL_ERROR, "{shown}");
        eventually("it is counted", || site.balancer.refused("h2_malformed") == refused + 1);
        // The server never answers over the connection that the head went to.
        site.serves();
    }
}

#[test]
fn e2_fields_of_a_connection_are_malformed() {
    let site = Site::new();
    for field in [
        ("connection", "close"),
        ("connection", "x-secret"),
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("upgrade", "websocket"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("te", "trailers, gzip"),
        ("te", ""),
    ] {
        check_malformed(&site, &[&[METHOD, SCHEME, PATH, AUTHORITY, field]]);
    }
    let mut client = Raw::client(&site.balancer);
    client.send_all(&whole(&[METHOD, SCHEME, PATH, AUTHORITY, ("te", "trailers")]));
    assert_eq!(client.status(), 200);
}

#[test]
fn e3_bytes_that_end_a_line_or_hide_at_its_ends_are_malformed() {
    let site = Site::new();
    for (name, value) in [
        ("x", "a\r\nSmuggled: 1"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\0b"),
        ("x", "a\u{7f}b"),
        ("x", " a"),
        ("x", "a "),
        ("x", "\ta"),
        ("x", "a\t"),
        ("x\r\ny", "a"),
        ("x\ny", "a"),
        ("x\0", "a"),
        ("x\t", "a"),
        ("x ", "a"),
        (" x", "a"),
        ("x y", "a"),
        ("x\u{e9}", "a"),
    ] {
        let frames = whole(&[METHOD, SCHEME, PATH, AUTHORITY, (name, value)]);
        site.spurns(&format!("{name:?}: {value:?}"), &frames);
    }
}

#[test]
fn e4_names_are_lower_case_and_hold_no_colon() {
    let site = Site::new();
    for name in ["X-Name", "x-namE", "Transfer-Encoding", "x:y", "x:"] {
        let frames = whole(&[METHOD, SCHEME, PATH, AUTHORITY, (name, "a")]);
        site.spurns(name, &frames);
    }
}

#[test]
fn e5_pseudo_fields_come_once_first_and_well_formed() {
    let site = Site::new();
    check_malformed(
        &site,
        &[
            &[SCHEME, PATH, AUTHORITY],
            &[METHOD, PATH, AUTHORITY],
            &[METHOD, SCHEME, AUTHORITY],
            &[METHOD, METHOD, SCHEME, PATH, AUTHORITY],
            &[METHOD, (":method", "POST"), SCHEME, PATH, AUTHORITY],
            &[METHOD, SCHEME, PATH, PATH, AUTHORITY],
            &[METHOD, SCHEME, PATH, AUTHORITY, AUTHORITY],
            &[METHOD, SCHEME, SCHEME, PATH, AUTHORITY],
            &[METHOD, SCHEME, PATH, ("x", "y"), AUTHORITY],
            &[("x", "y"), METHOD, SCHEME, PATH, AUTHORITY],
            &[METHOD, SCHEME, (":path", ""), AUTHORITY],
        ],
    );
    let user = whole(&[METHOD, SCHEME, PATH, (":authority", "user@host")]);
    site.declines("a user", &user, 400, "bad_host");
    for fields in [
        [METHOD, SCHEME, PATH, (":status", "200")],
        [METHOD, SCHEME, PATH, (":unknown", "1")],
        [(":method", "GET / HTTP/1.1\r\nX: y"), SCHEME, PATH, AUTHORITY],
        [(":method", "GET /"), SCHEME, PATH, AUTHORITY],
        [(":method", "GE T"), SCHEME, PATH, AUTHORITY],
        [(":method", ""), SCHEME, PATH, AUTHORITY],
        [METHOD, SCHEME, (":path", "/ HTTP/1.1\r\nX: y"), AUTHORITY],
        [METHOD, SCHEME, (":path", "/a b"), AUTHORITY],
        [METHOD, SCHEME, (":path", "/a\u{1}"), AUTHORITY],
        [METHOD, SCHEME, (":path", "no/slash"), AUTHORITY],
        [METHOD, SCHEME, PATH, (":authority", "a b")],
        [METHOD, SCHEME, PATH, (":authority", "a\r\nX: y")],
        [METHOD, (":scheme", "ht tp"), PATH, AUTHORITY],
    ] {
        site.spurns(&format!("{fields:?}"), &whole(&fields));
    }
}

#[test]
fn e6_a_host_beside_the_authority_names_the_same() {
    let site = Site::new();
    for host in ["other.example.com", "shop.example.com.evil", "shop.example.com:8080"] {
        let frames = whole(&[METHOD, SCHEME, PATH, AUTHORITY, ("host", host)]);
        site.declines(host, &frames, 400, "bad_host");
    }
    for fields in [&[AUTHORITY, ("host", "shop.example.com")][..], &[("host", "shop.example.com")]]
    {
        let mut client = Raw::client(&site.balancer);
        client.send_all(&whole(&[&[METHOD, SCHEME, PATH], fields].concat()));
        assert_eq!(client.status(), 200);
        let head = site.server.heads().pop().expect("it went on");
        assert_eq!(fields_of(&head, "host"), ["shop.example.com"]);
    }
    let none = whole(&[METHOD, SCHEME, PATH]);
    site.declines("no host at all", &none, 400, "bad_host");
    let twice = whole(&[METHOD, SCHEME, PATH, ("host", "a"), ("host", "a")]);
    site.declines("two hosts", &twice, 400, "bad_host");
}

fn fields_of<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    fields(head, name).collect()
}

#[test]
fn e8_the_crumbs_of_a_cookie_become_one() {
    let site = Site::new();
    let mut client = Raw::client(&site.balancer);
    let crumbs = [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2; c=3"), ("cookie", "d=4")];
    let head = [&[METHOD, SCHEME, PATH, AUTHORITY][..], &crumbs].concat();
    client.send_all(&whole(&head));
    assert_eq!(client.status(), 200);
    let head = site.server.heads().pop().expect("it went on");
    assert_eq!(fields_of(&head, "cookie"), ["a=1; b=2; c=3; d=4"]);
}
