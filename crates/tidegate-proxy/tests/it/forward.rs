//! Plain forwarding: heads, bodies, framing, persistence.

use crate::world::*;

#[test]
fn a_request_and_its_response_pass() {
    let server = Server::named("one");
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send("GET /a?b=c HTTP/1.1\r\nHost: Shop.Example.com\r\nX-Own: 1\r\n\r\n");
    let (head, body) = client.message();
    assert_eq!(status(&head), 200);
    assert_eq!(body, b"one");
    let request = server.heads().remove(0);
    assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
    assert_eq!(field(&request, "host"), Some("shop.example.com"));
    assert_eq!(field(&request, "x-own"), Some("1"));
    assert_eq!(field(&request, "x-forwarded-for"), Some("127.0.0.1"));
}

#[test]
fn connections_are_kept_on_both_sides() {
    let server = Server::named("one");
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for _ in 0..10 {
        client.send(get("/"));
        assert_eq!(status(&client.message().0), 200);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(|conversation, _| {
        while let Some((head, _)) = conversation.request() {
            let path = head.split(' ').nth(1).expect("a path").to_owned();
            conversation.peer.send(ok(&path));
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    let requests: String = (0..20).map(|n| get(&format!("/{n}"))).collect();
    client.send(requests);
    for n in 0..20 {
        assert_eq!(client.message().1, format!("/{n}").into_bytes());
    }
}

#[test]
fn bodies_pass_both_ways_in_both_framings() {
    let body: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
    let expected = body.clone();
    let server = Server::start(move |conversation, _| {
        while let Some((_, body)) = conversation.request() {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            conversation.peer.send(head);
            conversation.peer.send(body);
        }
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for _ in 0..3 {
        client
            .send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()));
        client.send(&body);
        let (head, echoed) = client.message();
        assert_eq!(status(&head), 200);
        assert!(echoed == expected);
    }
}
