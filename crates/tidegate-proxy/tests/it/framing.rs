//! Group A of docs/security-cases.md, requests: where a request ends, and who says so.

use crate::cases::*;
use crate::world::*;

/// A POST with these field lines and the body `hello`.
fn post(lines: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\nhello")
}

/// A server that sends every body back.
fn echo() -> Server {
    Server::start(|conversation, _| {
        while let Some((_, body)) = conversation.request() {
            conversation.peer.send(ok(std::str::from_utf8(&body).expect("bodies are text here")));
        }
    })
}

#[test]
fn a1_both_framings_are_refused() {
    let site = Site::new();
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "content-length: 0\r\nTRANSFER-ENCODING: CHUNKED\r\n",
        "Transfer-Encoding: chunked\r\nX: y\r\nContent-Length: 0\r\n",
    ] {
        site.refuses(post(lines), 400, "bad_framing");
    }
}

#[test]
fn a2_a_second_length_is_refused_even_when_equal() {
    let site = Site::new();
    for lines in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nX: y\r\ncontent-length: 0\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5,6\r\n",
        "Content-Length: 5,\r\n",
        "Content-Length: ,5\r\n",
    ] {
        site.refuses(post(lines), 400, "bad_framing");
    }
}

#[test]
fn a3_only_a_plain_decimal_is_a_length() {
    let site = Site::new();
    for length in [
        "+5",
        "-5",
        "-0",
        "0x5",
        "0X5",
        "5_0",
        "5 0",
        "5\t5",
        "",
        "5.0",
        "5e0",
        "\"5\"",
        "5;",
        "five",
        "\u{665}",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        site.refuses(post(&format!("Content-Length: {length}\r\n")), 400, "bad_framing");
    }
}

#[test]
fn a4_leading_zeros_are_refused() {
    let site = Site::new();
    for length in ["05", "005", "00", "000000000000000000005"] {
        site.refuses(post(&format!("Content-Length: {length}\r\n")), 400, "bad_framing");
    }
}

#[test]
fn a5_transfer_encoding_is_chunked_alone_or_refused() {
    let site = Site::new();
    for coding in [
        "xchunked",
        "chunkedx",
        "identity",
        "x",
        "chunked, gzip",
        "gzip, chunked",
        "chunked, chunked",
        "chunked,identity",
        "",
        ",",
        "chunked,",
        ",chunked",
        "chunked;q=1",
        "chunked ;",
        "chunked x",
        "\"chunked\"",
        "'chunked'",
        "chun ked",
        "chunke\u{17f}",
        "chunked\u{a0}",
    ] {
        let lines = format!("Transfer-Encoding: {coding}\r\n");
        site.refuses(post(&lines), 400, "bad_framing");
    }
    for second in ["chunked", "identity", "gzip", ""] {
        let lines = format!("Transfer-Encoding: chunked\r\nTransfer-Encoding: {second}\r\n");
        site.refuses(post(&lines), 400, "bad_framing");
    }
    for odd in
        ["chunked\0", "\0chunked", "chunked\x0b", "\x0bchunked", "chunked\x0c", "chun\x7fked"]
    {
        site.refuses(post(&format!("Transfer-Encoding: {odd}\r\n")), 400, "bad_header");
    }
}

#[test]
fn a5_a_coding_that_is_not_spoken_gets_501() {
    let site = Site::new();
    for coding in ["gzip", "GZIP", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"] {
        site.refuses(post(&format!("Transfer-Encoding: {coding}\r\n")), 501, "unknown_coding");
    }
}

#[test]
fn a6_an_old_request_in_chunks_is_refused() {
    let site = Site::new();
    for lines in ["", "Connection: keep-alive\r\n", "Content-Length: 5\r\n"] {
        let head =
            format!("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{lines}\r\n");
        site.refuses(head + "0\r\n\r\n", 400, "bad_framing");
    }
}

#[test]
fn a6_an_old_request_never_ends_by_closing() {
    let server = echo();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send("POST / HTTP/1.0\r\nHost: a\r\n\r\nnot a body");
    let (head, body) = client.message();
    assert_eq!((status(&head), body), (200, Vec::new()));
    assert_eq!(field(&head, "connection"), Some("close"));
    assert!(client.is_closed());
    assert_eq!(field(&server.heads()[0], "content-length"), None);
}

