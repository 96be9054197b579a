//! Trying again: which failures lead to another try, on whom, how often, and for which requests.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tidegate_core::signal::{FailureReason, Signal};

use crate::world::*;

/// A budget that never stands in the way.
const RICH: &str = "retry_budget = { ratio = 1.0, min_per_second = 1000 }\n";

/// A server that takes whole requests and resets the connection without a byte of an answer.
fn resetting() -> Server {
    Server::start(|conversation, _| {
        if conversation.request().is_some() {
            conversation.peer.reset_at_close();
        }
    })
}

/// A server that takes whole requests and answers when the gate opens.
fn stalling(gate: &Gate) -> Server {
    let gate = gate.clone();
    Server::start(move |conversation, _| {
        while conversation.request().is_some() {
            gate.pass();
            conversation.peer.send(ok("late"));
        }
    })
}

fn tries(servers: &[&Server]) -> usize {
    servers.iter().map(|server| server.heads().len()).sum()
}

/// A request of so many body bytes.
fn post(more: &str, body: usize) -> String {
    let body = "x".repeat(body);
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n{more}\r\n{body}", body.len())
}

fn keyed(body: usize) -> String {
    post("Idempotency-Key: 1\r\n", body)
}

/// Two servers that both reset without an answer, and the times they saw a request.
#[track_caller]
fn check_tries_before_resets(request: &str, policy: &str, expected: usize) {
    let servers = [resetting(), resetting()];
    let addresses = [servers[0].address, servers[1].address];
    let balancer = Balancer::start(&config(&addresses, &format!("{RICH}{policy}")));
    let mut client = balancer.client();
    client.send(request);
    assert_eq!(status(&client.head()), 502, "{request}");
    let seen = servers.each_ref().map(|server| server.heads().len());
    assert_eq!(seen.iter().sum::<usize>(), expected, "{request}");
    assert!(seen.iter().all(|tries| *tries <= 1), "a server was tried twice");
    assert_eq!(balancer.pool().retries, expected as u64 - 1);
}

#[test]
fn a_failed_connect_tries_every_other_server_whatever_the_method() {
    let server = Server::answering(ok("here"));
    let servers = [Server::absent(), Server::absent(), server.address, Server::absent()];
    let balancer = Balancer::start(&config(&servers, "[route.all.retry]\nretries = 0\n"));
    let mut client = balancer.client();
    for method in ["POST", "PATCH", "GET", "DELETE", "POST", "POST", "GET", "GET"] {
        client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"));
        assert_eq!(client.message().1, b"here");
    }
    assert_eq!(tries(&[&server]), 8);
    assert_eq!(balancer.pool().retries, 0);
    assert!(balancer.pool().failovers > 0);
}

#[test]
fn when_no_server_can_be_connected_to_each_is_tried_once() {
    let servers = [Server::absent(), Server::absent(), Server::absent()];
    let balancer = Balancer::start(&config(&servers, ""));
    let mut client = balancer.client();
    client.send(post("", 10));
    assert_eq!(status(&client.message().0), 502);
    let tried = balancer.registry.scrape().servers.into_values().map(|server| server.requests);
    assert_eq!(tried.collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(balancer.pool().failovers, 2, "two further servers were tried");
}

#[test]
fn backups_are_tried_after_all_primaries() {
    let (primary, backup) = (Server::named("primary"), Server::named("backup"));
    let with = |primaries: [SocketAddr; 2]| {
        let servers = primaries.map(|address| format!("\"{address}\"")).join(", ");
        let backup = backup.address;
        config(&[], "").replace(
            "servers = []",
            &format!("servers = [{servers}, {{ address = \"{backup}\", backup = true }}]"),
        )
    };
    for (primaries, expected) in [
        ([Server::absent(), primary.address], &b"primary"[..]),
        ([Server::absent(), Server::absent()], b"backup"),
    ] {
        let balancer = Balancer::start(&with(primaries));
        let mut client = balancer.client();
        for _ in 0..6 {
            client.send(post("", 3));
            assert_eq!(client.message().1, expected);
        }
    }
    assert_eq!(tries(&[&backup]), 6);
}

#[test]
fn a_connect_that_takes_too_long_goes_on_to_another_server() {
    // A full backlog: the kernel answers no further SYN.
    let full =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    full.listen(0).expect("an option");
    let address = full.local_addr().expect("bound").as_socket().expect("an IP address");
    let brief = Duration::from_millis(50);
    let filling: Vec<TcpStream> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, brief).ok()).collect();
    assert!(!filling.is_empty());
    let server = Server::named("other");
    let more = "[pool.app.timeouts]\nconnect = \"100ms\"\n";
    let balancer = Balancer::start(&config(&[address, server.address], more));
    let mut client = balancer.client();
    for _ in 0..3 {
        client.send(post("", 3));
        assert_eq!(client.message().1, b"other");
    }
    let balancer = Balancer::start(&config(&[address], more));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.message().0), 504);
}

