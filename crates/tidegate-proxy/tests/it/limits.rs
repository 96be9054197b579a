//! Slow, big and many: the limits that keep one client, or one server, from costing the others
//! (cases K1 to K3).

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::world::*;

fn limits(keys: &str) -> String {
    format!("[listener.web.limits]\n{keys}\n")
}

fn timeouts(keys: &str) -> String {
    format!("[route.all.timeouts]\n{keys}\n")
}

/// A balancer in front of a server that answers.
fn limited(keys: &str) -> (Balancer, Server) {
    let server = Server::named("app");
    (Balancer::start(&config(&[server.address], &limits(keys))), server)
}

/// A server that does this with the first request of each connection and then waits for its end.
fn acting(act: impl Fn(&mut Peer) + Send + Sync + 'static) -> Server {
    Server::start(move |conversation, _| {
        if conversation.head().is_some() {
            act(&mut conversation.peer);
            conversation.peer.rest();
        }
    })
}

/// A client that connects from this address.
fn client_from(source: IpAddr, balancer: &Balancer) -> Peer {
    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::new(source, 0).into()).expect("a free port");
    socket.connect(&balancer.address.into()).expect("a connection");
    Peer::new(socket.into())
}

#[test]
fn k1_a_head_that_does_not_come_in_time_gets_408() {
    let (balancer, server) = limited("header_timeout = \"150ms\"");
    for begun in ["G", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r"] {
        let mut client = balancer.client();
        client.send(begun);
        let (head, _) = client.message();
        assert_eq!((status(&head), field(&head, "connection")), (408, Some("close")));
        assert!(client.is_closed());
    }
    assert_eq!(balancer.refused("header_timeout"), 3);
    assert!(server.heads().is_empty());
}

#[test]
fn k1_dripping_a_head_gains_no_time() {
    let (balancer, _server) = limited("header_timeout = \"300ms\"");
    let mut client = balancer.client();
    client.send("GET / HTTP/1.1\r\n");
    client.stream.set_read_timeout(Some(Duration::from_millis(20))).expect("an option");
    let mut byte = [0];
    let mut drips = 0;
    // Each peek that times out is a pause between two drips.
    while client.stream.peek(&mut byte).is_err() {
        client.send("X");
        drips += 1;
        assert!(drips < 200, "the head may take for ever");
    }
    client.stream.set_read_timeout(Some(PATIENCE)).expect("an option");
    assert_eq!(status(&client.head()), 408);
}

#[test]
fn k1_a_body_that_comes_too_slowly_gets_408() {
    let server = acting(|_| {});
    let more = limits("body_progress = \"256B/s over 1s\"");
    let balancer = Balancer::start(&config(&[server.address], &more));
    for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut client = balancer.client();
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n9\r\nslow"));
        let (head, _) = client.message();
        assert_eq!((status(&head), field(&head, "connection")), (408, Some("close")));
        assert!(client.is_closed());
    }
    assert_eq!(balancer.refused("body_timeout"), 2);
}

#[test]
fn k1_a_response_that_is_read_too_slowly_is_cut() {
    let (sender, cut) = channel();
    let sender = Mutex::new(sender);
    const SIZE: usize = 64 << 20;
    let server = Server::start(move |conversation, _| {
        conversation.request();
        conversation.peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
        conversation.peer.send(vec![b'x'; SIZE]);
        conversation.peer.rest();
        sender.lock().expect("no panic holds it").send(()).expect("the test listens");
    });
    let more = limits("body_progress = \"256B/s over 1s\"");
    let balancer = Balancer::start(&config(&[server.address], &more));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.head()), 200);
    cut.recv_timeout(PATIENCE).expect("the server's connection ends");
    assert!(client.rest().len() < SIZE);
    assert_eq!(balancer.refused("body_timeout"), 1);
}

#[test]
fn k1_a_client_that_waits_for_a_slow_server_is_not_slow() {
    let gate = Gate::default();
    let slow = gate.clone();
    let server = Server::start(move |conversation, _| {
        conversation.request();
        conversation.peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
        slow.pass();
        conversation.peer.send("more");
    });
    let more = limits("body_progress = \"1MiB/s over 1s\"");
    let balancer = Balancer::start(&config(&[server.address], &more));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.head()), 200);
    // Another client, which is slow, measures the time.
    let mut other = balancer.client();
    other.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nslow");
    assert_eq!(status(&other.head()), 408);
    gate.open();
    assert_eq!(client.bytes(8), b"halfmore");
}

