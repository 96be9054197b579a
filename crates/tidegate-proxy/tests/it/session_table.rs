//! Sessions that the application names, remembered by the balancer; and how many are counted.

use std::net::SocketAddr;

use tidegate_core::model::server::Rotation;
use tidegate_net::clock;

use crate::world::*;

const TABLE: &str = "session = { mode = \"table\", key = \"cookie:id\" }\n";

/// Servers of an application: the body of an answer is the server's name, and a path of
/// `/begin/NAME` begins a session of that name, `/end` ends it.
fn application() -> Vec<SocketAddr> {
    let start = |name: &'static str| {
        Server::start(move |conversation, _| {
            while let Some((head, _)) = conversation.request() {
                let path = head.split(' ').nth(1).unwrap_or_default();
                let set = match path.strip_prefix("/begin/") {
                    Some(session) => format!("Set-Cookie: id={session}; Path=/; HttpOnly\r\n"),
                    None if path == "/end" => "Set-Cookie: id=x; Max-Age=0\r\n".to_owned(),
                    None => String::new(),
                };
                let length = name.len();
                let answer = format!("Content-Length: {length}\r\n{set}\r\n{name}");
                conversation.peer.send(format!("HTTP/1.1 200 OK\r\n{answer}"));
            }
        })
    };
    ["one", "two", "three", "four"].map(|name| start(name).address).to_vec()
}

/// Asks over a connection of its own; the server that answered.
fn ask(balancer: &Balancer, path: &str, session: Option<&str>) -> String {
    let cookie = session.map(|name| format!("Cookie: a=b; id={name}\r\n")).unwrap_or_default();
    let mut client = balancer.client();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: shop.example.com\r\n{cookie}\r\n"));
    let (head, body) = client.message();
    assert_eq!(status(&head), 200, "{head}");
    String::from_utf8(body).expect("a name")
}

/// The sessions on each server, counted now.
fn sessions(balancer: &Balancer) -> Vec<u32> {
    let pool = &balancer.snapshot.pools[0];
    pool.count_sessions(clock::now());
    pool.members.iter().map(|member| member.state.sessions().expect("they are counted")).collect()
}

#[test]
fn a_session_begins_with_the_response_that_names_it_on_all_cores() {
    let balancer = Balancer::with_workers(&config(&application(), TABLE), 3);
    for session in ["anna", "ben", "cleo", "dora", "emil", "fay"] {
        let server = ask(&balancer, &format!("/begin/{session}"), None);
        for _ in 0..6 {
            assert_eq!(ask(&balancer, "/", Some(session)), server);
        }
        let renamed = format!("{session}-logged-in");
        assert_eq!(ask(&balancer, &format!("/begin/{renamed}"), Some(session)), server);
        for _ in 0..6 {
            assert_eq!(ask(&balancer, "/", Some(&renamed)), server, "a login keeps the server");
        }
    }
    assert_eq!(sessions(&balancer).iter().sum::<u32>(), 12);
    assert_eq!(ask(&balancer, "/end", Some("anna")), ask(&balancer, "/", Some("anna-logged-in")));
    assert_eq!(sessions(&balancer).iter().sum::<u32>(), 11);
}

#[test]
fn a_session_that_is_unknown_is_learned_from_its_request() {
    let balancer = Balancer::with_workers(&config(&application(), TABLE), 3);
    let server = ask(&balancer, "/", Some("from before a restart"));
    for _ in 0..12 {
        assert_eq!(ask(&balancer, "/", Some("from before a restart")), server);
    }
    assert_eq!(balancer.pool().sessions_assigned, 1);
}

#[test]
fn a_session_moves_once_when_its_server_leaves_and_stays_while_it_drains() {
    let balancer = Balancer::with_workers(&config(&application(), TABLE), 3);
    let first = ask(&balancer, "/begin/anna", None);
    let place = sessions(&balancer).iter().position(|count| *count == 1).expect("it is there");
    let rotate = |rotation| {
        let pool = &balancer.snapshot.pools[0];
        pool.members[place].state.set_rotation(rotation);
        pool.state.advance();
    };
    rotate(Rotation::Draining);
    for _ in 0..6 {
        assert_eq!(ask(&balancer, "/", Some("anna")), first);
    }
    assert!((0..12).all(|_| ask(&balancer, "/", None) != first), "it takes no new ones");
    rotate(Rotation::Leaving);
    let second = ask(&balancer, "/", Some("anna"));
    assert_ne!(second, first);
    rotate(Rotation::In);
    for _ in 0..12 {
        assert_eq!(ask(&balancer, "/", Some("anna")), second, "it does not go back");
    }
    assert_eq!(sessions(&balancer).iter().sum::<u32>(), 1);
}

#[test]
fn users_are_counted_where_nobody_keeps_a_list() {
    let in_turn = "balance = \"round-robin\"";
    let network = "session = { mode = \"ip-hash\" }";
    let cookie = "balance = \"round-robin\"\nsession = { mode = \"cookie\" }";
    for (session, users) in [(network, 1), (cookie, 5)] {
        let text = config(&application(), "").replace(in_turn, session);
        let balancer = Balancer::start(&text);
        (0..5).for_each(|_| drop(ask(&balancer, "/", None)));
        assert_eq!(sessions(&balancer).iter().sum::<u32>(), users, "{session}");
    }
}