/// A server that answers each head as soon as it has it, and leaves bodies lying.
fn hasty() -> Server {
    Server::start(|conversation, number| {
        while conversation.head().is_some() {
            conversation.peer.send(ok(&number.to_string()));
        }
    })
}

#[test]
fn a7_a_server_that_answered_before_the_body_gets_no_other_request() {
    let server = hasty();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n012");
    assert_eq!(client.message().1, b"0");
    client.send("3456789");
    client.send(get("/next"));
    assert_eq!(client.message().1, b"1", "on a connection of its own");
    assert_eq!(server.heads().len(), 2);
}

#[test]
fn a7_the_framing_that_goes_on_is_our_own() {
    let server = echo();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\ntransfer-ENCODING: \t ChunKed \r\n\r\n");
    client.send("5;a=b\r\nhello\r\n0;x\r\n\r\n");
    assert_eq!(client.message().1, b"5\r\nhello\r\n0\r\n\r\n");
    let head = server.heads().remove(0);
    assert!(head.contains("\r\nTransfer-Encoding: chunked\r\n"), "{head}");
    assert_eq!(fields(&head, "transfer-encoding").count(), 1);
    client.send("POST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH:5\t\r\n\r\nhello");
    assert_eq!(client.message().1, b"hello");
    let head = server.heads().remove(1);
    assert_eq!(fields(&head, "content-length").collect::<Vec<_>>(), ["5"]);
}

