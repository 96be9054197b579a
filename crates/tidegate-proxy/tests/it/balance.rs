//! Balancing as clients meet it (cases L10 to L12). The rules themselves are tested where they
//! live; here it is that the data plane asks them, tells them what it saw, and abides by what they
//! say.
//!
//! Case L13, the health endpoint, belongs to the probes, and those to the control plane.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tidegate_core::model::server::Availability;

use crate::world::*;

/// So many requests, one after the other; how many each server answered, by what it said.
fn shares(balancer: &Balancer, requests: usize) -> BTreeMap<String, usize> {
    let mut client = balancer.client();
    let mut shares = BTreeMap::new();
    for _ in 0..requests {
        client.send(get("/"));
        let (_, body) = client.message();
        *shares.entry(String::from_utf8_lossy(&body).into_owned()).or_default() += 1;
    }
    shares
}

fn named<const N: usize>(names: [&str; N]) -> ([Server; N], Vec<SocketAddr>) {
    let servers = names.map(Server::named);
    let addresses = servers.iter().map(|server| server.address).collect();
    (servers, addresses)
}

/// Says what the control plane would say of a server.
fn set(balancer: &Balancer, server: usize, availability: Availability) {
    let pool = &balancer.snapshot.pools[0];
    pool.members[server].state.set_availability(availability);
    pool.state.advance();
}

fn by(rule: &str, servers: &[SocketAddr], more: &str) -> String {
    config(servers, more).replace("round-robin", rule)
}

#[test]
fn a_server_that_is_out_gets_nothing_until_it_is_back() {
    let (servers, addresses) = named(["one", "two"]);
    let balancer = Balancer::start(&config(&addresses, ""));
    for out in [Availability::Unhealthy, Availability::Ejected, Availability::Starting] {
        set(&balancer, 0, out);
        assert_eq!(shares(&balancer, 10), BTreeMap::from([("two".to_owned(), 10)]));
        set(&balancer, 0, Availability::Healthy);
        assert_eq!(shares(&balancer, 10).len(), 2);
    }
    assert_eq!(servers[0].heads().len() + servers[1].heads().len(), 60);
}

#[test]
fn l10_with_all_servers_unhealthy_a_pool_fails_open() {
    let (_servers, addresses) = named(["one", "two"]);
    for rule in ["round-robin", "p2c", "peak-ewma", "ip-hash"] {
        let balancer = Balancer::start(&by(rule, &addresses, ""));
        set(&balancer, 0, Availability::Unhealthy);
        set(&balancer, 1, Availability::Unhealthy);
        let shares = shares(&balancer, 40);
        assert_eq!(shares.values().sum::<usize>(), 40);
        assert!(shares.keys().all(|name| name == "one" || name == "two"), "{rule}: {shares:?}");
        assert_eq!(balancer.refused("no_server"), 0);
    }
}

#[test]
fn l10_or_refuses_where_it_is_told_to() {
    let (servers, addresses) = named(["one", "two"]);
    let balancer = Balancer::start(&config(&addresses, "when_all_down = \"refuse\"\n"));
    set(&balancer, 0, Availability::Unhealthy);
    set(&balancer, 1, Availability::Unhealthy);
    let mut client = balancer.client();
    for _ in 0..3 {
        client.send(get("/"));
        let (head, _) = client.message();
        assert_eq!((status(&head), field(&head, "connection")), (503, None));
    }
    assert_eq!(balancer.refused("no_server"), 3);
    assert!(servers.iter().all(|server| server.connections() == 0));
    set(&balancer, 1, Availability::Healthy);
    client.send(get("/"));
    assert_eq!(client.message().1, b"two");
}

#[test]
fn l11_a_server_that_joins_a_running_pool_starts_slowly() {
    let (_servers, addresses) = named(["one", "two"]);
    for rule in ["round-robin", "random", "p2c"] {
        let mut balancer = Balancer::start(&by(rule, &addresses[..1], "slow_start = \"1h\"\n"));
        balancer.reload(&by(rule, &addresses, "slow_start = \"1h\"\n"));
        let shares = shares(&balancer, 200);
        let newcomer = shares.get("two").copied().unwrap_or_default();
        // A tenth is the floor of a slow start: of two servers, a tenth or so of the traffic.
        assert!((1..=50).contains(&newcomer), "{rule}: {newcomer} of 200");
    }
}