#[test]
fn a_reset_before_the_response_is_retried_once_if_the_request_may_be_repeated() {
    check_tries_before_resets(&get("/"), "", 2);
    for method in ["HEAD", "OPTIONS", "PUT", "DELETE"] {
        check_tries_before_resets(&format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"), "", 2);
    }
    check_tries_before_resets(&keyed(10), "", 2);
    check_tries_before_resets(&post("", 10), "", 1);
    check_tries_before_resets(&post("", 10).replace("POST", "PATCH"), "", 1);
}

#[test]
fn retries_0_means_none() {
    check_tries_before_resets(&get("/"), "[route.all.retry]\nretries = 0\n", 1);
}

#[test]
fn what_a_route_does_not_retry_on_is_not_retried() {
    check_tries_before_resets(&get("/"), "[route.all.retry]\non = [\"timeout\", \"503\"]\n", 1);
}

#[test]
fn a_retry_on_another_server_is_invisible() {
    let (bad, good) = (resetting(), Server::named("good"));
    let balancer = Balancer::start(&config(&[bad.address, good.address], RICH));
    let mut client = balancer.client();
    for _ in 0..5 {
        for request in [get("/"), keyed(1000)] {
            client.send(request);
            assert_eq!(client.message().1, b"good");
        }
    }
    assert!(tries(&[&bad]) > 0);
    assert_eq!(balancer.pool().retries, tries(&[&bad]) as u64);
}

#[test]
fn without_another_server_there_is_no_retry_to_count_or_pay_for() {
    let server = resetting();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    for _ in 0..3 {
        client.send(get("/"));
        assert_eq!(status(&client.message().0), 502);
    }
    assert_eq!(tries(&[&server]), 3);
    assert_eq!(balancer.pool().retries, 0);
}

#[test]
fn nothing_is_retried_after_a_response_byte() {
    for begun in ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"] {
        let half = || {
            Server::start(move |conversation, _| {
                conversation.request();
                conversation.peer.send(begun);
            })
        };
        let servers = [half(), half()];
        let addresses = [servers[0].address, servers[1].address];
        let balancer = Balancer::start(&config(&addresses, RICH));
        let mut client = balancer.client();
        client.send(get("/"));
        let expected = if begun.ends_with("ab") { 200 } else { 502 };
        assert_eq!(status(&client.head()), expected, "{begun:?}");
        assert_eq!(tries(&[&servers[0], &servers[1]]), 1, "{begun:?}");
    }
}

#[test]
fn a_timeout_is_retried_where_the_route_says_so() {
    let policy = "[route.all.timeouts]\nresponse = \"100ms\"\n";
    for (more, request, expected) in [
        ("[route.all.retry]\non = [\"timeout\"]\n", get("/"), 200),
        ("[route.all.retry]\non = [\"timeout\"]\n", keyed(3), 200),
        ("[route.all.retry]\non = [\"timeout\"]\n", post("", 3), 504),
        ("", get("/"), 504),
    ] {
        let gate = Gate::default();
        let (stalling, good) = (stalling(&gate), Server::named("good"));
        let more = format!("{RICH}{policy}{more}");
        let balancer = Balancer::start(&config(&[stalling.address, good.address], &more));
        let mut client = balancer.client();
        // Whoever of the two has the first turn, the second request finds the other.
        let answers = [0, 1].map(|_| {
            client.send(&request);
            status(&client.message().0)
        });
        assert!(tries(&[&stalling]) > 0);
        let other = answers.iter().find(|status| **status != 200).copied();
        assert_eq!(other, (expected != 200).then_some(expected), "{request}");
        gate.open();
    }
}

