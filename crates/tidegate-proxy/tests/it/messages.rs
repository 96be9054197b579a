//! Messages of every kind: framings, versions, bodiless ones, and heads that arrive in pieces.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use crate::world::*;

/// A balancer in front of a server that answers everything with this.
fn answering(response: &str) -> (Balancer, Server) {
    let server = Server::answering(response);
    (Balancer::start(&config(&[server.address], "")), server)
}

/// A balancer in front of a server that answers one request a connection with this, then closes.
fn closing(response: &'static str) -> (Balancer, Server) {
    let server = Server::start(move |conversation, _| {
        conversation.request();
        conversation.peer.send(response);
    });
    (Balancer::start(&config(&[server.address], "")), server)
}

const OLD: &str = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
const OLD_KEPT: &str = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                       5\r\nhello\r\n7\r\n, world\r\n0\r\nX-Sum: 12\r\n\r\n";

#[test]
fn chunks_and_trailers_pass_both_ways() {
    let server = Server::start(|conversation, _| {
        while let Some(head) = conversation.head() {
            assert_eq!(field(&head, "transfer-encoding"), Some("chunked"));
            let (body, trailers) = conversation.peer.chunks();
            let body = String::from_utf8(body).expect("text");
            conversation.peer.send(format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Got\r\n\r\n\
                 {:x}\r\n{body}\r\n0\r\nX-Got: {}\r\n\r\n",
                body.len(),
                trailers.join("|")
            ));
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for _ in 0..3 {
        client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             4\r\nWiki\r\n5\r\npedia\r\n0\r\nX-One: 1\r\nX-Two: 2\r\n\r\n",
        );
        assert_eq!(field(&client.head(), "transfer-encoding"), Some("chunked"));
        let (body, trailers) = client.chunks();
        assert_eq!(body, b"Wikipedia");
        assert_eq!(trailers, ["X-Got: X-One: 1|X-Two: 2"]);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_large_chunked_body_passes_both_ways() {
    let server = Server::start(|conversation, _| {
        while conversation.head().is_some() {
            let (body, _) = conversation.peer.chunks();
            conversation.peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            for piece in body.chunks(70_000) {
                conversation.peer.send(format!("{:X}\r\n", piece.len()));
                conversation.peer.send(piece);
                conversation.peer.send("\r\n");
            }
            conversation.peer.send("0\r\n\r\n");
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    let body: Vec<u8> = (0..2_000_000u32).map(|n| (n % 251) as u8).collect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for piece in body.chunks(9_999) {
        client.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
    }
    client.send("0\r\n\r\n");
    assert_eq!(status(&client.head()), 200);
    assert!(client.chunks().0 == body);
}

#[test]
fn bodiless_responses_leave_the_connections_at_a_boundary() {
    for (method, response) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"a\"\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let (balancer, server) = answering(response);
        let mut client = balancer.client();
        for _ in 0..3 {
            client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
            let head = client.head();
            let line = response.lines().next();
            assert_eq!(head.lines().next(), line);
            for name in ["content-length", "transfer-encoding", "etag"] {
                assert_eq!(field(&head, name), field(response, name), "{response}");
            }
        }
        assert_eq!(server.connections(), 1, "{response}");
    }
}

#[test]
fn a_1_0_client_is_answered_and_let_go() {
    let (balancer, server) = answering(&ok("page"));
    for _ in 0..2 {
        let mut client = balancer.client();
        client.send(OLD);
        let (head, body) = client.message();
        assert_eq!(body, b"page");
        assert_eq!(field(&head, "connection"), Some("close"));
        assert!(client.is_closed());
    }
    assert_eq!(server.connections(), 1, "the server's connection is kept all the same");
    assert!(server.heads()[0].starts_with("GET / HTTP/1.1\r\n"));
}

#[test]
fn a_1_0_client_may_ask_to_be_kept() {
    let (balancer, _server) = answering(&ok("page"));
    let mut client = balancer.client();
    for _ in 0..3 {
        client.send(OLD_KEPT);
        let (head, body) = client.message();
        assert_eq!(body, b"page");
        assert_eq!(field(&head, "connection"), Some("keep-alive"));
    }
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(field(&client.message().0, "connection"), Some("close"));
    assert!(client.is_closed());
}

#[test]
fn a_1_0_server_is_understood_and_not_kept_unless_it_says_so() {
    let (balancer, server) = closing("HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\npage");
    let mut client = balancer.client();
    for connections in 1..=3 {
        client.send(get("/"));
        let (head, body) = client.message();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!((field(&head, "connection"), body), (None, b"page".to_vec()));
        assert_eq!(server.connections(), connections);
    }
    let kept = "HTTP/1.0 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\npage";
    let (balancer, server) = answering(kept);
    let mut client = balancer.client();
    for _ in 0..3 {
        client.send(get("/"));
        assert_eq!(client.message().1, b"page");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_body_until_close_is_put_into_chunks_for_a_1_1_client() {
    for response in ["HTTP/1.0 200 OK\r\n\r\npage", "HTTP/1.1 200 OK\r\n\r\npage"] {
        let (balancer, server) = closing(response);
        let mut client = balancer.client();
        for connections in 1..=2 {
            client.send(get("/"));
            let head = client.head();
            assert_eq!(field(&head, "transfer-encoding"), Some("chunked"));
            assert_eq!(field(&head, "connection"), None, "the client's connection lives on");
            assert_eq!(client.chunks(), (b"page".to_vec(), Vec::new()));
            assert_eq!(server.connections(), connections);
        }
    }
    // Without a byte it is still a whole body.
    let (balancer, _server) = closing("HTTP/1.0 200 OK\r\n\r\n");
    let mut client = balancer.client();
    client.send(get("/"));
    client.head();
    assert_eq!(client.chunks(), (Vec::new(), Vec::new()));
}

#[test]
fn a_body_until_close_is_one_for_a_1_0_client_too() {
    for request in [OLD, OLD_KEPT] {
        let (balancer, _server) = closing("HTTP/1.0 200 OK\r\n\r\npage");
        let mut client = balancer.client();
        client.send(request);
        let head = client.head();
        assert_eq!(field(&head, "connection"), Some("close"));
        assert_eq!(field(&head, "transfer-encoding"), None);
        assert_eq!(client.rest(), b"page");
    }
}

#[test]
fn a_1_0_client_gets_the_data_of_chunks_until_close() {
    for request in [OLD, OLD_KEPT] {
        let (balancer, server) = answering(CHUNKED);
        let mut client = balancer.client();
        client.send(request);
        let head = client.head();
        assert_eq!(field(&head, "transfer-encoding"), None);
        assert_eq!(field(&head, "connection"), Some("close"));
        assert_eq!(client.rest(), b"hello, world");
        let mut next = balancer.client();
        next.send(get("/"));
        next.head();
        assert_eq!(next.chunks().0, b"hello, world");
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_large_head_may_arrive_a_byte_at_a_time() {
    let (balancer, server) = answering(&ok("page"));
    let mut client = balancer.client();
    let long = "v".repeat(3000);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {long}\r\n\r\n");
    for byte in request.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.message().1, b"page");
    assert_eq!(field(&server.heads()[0], "x-long"), Some(long.as_str()));
}

#[test]
fn a_large_response_head_may_arrive_a_byte_at_a_time() {
    let long = "v".repeat(3000);
    let response = format!("HTTP/1.1 200 OK\r\nX-Long: {long}\r\nContent-Length: 4\r\n\r\npage");
    let server = Server::start(move |conversation, _| {
        while conversation.request().is_some() {
            response.bytes().for_each(|byte| conversation.peer.send([byte]));
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for _ in 0..2 {
        client.send(get("/"));
        let (head, body) = client.message();
        assert_eq!(
            (field(&head, "x-long"), body),
            (Some("v".repeat(3000).as_str()), b"page".to_vec())
        );
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_request_may_be_split_anywhere() {
    let server = Server::start(|conversation, _| {
        while conversation.head().is_some() {
            let (body, trailers) = conversation.peer.chunks();
            assert_eq!(trailers, ["X-T: 1"]);
            conversation.peer.send(ok(&String::from_utf8_lossy(&body)));
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let (mut client, mut other) = (balancer.client(), balancer.client());
    let request = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   4;e=\"x\"\r\nbody\r\n0\r\nX-T: 1\r\n\r\n";
    for cut in 1..request.len() {
        client.send(&request[..cut]);
        other.turn();
        client.send(&request[cut..]);
        assert_eq!(client.message().1, b"body", "{:?}", &request[..cut]);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_response_may_be_split_anywhere() {
    let balancer_address = Arc::new(OnceLock::<SocketAddr>::new());
    let known = Arc::clone(&balancer_address);
    let server = Server::start(move |conversation, _| {
        let mut other = Peer::connect(*known.wait());
        for cut in 1..CHUNKED.len() {
            conversation.request().expect("a request for each cut");
            conversation.peer.send(&CHUNKED[..cut]);
            other.turn();
            conversation.peer.send(&CHUNKED[cut..]);
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    balancer_address.set(balancer.address).expect("set once");
    let mut client = balancer.client();
    for cut in 1..CHUNKED.len() {
        client.send(get("/"));
        assert_eq!(status(&client.head()), 200, "{:?}", &CHUNKED[..cut]);
        let expected = (b"hello, world".to_vec(), vec!["X-Sum: 12".to_owned()]);
        assert_eq!(client.chunks(), expected, "{:?}", &CHUNKED[..cut]);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn pipelined_requests_with_bodies_keep_their_boundaries() {
    let server = Server::start(|conversation, _| {
        while let Some(head) = conversation.head() {
            let body = if field(&head, "transfer-encoding").is_some() {
                conversation.peer.chunks().0
            } else {
                let length =
                    field(&head, "content-length").map_or(0, |n| n.parse().expect("a number"));
                conversation.peer.bytes(length)
            };
            conversation.peer.send(ok(&String::from_utf8_lossy(&body)));
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    let request = |n: usize| match n % 3 {
        0 => format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n{n:03}"),
        1 => format!(
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             1\r\n{}\r\n2\r\n{:02}\r\n0\r\n\r\n",
            n / 100,
            n % 100
        ),
        _ => format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n{n:03}"),
    };
    client.send((0..60).map(request).collect::<String>());
    for n in 0..60 {
        assert_eq!(client.message().1, format!("{n:03}").into_bytes());
    }
    assert_eq!(server.connections(), 1);
}