#[test]
fn l12_a_server_that_fails_fast_attracts_no_traffic() {
    let sick = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick";
    let failing = Server::answering(sick);
    let (_servers, mut addresses) = named(["one", "two"]);
    addresses.push(failing.address);
    let balancer = Balancer::start(&by("peak-ewma", &addresses, ""));
    let shares = shares(&balancer, 300);
    let failed = shares.get("sick").copied().unwrap_or_default();
    assert!(failed <= 15, "the failing server got {failed} of 300");
    assert!(shares["one"] > 50 && shares["two"] > 50, "{shares:?}");
}

#[test]
fn l12_a_server_that_resets_fast_attracts_no_traffic_either() {
    let failing = Server::start(|conversation, _| {
        conversation.request();
        conversation.peer.reset_at_close();
    });
    let (_servers, mut addresses) = named(["one", "two"]);
    addresses.push(failing.address);
    let balancer = Balancer::start(&by("peak-ewma", &addresses, ""));
    let shares = shares(&balancer, 300);
    assert_eq!(shares["one"] + shares["two"], 300, "a retry made up for each failure");
    assert!(failing.heads().len() <= 15, "the failing server got {}", failing.heads().len());
}

#[test]
fn in_turn_means_in_turn() {
    let (servers, addresses) = named(["one", "two", "three"]);
    let balancer = Balancer::start(&config(&addresses, ""));
    assert!(shares(&balancer, 30).values().all(|share| *share == 10));
    assert_eq!(servers.map(|server| server.connections()), [1, 1, 1]);
}

#[test]
fn requests_in_flight_steer_the_rules_that_ask_for_them() {
    for rule in ["least-connections", "weighted-least-connections", "p2c"] {
        let gate = Gate::default();
        let waiting = gate.clone();
        let busy = Server::start(move |conversation, _| {
            while let Some((head, _)) = conversation.request() {
                if head.starts_with("GET /wait") {
                    waiting.pass();
                }
                conversation.peer.send(ok("busy"));
            }
        });
        let mut balancer = Balancer::start(&by(rule, &[busy.address], ""));
        let mut waiters: Vec<Peer> = (0..5).map(|_| balancer.client()).collect();
        waiters.iter_mut().for_each(|client| client.send(get("/wait")));
        eventually("five requests are in flight", || busy.heads().len() == 5);
        let (_servers, idle) = named(["idle"]);
        balancer.reload(&by(rule, &[busy.address, idle[0]], "slow_start = \"0s\"\n"));
        let shares = shares(&balancer, 50);
        assert_eq!(shares, BTreeMap::from([("idle".to_owned(), 50)]), "{rule}");
        gate.open();
        for waiter in &mut waiters {
            assert_eq!(waiter.message().1, b"busy");
        }
    }
}

#[test]
fn a_hash_sends_one_key_to_one_server() {
    let (_servers, addresses) = named(["one", "two", "three"]);
    let more = "[pool.app.hash]\nkey = \"header:x-user\"\n";
    let balancer = Balancer::start(&by("hash", &addresses, more));
    let mut client = balancer.client();
    let mut places = BTreeMap::<String, Vec<u8>>::new();
    for round in 0..3 {
        for user in 0..30 {
            client.send(format!("GET /{round} HTTP/1.1\r\nHost: a\r\nX-User: u{user}\r\n\r\n"));
            let (_, body) = client.message();
            assert_eq!(places.entry(format!("u{user}")).or_insert_with(|| body.clone()), &body);
        }
    }
    let used: std::collections::BTreeSet<&Vec<u8>> = places.values().collect();
    assert_eq!(used.len(), 3, "thirty keys are spread over three servers");
}
