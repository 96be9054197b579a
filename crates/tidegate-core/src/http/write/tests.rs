//! Heads as they are written: what goes on, what does not, and in which form.

use super::super::parse;
use super::*;
use crate::http::scheme::Scheme;

const OPTIONS: RequestOptions<'_> = RequestOptions {
    framing: BodyFraming::AsReceived,
    merge_slashes: true,
    upgrade: false,
    fallback_host: "pool",
};

fn forwarding(trusted: bool) -> Forwarding<'static> {
    Forwarding {
        peer: [192, 0, 2, 1].into(),
        trusted,
        scheme: Scheme::Http,
        node: "node",
        request_id: Some(0xabc),
        certificate: b"",
        client_header: Some("cf-ip"),
    }
}

fn read(bytes: &str) -> Head {
    let mut head = Head::default();
    parse::request(bytes.as_bytes(), 100, Scheme::Http, &mut head).expect("a good head");
    head
}

fn send(bytes: &str, trusted: bool, options: RequestOptions<'_>) -> String {
    let mut out = Vec::new();
    request(&read(bytes), &forwarding(trusted), options, &mut out);
    String::from_utf8(out).expect("text")
}

/// What is written for an untrusted peer's GET with these field lines, without what is written for
/// any.
fn sent(lines: &str) -> String {
    let whole = send(&format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"), false, OPTIONS);
    let ours = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n\
                Forwarded: for=192.0.2.1;host=\"a\";proto=http\r\n\
                X-Request-Id: 0000000000000abc\r\nVia: 1.1 node\r\n";
    assert!(whole.contains(ours), "{whole}");
    whole.replacen(ours, "", 1)
}

#[test]
fn a_head_is_written_in_our_own_form() {
    let first = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (lines, expected) in [
        ("", ""),
        ("X:y\r\nZ: \t w \r\n", "X: y\r\nZ: w\r\n"),
        ("X:\r\n", "X: \r\n"),
        ("A: b\r\nC: d\r\n", "A: b\r\nC: d\r\n"),
        ("A: b\r\nX_Y: z\r\nC: d\r\n", "A: b\r\nC: d\r\n"),
        ("Date: today\r\nVia: 1.0 b\r\n", "Date: today\r\nVia: 1.0 b\r\n"),
        ("Content-Length:0\r\n", "Content-Length: 0\r\n"),
        ("TRANSFER-encoding:Chunked\r\nA: b\r\n", "A: b\r\nTransfer-Encoding: chunked\r\n"),
        ("Connection: a\r\nA: b\r\nC: d\r\n", "C: d\r\n"),
        ("Connection: cookie, x\r\nCookie: b\r\nX: y\r\n", "Cookie: b\r\n"),
        ("Connection: upgrade\r\nUpgrade: websocket\r\n", ""),
        ("Keep-Alive: 1\r\nTE: x\r\nProxy-Connection: y\r\nHTTP2-Settings: z\r\n", ""),
        ("Proxy: a\r\nX-Original-URL: b\r\nX-HTTP-Method-Override: PUT\r\n", ""),
        ("CF-IP: 10.0.0.1\r\nX: y\r\n", "X: y\r\n"),
        ("Expect: 100-continue\r\n", "Expect: 100-continue\r\n"),
    ] {
        assert_eq!(sent(lines), format!("{first}{expected}\r\n"), "{lines:?}");
    }
}

#[test]
fn the_host_is_the_canonical_one_and_comes_once() {
    let host = |start: &str| {
        let whole = send(&format!("{start}\r\n\r\n"), false, OPTIONS);
        let hosts = whole.lines().filter_map(|line| line.strip_prefix("Host: ").map(str::to_owned));
        hosts.collect::<Vec<_>>()
    };
    assert_eq!(host("GET / HTTP/1.1\r\nHost: a"), ["a"]);
    assert_eq!(host("GET / HTTP/1.1\r\nHost: A.Example."), ["a.example"]);
    assert_eq!(host("GET / HTTP/1.1\r\nX: y\r\nhost:a:80"), ["a"]);
    assert_eq!(host("GET http://B:8080/ HTTP/1.1\r\nHost: a"), ["b:8080"]);
    assert_eq!(host("GET / HTTP/1.0\r\nHost:"), ["pool"]);
    assert_eq!(host("GET / HTTP/1.0"), ["pool"]);
}

#[test]
fn a_trusted_peer_is_added_to() {
    let lines = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: \r\nX-Forwarded-For: 10.0.0.2\r\n\
                 X-Forwarded-Proto: https\r\nForwarded: for=b\r\nX-Real-IP: c\r\n\
                 X-Forwarded-Port: 1\r\n";
    let whole = send(&format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"), true, OPTIONS);
    for line in [
        "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 192.0.2.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: a",
        "Forwarded: for=b, for=192.0.2.1;host=\"a\";proto=http",
        "X-Real-IP: c",
        "X-Forwarded-Port: 1",
    ] {
        assert_eq!(whole.lines().filter(|found| *found == line).count(), 1, "{line} in {whole}");
    }
    assert_eq!(whole.matches("X-Forwarded-").count(), 4, "{whole}");
}

#[test]
fn a_path_keeps_its_slashes_and_its_query() {
    let start = |target: &str, merge_slashes| {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let whole = send(
            &bytes,
            false,
            RequestOptions { framing: BodyFraming::AsReceived, merge_slashes, ..OPTIONS },
        );
        whole.lines().next().expect("a start line").to_owned()
    };
    assert_eq!(start("/a//b?c=//..", true), "GET /a/b?c=//.. HTTP/1.1");
    assert_eq!(start("/a//b?c=//..", false), "GET /a//b?c=//.. HTTP/1.1");
    assert_eq!(start("/a?", true), "GET /a? HTTP/1.1");
}

#[test]
fn an_upgrade_goes_on_only_when_it_may() {
    let bytes =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade, x\r\nX: y\r\n\r\n";
    let whole = send(bytes, false, RequestOptions { upgrade: true, ..OPTIONS });
    assert!(whole.contains("\r\nUpgrade: websocket\r\n"), "{whole}");
    assert!(whole.ends_with("\r\nConnection: upgrade\r\n\r\n"), "{whole}");
    assert!(!whole.contains("X: y"), "{whole}");
    let bytes = "HTTP/1.1 101 Switching\r\nConnection: x, Upgrade\r\nUpgrade: websocket\r\nX: y\r\n\
                 Date: a\r\n\r\n";
    let expected =
        "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nDate: a\r\nConnection: upgrade\r\n\r\n";
    assert_eq!(answer(bytes, BodyFraming::AsReceived, Persistence::Upgrade), expected);
}

fn answer(bytes: &str, framing: BodyFraming, persistence: Persistence) -> String {
    let mut head = ReplyHead::default();
    parse::reply(bytes.as_bytes(), 100, false, &mut head).expect("a good head");
    let mut out = Vec::new();
    reply(&head, ReplyOptions { framing, persistence, date: b"today", more: b"" }, &mut out);
    String::from_utf8(out).expect("text")
}

#[test]
fn a_response_is_written_in_our_own_form() {
    let plain = |lines: &str| {
        let bytes = format!("HTTP/1.0 200 Fine\r\n{lines}\r\n");
        answer(&bytes, BodyFraming::AsReceived, Persistence::Default)
    };
    for (lines, expected) in [
        ("", "Date: today\r\n"),
        ("date:a\r\n", "date: a\r\n"),
        ("Content-Length: 5\r\nDate: a\r\n", "Content-Length: 5\r\nDate: a\r\n"),
        ("Connection: close, x\r\nX: y\r\nDate: a\r\n", "Date: a\r\n"),
        ("Connection: set-cookie\r\nSet-Cookie: b\r\nDate: a\r\n", "Set-Cookie: b\r\nDate: a\r\n"),
        ("Keep-Alive: 5\r\nUpgrade: h2\r\nDate: a\r\n", "Date: a\r\n"),
        ("Transfer_Encoding: x\r\nDate: a\r\n", "Date: a\r\n"),
        ("X_Y: z\r\nDate: a\r\n", "X_Y: z\r\nDate: a\r\n"),
    ] {
        assert_eq!(plain(lines), format!("HTTP/1.1 200 Fine\r\n{expected}\r\n"), "{lines:?}");
    }
}

#[test]
fn a_response_is_framed_for_its_client() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\nDate: a\r\n\r\n";
    let open = "HTTP/1.1 200 OK\r\nDate: a\r\n\r\n";
    let head = "HTTP/1.1 200 OK\r\nDate: a\r\n";
    for (bytes, framing, persistence, expected) in [
        (chunked, BodyFraming::AsReceived, Persistence::Default, "Transfer-Encoding: chunked\r\n"),
        (chunked, BodyFraming::Close, Persistence::Close, "Connection: close\r\n"),
        (open, BodyFraming::Chunked, Persistence::Default, "Transfer-Encoding: chunked\r\n"),
        (open, BodyFraming::Close, Persistence::Close, "Connection: close\r\n"),
        (open, BodyFraming::AsReceived, Persistence::KeepAlive, "Connection: keep-alive\r\n"),
    ] {
        assert_eq!(answer(bytes, framing, persistence), format!("{head}{expected}\r\n"));
    }
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: b\r\n\r\n";
    assert_eq!(answer(interim, BodyFraming::AsReceived, Persistence::Default), interim);
}

#[test]
fn lines_of_our_own_are_for_the_final_response() {
    let written = |status: &str, framing| {
        let bytes = format!("HTTP/1.1 {status}\r\nDate: a\r\n\r\n");
        let mut head = ReplyHead::default();
        parse::reply(bytes.as_bytes(), 100, false, &mut head).expect("a good head");
        let mut out = Vec::new();
        let more = b"Set-Cookie: a=b\r\n";
        let persistence = Persistence::Default;
        reply(&head, ReplyOptions { framing, persistence, date: b"today", more }, &mut out);
        String::from_utf8(out).expect("text").contains("Set-Cookie: a=b\r\n")
    };
    for (status, expected) in [("200 OK", true), ("101 Switching", true), ("103 Hints", false)] {
        assert_eq!(written(status, BodyFraming::AsReceived), expected, "{status}");
        assert_eq!(written(status, BodyFraming::Stream), expected, "{status} on a stream");
    }
}