#[test]
fn a_status_is_retried_where_the_route_says_so() {
    let failing = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick";
    let policy = format!("{RICH}[route.all.retry]\non = [\"503\"]\n");
    let (bad, good) = (Server::answering(failing), Server::named("good"));
    let balancer = Balancer::start(&config(&[bad.address, good.address], &policy));
    let mut client = balancer.client();
    for request in [get("/"), get("/"), keyed(3), keyed(3)] {
        client.send(request);
        assert_eq!(client.message().1, b"good");
    }
    // What may not be repeated gets the answer that there is.
    let statuses = [0, 1].map(|_| {
        client.send(post("", 3));
        status(&client.message().0)
    });
    assert!(statuses.contains(&503) && statuses.contains(&200), "{statuses:?}");
}

#[test]
fn a_status_that_no_try_got_rid_of_reaches_the_client() {
    let failing = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick";
    let policy = format!("{RICH}[route.all.retry]\non = [\"503\"]\n");
    for count in [1, 2] {
        let servers: Vec<Server> = (0..count).map(|_| Server::answering(failing)).collect();
        let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
        let balancer = Balancer::start(&config(&addresses, &policy));
        let mut client = balancer.client();
        client.send(get("/"));
        let (head, body) = client.message();
        assert_eq!((status(&head), body), (503, b"sick".to_vec()));
        assert_eq!(tries(&servers.iter().collect::<Vec<_>>()), count);
    }
}

#[test]
fn a_status_after_an_interim_response_reaches_the_client() {
    let failing = "HTTP/1.1 103 Early Hints\r\n\r\n\
                   HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick";
    let policy = format!("{RICH}[route.all.retry]\non = [\"503\"]\n");
    let servers = [Server::answering(failing), Server::answering(failing)];
    let addresses = [servers[0].address, servers[1].address];
    let balancer = Balancer::start(&config(&addresses, &policy));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.head()), 103);
    assert_eq!(client.message().1, b"sick");
    assert_eq!(tries(&[&servers[0], &servers[1]]), 1);
}

#[test]
fn a_status_that_the_budget_lets_nobody_retry_reaches_the_client() {
    let failing = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick";
    let policy = "retry_budget = { ratio = 0.0, min_per_second = 0 }\n\
                  [route.all.retry]\non = [\"503\"]\n";
    let servers = [Server::answering(failing), Server::answering(failing)];
    let addresses = [servers[0].address, servers[1].address];
    let balancer = Balancer::start(&config(&addresses, policy));
    let mut client = balancer.client();
    client.send(get("/"));
    let (head, body) = client.message();
    assert_eq!((status(&head), body), (503, b"sick".to_vec()), "the server's own words");
    assert_eq!(tries(&[&servers[0], &servers[1]]), 1);
    assert_eq!(balancer.pool().retry_budget_exhausted, 1);
}

#[test]
fn a_body_is_sent_again_while_it_is_held_and_not_beyond_64_kib() {
    check_tries_before_resets(&keyed(60_000), "", 2);
    check_tries_before_resets(&keyed(80_000), "", 1);
    let (bad, good) = (
        resetting(),
        Server::start(|conversation, _| {
            while let Some((_, body)) = conversation.request() {
                assert!(body.iter().all(|byte| *byte == b'x'));
                conversation.peer.send(ok(&body.len().to_string()));
            }
        }),
    );
    let balancer = Balancer::start(&config(&[bad.address, good.address], RICH));
    let mut client = balancer.client();
    for _ in 0..4 {
        client.send(keyed(60_000));
        assert_eq!(client.message().1, b"60000");
    }
    assert!(tries(&[&bad]) > 0);
}

#[test]
fn the_budget_is_a_share_of_the_requests() {
    check_budget("retry_budget = { ratio = 0.2, min_per_second = 0 }\n", 50, 10..=10);
}

#[test]
fn the_budget_has_a_minimum_per_second() {
    // Ten seconds' worth at the start; then one more with each second that the test takes.
    check_budget("retry_budget = { ratio = 0.0, min_per_second = 1 }\n", 40, 10..=20);
}

