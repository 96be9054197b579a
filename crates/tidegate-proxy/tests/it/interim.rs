//! Interim responses: 100 (Continue) handled hop by hop, others passed on, and no more of them than
//! is sane.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::world::*;

const EXPECTING: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";

#[test]
fn a_client_that_waits_gets_its_100_and_sends_the_body() {
    let server = Server::start(|conversation, _| {
        while let Some(head) = conversation.head() {
            assert_eq!(field(&head, "expect"), Some("100-continue"));
            conversation.peer.send("HTTP/1.1 100 Continue\r\n\r\n");
            let body = conversation.peer.bytes(5);
            conversation.peer.send(ok(&String::from_utf8_lossy(&body)));
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for body in ["one..", "two.."] {
        client.send(EXPECTING);
        assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
        client.send(body);
        let (head, echoed) = client.message();
        assert_eq!((status(&head), echoed), (200, body.as_bytes().to_vec()));
    }
    assert_eq!(server.connections(), 1, "both messages ended: the connection is kept");
}

#[test]
fn a_client_that_does_not_wait_is_served_too() {
    let server = Server::start(|conversation, _| {
        while conversation.head().is_some() {
            conversation.peer.send("HTTP/1.1 100 Continue\r\n\r\n");
            let body = conversation.peer.bytes(5);
            conversation.peer.send(ok(&String::from_utf8_lossy(&body)));
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for _ in 0..2 {
        client.send(format!("{EXPECTING}early"));
        assert_eq!(status(&client.head()), 100);
        assert_eq!(client.message().1, b"early");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_final_answer_instead_of_100_leaves_the_body_out_and_the_connection_is_not_kept() {
    let (sender, rest) = channel();
    let sender = Mutex::new(sender);
    let server = Server::start(move |conversation, number| {
        conversation.head();
        conversation.peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        let rest = conversation.peer.rest();
        sender.lock().expect("no panic holds it").send((number, rest)).expect("a test listens");
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    for number in 0..2 {
        let mut client = balancer.client();
        client.send(EXPECTING);
        let (head, _) = client.message();
        assert_eq!(status(&head), 403);
        // Whether the body still comes nobody can know, so there is no next request.
        assert_eq!(field(&head, "connection"), Some("close"));
        client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(client.is_closed());
        let seen = rest.recv_timeout(PATIENCE).expect("the server's connection ends");
        assert_eq!(seen, (number, Vec::new()), "the server was sent no body");
    }
    assert_eq!((server.connections(), server.heads().len()), (2, 2));
}

#[test]
fn a_103_is_passed_on() {
    let server = Server::answering(format!(
        "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nConnection: x-hop\r\n\
         X-Hop: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </two.css>\r\n\r\n{}",
        ok("page")
    ));
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for _ in 0..2 {
        client.send(get("/"));
        let first = client.head();
        assert_eq!(first, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
        assert_eq!(field(&client.head(), "link"), Some("</two.css>"));
        assert_eq!(client.message().1, b"page");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_103_reaches_the_client_before_the_final_response_exists() {
    let gate = Gate::default();
    let opened = gate.clone();
    let server = Server::start(move |conversation, _| {
        conversation.request();
        conversation.peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        gate.pass();
        conversation.peer.send(ok("page"));
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.head()), 103);
    opened.open();
    assert_eq!(client.message().1, b"page");
}

#[test]
fn a_1_0_client_sees_no_interim_response() {
    let server = Server::answering(format!("HTTP/1.1 103 Early Hints\r\n\r\n{}", ok("page")));
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    let (head, body) = client.message();
    assert_eq!((status(&head), body), (200, b"page".to_vec()));
}

#[test]
fn sixteen_interim_responses_pass_and_the_seventeenth_is_one_too_many() {
    let interims = |count: usize| "HTTP/1.1 102 Processing\r\n\r\n".repeat(count) + &ok("done");
    for (count, version, expected) in
        [(16, "1.1", 200), (17, "1.1", 502), (16, "1.0", 200), (17, "1.0", 502)]
    {
        let server = Server::answering(interims(count));
        let balancer = Balancer::start(&config(&[server.address], ""));
        let mut client = balancer.client();
        client.send(format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n"));
        let passed = if version == "1.1" { 16 } else { 0 };
        for _ in 0..passed {
            assert_eq!(client.head(), "HTTP/1.1 102 Processing\r\n\r\n");
        }
        assert_eq!(status(&client.message().0), expected);
        assert_eq!(balancer.refused("bad_response"), u64::from(expected == 502));
    }
}

#[test]
fn a_server_that_dies_after_an_interim_response_makes_a_502_and_no_retry() {
    let dying = || {
        Server::start(|conversation, _| {
            conversation.request();
            conversation.peer.send("HTTP/1.1 103 Early Hints\r\n\r\n");
        })
    };
    let servers = [dying(), dying()];
    let addresses = [servers[0].address, servers[1].address];
    let balancer = Balancer::start(&config(&addresses, ""));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.head()), 103);
    assert_eq!(status(&client.message().0), 502);
    assert_eq!(servers.iter().map(|server| server.heads().len()).sum::<usize>(), 1);
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_a_502() {
    let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\
                     Upgrade: websocket\r\n\r\nbytes of a tunnel";
    let server = Server::answering(switching);
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for connections in 1..=2 {
        client.send(get("/"));
        assert_eq!(status(&client.message().0), 502);
        assert_eq!(server.connections(), connections, "the connection is not kept");
    }
    assert_eq!(balancer.refused("bad_response"), 2);
}