#[test]
fn k2_an_idle_connection_is_closed_after_its_time() {
    let (balancer, _server) = limited("idle_timeout = \"150ms\"");
    let mut fresh = balancer.client();
    let mut used = balancer.client();
    used.send(get("/"));
    assert_eq!(used.message().1, b"app");
    assert!(fresh.is_closed() && used.is_closed());
}

#[test]
fn k2_an_old_connection_is_asked_to_go() {
    let (balancer, _server) = limited("max_age = \"300ms\"");
    let mut client = balancer.client();
    let mut requests = 0;
    loop {
        client.send(get("/"));
        let (head, body) = client.message();
        assert_eq!(body, b"app");
        requests += 1;
        if field(&head, "connection") == Some("close") {
            break;
        }
    }
    assert!(client.is_closed() && requests > 1);
    // One that waits is simply closed.
    assert!(balancer.client().is_closed());
}

#[test]
fn k3_a_body_beyond_the_limit_gets_413_by_its_length() {
    let (balancer, server) = limited("body_bytes = \"1KiB\"");
    let mut client = balancer.client();
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1024\r\n\r\n{}",
        "x".repeat(1024)
    ));
    assert_eq!(client.message().1, b"app");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n");
    let (head, _) = client.message();
    assert_eq!((status(&head), field(&head, "connection")), (413, Some("close")));
    assert!(client.is_closed());
    assert_eq!((balancer.refused("body_too_large"), server.heads().len()), (1, 1));
}

#[test]
fn k3_a_body_beyond_the_limit_gets_413_by_its_chunks() {
    let server = Server::start(|conversation, _| {
        while conversation.head().is_some() {
            if conversation.peer.try_head().is_none() {
                return;
            }
            conversation.peer.send(ok("app"));
        }
    });
    let more = limits("body_bytes = \"1KiB\"");
    let balancer = Balancer::start(&config(&[server.address], &more));
    for pieces in [&[1025][..], &[512, 512, 1], &[1; 1025]] {
        let mut client = balancer.client();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        for size in pieces {
            client.send(format!("{size:x}\r\n{}\r\n", "x".repeat(*size)));
        }
        let (head, _) = client.message();
        assert_eq!((status(&head), field(&head, "connection")), (413, Some("close")));
        assert!(client.is_closed());
    }
    assert_eq!(balancer.refused("body_too_large"), 3);
    let mut client = balancer.client();
    let whole = "x".repeat(1024);
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         400\r\n{whole}\r\n0\r\n\r\n"
    ));
    assert_eq!(client.message().1, b"app");
}

#[test]
fn k3_a_route_may_have_a_limit_of_its_own() {
    let server = Server::named("app");
    let more =
        format!("[route.all.limits]\nbody_bytes = \"2KiB\"\n{}", limits("body_bytes = \"1KiB\""));
    let balancer = Balancer::start(&config(&[server.address], &more));
    for (length, expected) in [(2048, 200), (2049, 413)] {
        let mut client = balancer.client();
        let body = "x".repeat(length);
        client
            .send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"));
        assert_eq!(status(&client.head()), expected);
    }
}

#[test]
fn k2_connections_beyond_the_limit_are_refused_and_the_oldest_idle_one_makes_room() {
    let (balancer, _server) = limited("connections = 3");
    let mut clients = [balancer.client(), balancer.client(), balancer.client()];
    for index in [1, 0, 2] {
        clients[index].send(get("/"));
        assert_eq!(clients[index].message().1, b"app");
    }
    assert!(balancer.client().is_closed(), "there is no room for a fourth");
    assert_eq!(balancer.refused("connection_limit"), 1);
    let [mut first, mut second, mut third] = clients;
    assert!(second.is_closed(), "it had been idle the longest");
    let mut next = balancer.client();
    for client in [&mut first, &mut third, &mut next] {
        client.send(get("/"));
        assert_eq!(client.message().1, b"app");
    }
}

#[test]
fn k2_connections_at_work_are_not_let_go() {
    let gate = Gate::default();
    let waiting = gate.clone();
    let server = Server::start(move |conversation, _| {
        conversation.request();
        waiting.pass();
        conversation.peer.send(ok("late"));
    });
    let more = limits("connections = 2");
    let balancer = Balancer::start(&config(&[server.address], &more));
    let mut clients = [balancer.client(), balancer.client()];
    clients.iter_mut().for_each(|client| client.send(get("/")));
    eventually("both are at work", || server.heads().len() == 2);
    for _ in 0..5 {
        assert!(balancer.client().is_closed());
    }
    assert_eq!(balancer.refused("connection_limit"), 5);
    gate.open();
    for client in &mut clients {
        assert_eq!(client.message().1, b"late");
    }
}