#[track_caller]
fn check_budget(budget: &str, requests: u64, expected: std::ops::RangeInclusive<u64>) {
    let servers = [resetting(), resetting()];
    let addresses = [servers[0].address, servers[1].address];
    let balancer = Balancer::start(&config(&addresses, budget));
    let mut client = balancer.client();
    for _ in 0..requests {
        client.send(get("/"));
        assert_eq!(status(&client.message().0), 502);
    }
    let retries = tries(&[&servers[0], &servers[1]]) as u64 - requests;
    assert!(expected.contains(&retries), "{retries}");
    let pool = balancer.pool();
    assert_eq!((pool.retries, pool.retry_budget_exhausted), (retries, requests - retries));
}

#[test]
fn a_run_of_failures_is_told_when_it_reaches_the_threshold() {
    let server = Server::start(|conversation, _| {
        while let Some((head, _)) = conversation.request() {
            if head.starts_with("GET /good") {
                conversation.peer.send(ok("good"));
            } else {
                return conversation.peer.reset_at_close();
            }
        }
    });
    let more = "[pool.app.passive]\nconsecutive_failures = 3\n";
    let mut balancer = Balancer::start(&config(&[server.address], more));
    let mut client = balancer.client();
    for path in ["/bad", "/bad", "/good", "/bad", "/bad"] {
        client.send(get(path));
        client.message();
    }
    assert!(balancer.signals.try_recv().is_err(), "a success ends a run");
    let id = balancer.snapshot.pools[0].members[0].state.id();
    for expected in [3, 4] {
        client.send(get("/bad"));
        client.message();
        let Signal::FailedRun { server, run, reason, .. } = told(&mut balancer) else {
            panic!("a run of failures")
        };
        assert_eq!((server, run, reason), (id, expected, FailureReason::Reset));
    }
}

fn told(balancer: &mut Balancer) -> Signal {
    let mut signal = None;
    eventually("a signal comes", || {
        signal = balancer.signals.try_recv().ok();
        signal.is_some()
    });
    signal.expect("it came")
}

#[test]
fn connects_timeouts_and_statuses_count_as_failures_too() {
    let gate = Gate::default();
    let stalling = stalling(&gate);
    let sick = Server::answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    let more = "[route.all.timeouts]\nresponse = \"100ms\"\n\
                [pool.app.passive]\nconsecutive_failures = 1\n";
    for (address, expected) in [
        (Server::absent(), FailureReason::Connect),
        (stalling.address, FailureReason::Timeout),
        (sick.address, FailureReason::Status(503)),
    ] {
        let mut balancer = Balancer::start(&config(&[address], more));
        let mut client = balancer.client();
        client.send(get("/"));
        client.message();
        let Signal::FailedRun { reason, .. } = told(&mut balancer) else {
            panic!("a run of failures")
        };
        assert_eq!(reason, expected);
    }
    gate.open();
}

#[test]
fn requests_in_flight_are_counted_while_they_last() {
    let gate = Gate::default();
    let server = stalling(&gate);
    let balancer = Balancer::start(&config(&[server.address], ""));
    let state = Arc::clone(&balancer.snapshot.pools[0].members[0].state);
    let mut clients = [balancer.client(), balancer.client(), balancer.client()];
    clients.iter_mut().for_each(|client| client.send(get("/")));
    eventually("three requests are in flight", || state.in_flight() == 3);
    let [mut first, second, mut third] = clients;
    drop(second);
    eventually("the client that left is not counted", || state.in_flight() == 2);
    gate.open();
    assert_eq!([first.message().1, third.message().1], [b"late", b"late"]);
    eventually("none is in flight", || state.in_flight() == 0);
}

/// What a pool is scaled by is what was let in, once each: whoever is refused, or has a server fail
/// on them, buys nobody a server.
#[test]
fn l8_neither_what_is_refused_nor_a_second_try_is_demand() {
    let servers = [resetting(), resetting()];
    let addresses = [servers[0].address, servers[1].address];
    let more = format!("{RICH}[listener.web.limits]\nbody_bytes = \"1KiB\"\n");
    let balancer = Balancer::start(&config(&addresses, &more));
    let twice = "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned();
    for (request, expected) in [(twice, 400), (post("", 1025), 413)] {
        let mut client = balancer.client();
        client.send(&request);
        assert_eq!(status(&client.head()), expected);
    }
    assert_eq!(balancer.pool().arrivals, 0);
    let mut client = balancer.client();
    client.send(keyed(0));
    assert_eq!(status(&client.head()), 502);
    assert_eq!((tries(&servers.each_ref()), balancer.pool().arrivals), (2, 1));
}