#[test]
fn a8_the_body_of_any_method_is_framed() {
    let server = echo();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    let bait = get("/smuggled");
    for method in ["GET", "DELETE", "OPTIONS", "PATCH", "PROPFIND"] {
        let length = bait.len();
        client.send(format!(
            "{method} /a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{bait}"
        ));
        assert_eq!(client.message().1, bait.as_bytes(), "{method}");
        let frames = format!("{length:x}\r\n{bait}\r\n0\r\n\r\n");
        client
            .send(format!("{method} /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
        client.send(&frames);
        assert_eq!(client.message().1, frames.as_bytes(), "{method}");
    }
    assert!(server.heads().iter().all(|head| !head.starts_with("GET /smuggled")));
    assert_eq!(server.heads().len(), 10);
}

#[test]
fn a9_a_long_rest_of_a_body_closes_the_connection() {
    let server = hasty();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    assert_eq!(status(&client.message().0), 200);
    for _ in 0..5_000 {
        client.send(get("/smuggled"));
    }
    assert!(client.is_closed());
    assert_eq!(server.heads().len(), 1);
}

#[test]
fn a9_a_rest_of_a_body_that_does_not_come_closes_the_connection() {
    let server = hasty();
    let limits = "[listener.web.limits]\nheader_timeout = \"100ms\"\n";
    let balancer = Balancer::start(&config(&[server.address], limits));
    let mut client = balancer.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n012");
    assert_eq!(status(&client.message().0), 200);
    assert!(client.is_closed());
}

#[test]
fn a9_the_body_of_a_request_that_goes_nowhere_is_read_away() {
    let site = Site::new();
    let mut client = site.balancer.client();
    let looping = format!("POST /loop HTTP/1.1\r\nHost: a\r\nVia: 1.1 {NODE}\r\n");
    let bait = get("/smuggled");
    let frames = format!("{:x}\r\n{bait}\r\n0\r\n\r\n", bait.len());
    for (framing, body) in [
        (format!("Content-Length: {}", bait.len()), &bait),
        ("Transfer-Encoding: chunked".to_owned(), &frames),
    ] {
        client.send(format!("{looping}{framing}\r\n\r\n{body}"));
        assert_eq!(status(&client.message().0), 508);
        client.send(get("/next"));
        assert_eq!(status(&client.message().0), 200);
    }
    assert_eq!(site.server.heads().len(), 2);
}

const EXPECTING: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n";

#[test]
fn a10_the_server_decides_whether_the_body_comes() {
    let server = Server::start(|conversation, _| {
        while conversation.head().is_some() {
            conversation.peer.send("HTTP/1.1 100 Continue\r\n\r\n");
            if conversation.peer.try_bytes(5).is_some() {
                conversation.peer.send(ok("thanks"));
            }
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for _ in 0..2 {
        client.send(EXPECTING);
        assert_eq!(status(&client.head()), 100);
        client.send("hello");
        assert_eq!(client.message().1, b"thanks");
    }
    assert_eq!(server.connections(), 1, "both sides were at a boundary");
    assert_eq!(field(&server.heads()[0], "expect"), Some("100-Continue"));
}

#[test]
fn a10_no_body_follows_a_final_answer() {
    let server = Server::start(|conversation, _| {
        while conversation.head().is_some() {
            conversation.peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    for after in [get("/smuggled"), format!("hello{}", get("/smuggled"))] {
        let mut client = balancer.client();
        client.send(EXPECTING);
        let (head, _) = client.message();
        assert_eq!(status(&head), 403);
        assert_eq!(field(&head, "connection"), Some("close"));
        client.send(after);
        assert!(client.is_closed());
    }
    assert_eq!((server.heads().len(), server.connections()), (2, 2));
}

#[test]
fn a10_our_own_answer_in_place_of_100_closes_too() {
    let site = Site::new();
    let mut client = site.balancer.client();
    client.send(EXPECTING.replace("Host: a", &format!("Host: a\r\nVia: 1.1 {NODE}")));
    let (head, _) = client.message();
    assert_eq!((status(&head), field(&head, "connection")), (508, Some("close")));
    client.send(get("/smuggled"));
    assert!(client.is_closed());
    assert!(site.server.heads().is_empty());
}

#[test]
fn a10_other_expectations_are_refused() {
    let site = Site::new();
    for expect in
        ["x", "", "100-continued", "y 100-continue", "100-continue, x", "100-continue;x", "100"]
    {
        site.refuses(
            post(&format!("Content-Length: 5\r\nExpect: {expect}\r\n")),
            417,
            "expectation",
        );
    }
    for (first, second) in
        [("x", "100-continue"), ("100-continue", "x"), ("100-continue", "100-continue")]
    {
        let lines = format!("Content-Length: 5\r\nExpect: {first}\r\nExpect: {second}\r\n");
        site.refuses(post(&lines), 417, "expectation");
    }
    site.refuses(with_fields("Expect: y100-continue\r\n"), 417, "expectation");
}

#[test]
fn a10_an_expectation_without_a_body_delays_nothing() {
    let site = Site::new();
    let mut client = site.balancer.client();
    for _ in 0..2 {
        client.send(with_fields("Expect: 100-continue\r\n"));
        assert_eq!(status(&client.message().0), 200);
    }
    // It means nothing in HTTP/1.0.
    let head = site.forwards("GET / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(field(&head, "expect"), None);
}

#[test]
fn a16_nothing_behind_a_refused_request_is_read() {
    let site = Site::new();
    let mut client = site.balancer.client();
    let bad = with_fields("Content-Length: +1\r\n");
    client.send([get("/good"), bad, get("/behind"), get("/behind")].concat());
    assert_eq!(status(&client.message().0), 200);
    assert_eq!(status(&client.message().0), 400);
    assert!(client.is_closed());
    assert_eq!(site.server.heads().len(), 1);
    site.serves();
}

#[test]
fn a21_names_that_imitate_framing_are_refused() {
    let site = Site::new();
    for name in [
        "Transfer_Encoding",
        "transfer_encoding",
        "Transfer---Encoding",
        "TransferEncoding",
        "Transfer.Encoding",
        "-Transfer-Encoding",
        "Transfer-Encoding-",
        "Transfer-Encoding1",
        "!Transfer-Encoding",
        "Content_Length",
        "CONTENT_LENGTH",
        "ContentLength",
        "Content--Length",
        "Content|Length",
        "_Content-Length",
        "Content-Length_",
        "0Content-Length",
    ] {
        site.refuses(post(&format!("{name}: 5\r\n")), 400, "bad_framing");
    }
}
