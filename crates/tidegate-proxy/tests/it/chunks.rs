//! Group A of docs/security-cases.md, chunks: every chunk line is read one way, or not at all.

use crate::cases::*;
use crate::world::*;

#[track_caller]
fn refused(site: &Site, reason: &str, all: &[&str]) {
    for frames in all {
        site.refuses_body(in_chunks(frames), reason);
    }
}

/// A server that answers with the frames it got.
fn echo() -> Server {
    Server::start(|conversation, _| {
        while let Some((head, body)) = conversation.request() {
            let body = String::from_utf8(body).expect("bodies are text here");
            conversation.peer.send(ok(if head.starts_with("GET ") { "one" } else { &body }));
        }
    })
}

#[test]
fn a11_a_chunk_size_is_plain_hexadecimal() {
    refused(
        &Site::new(),
        "bad_chunk",
        &[
            "0x5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n",
            "5_0\r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "5\t\r\nhello\r\n0\r\n\r\n",
            "\r\nhello\r\n0\r\n\r\n",
            ";a\r\nhello\r\n0\r\n\r\n",
            "g\r\nhello\r\n0\r\n\r\n",
            "5h\r\nhello\r\n0\r\n\r\n",
            "5,5\r\nhello\r\n0\r\n\r\n",
            "\u{665}\r\nhello\r\n0\r\n\r\n",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            "00000000000000005\r\nhello\r\n0\r\n\r\n",
        ],
    );
}

#[test]
fn a11_the_largest_size_is_a_size() {
    // It is a legal line, and it is the body limit that ends it.
    let site = Site::with("[route.all.limits]\nbody_bytes = \"1KiB\"\n");
    let frames = format!("ffffffffffffffff\r\n{}", "a".repeat(2048));
    let connections = site.server.connections();
    let mut client = site.balancer.client();
    client.send(in_chunks(&frames));
    assert_eq!(status(&client.message().0), 413);
    assert!(client.is_closed());
    assert_eq!(site.balancer.refused("body_too_large"), 1);
    site.serves();
    assert_eq!(site.server.connections(), connections + 2);
}

#[test]
fn a12_a_chunk_extension_is_well_formed() {
    refused(
        &Site::new(),
        "bad_chunk",
        &[
            "5;\nhello\r\n0\r\n\r\n",
            "5;a\nhello\r\n0\r\n\r\n",
            "5;a=b\nhello\r\n0\r\n\r\n",
            "5\n;a\r\nhello\r\n0\r\n\r\n",
            "5;a\rb\r\nhello\r\n0\r\n\r\n",
            "5;a\r;b\nhello\r\n0\r\n\r\n",
            "5\r;a\r\nhello\r\n0\r\n\r\n",
            "5;a=\0\r\nhello\r\n0\r\n\r\n",
            "5;\0\r\nhello\r\n0\r\n\r\n",
            "5;a=\"\0\"\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\\\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n",
            "5;\r\nhello\r\n0\r\n\r\n",
            "5;;\r\nhello\r\n0\r\n\r\n",
            "5;a;\r\nhello\r\n0\r\n\r\n",
            "5;=b\r\nhello\r\n0\r\n\r\n",
            "5;a=\r\nhello\r\n0\r\n\r\n",
            "5;a b\r\nhello\r\n0\r\n\r\n",
            "5 ;a\r\nhello\r\n0\r\n\r\n",
            "5; a\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0;\n\r\n",
        ],
    );
}

#[test]
fn a13_chunk_extensions_do_not_go_on() {
    let site = Site::before(echo(), "");
    let mut client = site.balancer.client();
    client.send(in_chunks("1;a\r\nh\r\n4;b=\"c;\\\"\";d=e\r\nello\r\n0;f\r\n\r\n"));
    assert_eq!(client.message().1, b"1\r\nh\r\n4\r\nello\r\n0\r\n\r\n");
}

#[test]
fn a13_many_or_long_chunk_extensions_are_refused() {
    let site = Site::new();
    let many = format!("1;{}\r\na\r\n", "x".repeat(100)).repeat(200);
    let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(17 * 1024));
    let quoted = format!("5;x=\"{}\"\r\nhello\r\n0\r\n\r\n", "y".repeat(17 * 1024));
    refused(&site, "bad_chunk", &[&many, &long, &quoted]);
}

#[test]
fn a14_a_chunk_ends_where_it_said() {
    refused(
        &Site::new(),
        "bad_chunk",
        &[
            "5\r\nhelloX\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r0\r\n\r\n",
            "5\r\nhello\r\r\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\rhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\n\n",
            "5\r\nhello\r\n0\r\n\rX",
            "5\r\nhello\r\n0\n\r\n",
        ],
    );
}

#[test]
fn a15_trailers_that_say_anything_to_a_server_are_dropped() {
    let site = Site::before(echo(), "");
    let mut client = site.balancer.client();
    let trailers = "X-Sum: 1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: b\r\n\
                    Cookie: c\r\nAuthorization: d\r\nX-Forwarded-For: 1.2.3.4\r\nTE: j\r\n\
                    Connection: close\r\nTrailer: e\r\nX_Auth: f\r\nSet-Cookie: g\r\n\
                    Transfer_Encoding: h\r\nX-Original-URL: /i\r\n";
    client.send(in_chunks(&format!("5\r\nhello\r\n0\r\n{trailers}\r\n")));
    assert_eq!(client.message().1, b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n");
    let head = site.server.heads().remove(0);
    assert_eq!((field(&head, "x-sum"), field(&head, "cookie")), (None, None), "{head}");
    assert_eq!(field(&head, "host"), Some("a"));
    site.serves();
}

#[test]
fn a15_trailers_of_a_response_are_filtered_as_well() {
    let reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5;x\r\nhello\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n\r\n";
    let site = Site::before(Server::answering(reply), "");
    let mut client = site.balancer.client();
    for _ in 0..2 {
        client.send(get("/"));
        let head = client.head();
        assert_eq!(field(&head, "set-cookie"), None);
        assert_eq!(client.try_chunks().as_deref(), Some("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"));
    }
    assert_eq!(site.server.connections(), 1);
}

#[test]
fn a15_malformed_or_oversize_trailers_are_refused() {
    let site = Site::new();
    let long = format!("0\r\nX: {}\r\n\r\n", "y".repeat(9 * 1024));
    let many = format!("0\r\n{}\r\n", "X: y\r\n".repeat(65));
    refused(
        &site,
        "bad_trailer",
        &[
            &long,
            &many,
            "0\r\nno colon\r\n\r\n",
            "0\r\nX : y\r\n\r\n",
            "0\r\n: y\r\n\r\n",
            "0\r\n X: y\r\n\r\n",
            "0\r\nX: y\r\n z\r\n\r\n",
            "0\r\nX: y\n\r\n",
            "0\r\nX: \0\r\n\r\n",
            "0\r\nX: y\rZ: w\r\n\r\n",
        ],
    );
}