#[test]
fn k2_a_client_beyond_its_own_limit_harms_nobody_else() {
    let (balancer, _server) = limited("connections_per_client = 2");
    let [one, two] = ["127.0.0.1", "127.0.0.2"].map(|ip| ip.parse().expect("an address"));
    let mut other = client_from(two, &balancer);
    let mut clients = [client_from(one, &balancer), client_from(one, &balancer)];
    other.turn();
    clients.iter_mut().for_each(Peer::turn);
    for _ in 0..5 {
        assert!(client_from(one, &balancer).is_closed());
    }
    assert_eq!(balancer.refused("client_connection_limit"), 5);
    for client in clients.iter_mut().chain([&mut other]) {
        client.send(get("/"));
        assert_eq!(client.message().1, b"app");
    }
    drop(clients);
    eventually("its connections are counted no more", || {
        let mut again = client_from(one, &balancer);
        again.send(get("/"));
        again.try_head().is_some()
    });
}

#[test]
fn k2_connections_that_ended_make_room() {
    let (balancer, _server) = limited("connections = 1");
    for _ in 0..20 {
        eventually("the connection before is counted no more", || {
            let mut client = balancer.client();
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            client.try_head().is_some_and(|head| status(&head) == 200)
        });
    }
}

#[test]
fn a_server_that_does_not_answer_in_time_makes_a_504() {
    let server = acting(|_| {});
    let balancer = Balancer::start(&config(&[server.address], &timeouts("response = \"150ms\"")));
    let mut client = balancer.client();
    for request in [
        get("/"),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
            .to_owned(),
    ] {
        client.send(request);
        assert_eq!(status(&client.message().0), 504);
    }
    assert_eq!(server.connections(), 3, "none was kept");
}

#[test]
fn the_time_to_answer_begins_when_the_request_is_whole() {
    let server = acting(|_| {});
    let more = timeouts("response = \"1s\"");
    let balancer = Balancer::start(&config(&[server.address], &more));
    let mut client = balancer.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
    // A request of another client takes the time that this one must not be charged with.
    let mut other = balancer.client();
    other.send(get("/"));
    assert_eq!(status(&other.message().0), 504);
    client.send("y");
    other.send(get("/"));
    assert_eq!(status(&client.message().0), 504);
    assert_eq!(status(&other.message().0), 504);
}

#[test]
fn a_response_that_stalls_is_cut() {
    let server = acting(|peer| {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    });
    let balancer = Balancer::start(&config(&[server.address], &timeouts("idle = \"150ms\"")));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.head()), 200);
    assert_eq!(client.rest(), b"half");
}

#[test]
fn an_exchange_may_not_take_longer_than_its_total_time() {
    let silent = acting(|_| {});
    let more = timeouts("total = \"200ms\"");
    let balancer = Balancer::start(&config(&[silent.address], &more));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.message().0), 504);
    let dripping = acting(|peer| {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        peer.stream.set_read_timeout(Some(Duration::from_millis(20))).expect("an option");
        let mut byte = [0];
        while peer.stream.peek(&mut byte).is_err() {
            peer.send("x");
        }
    });
    let balancer = Balancer::start(&config(&[dripping.address], &more));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.head()), 200);
    assert!(client.rest().len() < 1000, "drips gain no time");
}

#[test]
fn an_idle_tunnel_is_closed_after_its_time() {
    let server = acting(|peer| {
        peer.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        );
        for _ in 0..3 {
            assert_eq!(peer.bytes(4), b"ping");
            peer.send("pong");
        }
    });
    let balancer = Balancer::start(&config(&[server.address], &timeouts("tunnel = \"300ms\"")));
    let mut client = balancer.client();
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert_eq!(status(&client.head()), 101);
    for _ in 0..3 {
        client.send("ping");
        assert_eq!(client.bytes(4), b"pong");
    }
    assert!(client.is_closed());
}

#[test]
fn k3_descriptors_are_kept_back_for_the_servers() {
    // The harness allows 10,000 descriptors; a plane with 16 keeps one back.
    let server = Server::named("app");
    let balancer = Balancer::with_descriptors(&config(&[server.address], ""), 16);
    let mut clients: Vec<Peer> = (0..15).map(|_| balancer.client()).collect();
    clients.iter_mut().for_each(Peer::turn);
    let refused: TcpStream = TcpStream::connect(balancer.address).expect("the kernel takes it");
    assert!(Peer::new(refused).is_closed());
    assert_eq!(balancer.refused("exhausted"), 1);
    let mut served = clients.pop().expect("fifteen");
    served.send(get("/"));
    assert_eq!(served.message().1, b"app");
}
