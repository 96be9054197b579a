//! Group A of docs/security-cases.md, responses: what a server may say, and what never reaches a
//! client.

use std::sync::mpsc;

use crate::cases::*;
use crate::world::*;

/// A server that answers `/good` well, and the rest with this.
fn saying(reply: impl AsRef<[u8]>) -> Server {
    let reply = reply.as_ref().to_vec();
    Server::start(move |conversation, _| {
        while let Some(head) = conversation.head() {
            let good = head.contains(" /good ");
            conversation.peer.send(if good { ok("one").into_bytes() } else { reply.clone() });
        }
    })
}

#[track_caller]
fn distrusted(request: &str, reply: impl AsRef<[u8]>, reason: &str) {
    Site::before(saying(reply), "").distrusts(request, reason);
}

#[test]
fn a17_a_response_whose_end_is_in_doubt_is_not_passed_on() {
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 05\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        distrusted(&get("/bad"), reply, "bad_response");
    }
}

#[test]
fn a17_a_body_where_none_can_be_is_not_passed_on() {
    let head = "HEAD /bad HTTP/1.1\r\nHost: a\r\n\r\n";
    for (request, reply) in [
        (get("/bad").as_str(), "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"),
        (&get("/bad"), "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (&get("/bad"), "HTTP/1.1 204 No Content\r\n\r\nhello"),
        (&get("/bad"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"),
        (&get("/bad"), "HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
        (&get("/bad"), "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello"),
        (head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        (head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ] {
        distrusted(request, reply, "bad_response");
    }
}

#[test]
fn a17_a_malformed_chunk_breaks_the_response_off() {
    let reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (told, tell) = mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let tell = std::sync::Mutex::new(tell);
    let server = Server::start(move |conversation, _| {
        while let Some(head) = conversation.head() {
            if head.contains(" /good ") {
                conversation.peer.send(ok("one"));
                continue;
            }
            conversation.peer.send(format!("{reply}5\r\nhello\r\n"));
            // The client has the first chunk before the bad one comes.
            tell.lock().expect("no panic holds it").recv().expect("the test goes on");
            conversation.peer.send("0x0\r\n\r\n");
        }
    });
    let site = Site::before(server, "");
    site.serves();
    let mut client = site.balancer.client();
    client.send(get("/bad"));
    assert_eq!(status(&client.head()), 200);
    assert_eq!(client.bytes(10), b"5\r\nhello\r\n");
    told.lock().expect("no panic holds it").send(()).expect("the server waits");
    assert!(client.is_closed(), "without the end of a body");
    assert_eq!(site.balancer.refused("bad_response"), 1);
    site.serves();
    assert_eq!(site.server.connections(), 2);
}

#[test]
fn a18_bytes_behind_a_response_never_reach_the_next_client() {
    let stray = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    for reply in [
        format!("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none{stray}"),
        format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n{stray}"),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n{stray}"
        ),
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none\r\n".to_owned(),
    ] {
        let site = Site::before(saying(&reply), "");
        let mut client = site.balancer.client();
        client.send(get("/"));
        let head = client.head();
        assert_eq!(status(&head), 200);
        match field(&head, "content-length") {
            Some(length) => {
                client.bytes(length.parse().expect("a number"));
            }
            None => assert_eq!(client.try_chunks().as_deref(), Some("3\r\none\r\n0\r\n\r\n")),
        }
        let mut next = site.balancer.client();
        next.send(get("/good"));
        assert_eq!(next.message().1, b"one", "behind {reply:?}");
        client.send(get("/good"));
        assert_eq!(client.message().1, b"one", "behind {reply:?}");
        assert_eq!(site.server.connections(), 2, "the next connection is a good one, and is kept");
    }
}

#[test]
fn a18_bytes_on_a_connection_at_rest_never_reach_the_next_client() {
    for first in
        ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none", "HTTP/1.1 204 No Content\r\n\r\n"]
    {
        let (go, gone) = (Gate::default(), Gate::default());
        let (going, done) = (go.clone(), gone.clone());
        let server = Server::start(move |conversation, number| {
            while conversation.head().is_some() {
                if number > 0 {
                    conversation.peer.send(ok("two"));
                    continue;
                }
                conversation.peer.send(first);
                going.pass();
                conversation.peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
                done.open();
            }
        });
        let balancer = Balancer::start(&config(&[server.address], ""));
        let mut client = balancer.client();
        client.send(get("/"));
        client.message();
        go.open();
        gone.pass();
        client.send(get("/"));
        assert_eq!(client.message().1, b"two");
        assert_eq!(server.connections(), 2);
    }
}

fn hints(count: usize) -> String {
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(count) + &ok("one")
}

#[test]
fn a19_some_interim_responses_pass() {
    let site = Site::before(saying(hints(16)), "");
    let mut client = site.balancer.client();
    client.send(get("/"));
    for _ in 0..16 {
        let head = client.head();
        assert_eq!((status(&head), field(&head, "link")), (103, Some("</a>")));
    }
    assert_eq!(client.message().1, b"one");
    // HTTP/1.0 does not know them.
    let mut old = site.balancer.client();
    old.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(status(&old.message().0), 200);
    assert_eq!(site.server.connections(), 1);
}

#[test]
fn a19_endless_interim_responses_end_in_502() {
    let site = Site::before(saying(hints(17)), "");
    site.serves();
    for (request, passed) in [(get("/"), 16), ("GET / HTTP/1.0\r\nHost: a\r\n\r\n".to_owned(), 0)] {
        let mut client = site.balancer.client();
        client.send(request);
        for _ in 0..passed {
            assert_eq!(status(&client.head()), 103);
        }
        assert_eq!(status(&client.message().0), 502);
        site.serves();
    }
    assert_eq!(site.balancer.refused("bad_response"), 2);
    assert_eq!(site.server.connections(), 3);
}

#[test]
fn a19_a_server_that_dies_after_100_is_answered_for() {
    let server = Server::start(|conversation, _| {
        conversation.head();
        conversation.peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.head()), 100);
    assert_eq!(status(&client.message().0), 502);
}

#[test]
fn a20_a_response_that_is_no_http_is_not_passed_on() {
    for reply in [
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
        "ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
        "<html>hello\r\n\r\n",
        "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\rContent-Length: 0\r\r",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\nX: y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: y\r\n z\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n Content-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: y\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
    ] {
        distrusted(&get("/bad"), reply, "bad_response");
    }
}

#[test]
fn a20_a_response_head_has_the_limits_of_a_request() {
    let long =
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "y".repeat(33 * 1024));
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(33 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X: y\r\n".repeat(128));
    for reply in [long, endless, many] {
        distrusted(&get("/bad"), reply, "response_too_large");
    }
}
