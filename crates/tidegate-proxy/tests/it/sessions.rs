//! Sessions as users meet them (case L1). Which server a session keeps is tested where balancing
//! lives; here it is that the cookie is set, believed, and not believed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_core::model::ids::ServerIndex;
use tidegate_core::model::server::{Availability, Rotation};
use tidegate_core::session::cookie::Remembered;
use tidegate_core::telemetry::session::{CookieRefusal, Moved};
use tidegate_core::time::UnixTime;
use tidegate_net::clock;
use tidegate_net::seal::{Keyring, Purpose};
use tidegate_net::tls::contexts::Contexts;

use crate::h2::real;
use crate::secure::{Authority, connect, listening, server_with};
use crate::world::*;

const COOKIES: &str = "session = { mode = \"cookie\" }\n";
const OLD: &str = "the old secret, 32 bytes or more";
const NEW: &str = "the new secret, 32 bytes or more";
const NAMES: [&str; 4] = ["one", "two", "three", "four"];

fn named() -> ([Server; 4], Vec<SocketAddr>) {
    let servers = NAMES.map(Server::named);
    let addresses = servers.iter().map(|server| server.address).collect();
    (servers, addresses)
}

fn sealing(secrets: &[&str]) -> Arc<Contexts> {
    let keys = Arc::new(Keyring::new(secrets).expect("they are long enough"));
    Arc::new(Contexts { keys, ..Contexts::default() })
}

/// A browser.
#[derive(Default)]
struct User {
    cookie: Option<String>,
}

impl User {
    fn with(cookie: impl Into<String>) -> Self {
        Self { cookie: Some(cookie.into()) }
    }

    /// Asks over a connection; the server that answered, and the cookie that was set.
    fn ask(&mut self, client: &mut Peer) -> (String, Option<String>) {
        let crumbs =
            self.cookie.as_ref().map(|cookie| format!("Cookie: a=b; tidegate_app={cookie}"));
        let crumbs = crumbs.map(|line| line + "\r\n").unwrap_or_default();
        client.send(format!("GET / HTTP/1.1\r\nHost: shop.example.com\r\n{crumbs}\r\n"));
        let (head, body) = client.message();
        assert_eq!(status(&head), 200, "{head}");
        let set = field(&head, "set-cookie").map(str::to_owned);
        if let Some(line) = &set {
            let value = line.strip_prefix("tidegate_app=").and_then(|rest| rest.split(';').next());
            self.cookie = Some(value.expect("it has this name").to_owned());
        }
        (String::from_utf8(body).expect("a name"), set)
    }

    /// The server that answers on a connection of its own.
    fn visit(&mut self, balancer: &Balancer) -> String {
        self.ask(&mut balancer.client()).0
    }
}

/// The place of a server in the pool, by its name.
fn place(name: &str) -> usize {
    NAMES.iter().position(|one| *one == name).expect("it is one of them")
}

fn set(balancer: &Balancer, server: &str, availability: Availability) {
    let pool = &balancer.snapshot.pools[0];
    pool.members[place(server)].state.set_availability(availability);
    pool.state.advance();
}

fn rotate(balancer: &Balancer, server: &str, rotation: Rotation) {
    let pool = &balancer.snapshot.pools[0];
    pool.members[place(server)].state.set_rotation(rotation);
    pool.state.advance();
}

fn moved(balancer: &Balancer, why: Moved) -> u64 {
    balancer.pool().sessions_moved().find(|(reason, _)| *reason == why).map_or(0, |(_, n)| n)
}

fn refused(balancer: &Balancer, why: CookieRefusal) -> u64 {
    balancer.pool().cookies_refused().find(|(reason, _)| *reason == why).map_or(0, |(_, n)| n)
}

#[test]
fn a_user_keeps_the_server_over_requests_connections_and_cores() {
    let (_servers, addresses) = named();
    let balancer = Balancer::with_workers(&config(&addresses, COOKIES), 3);
    let mut met = BTreeSet::new();
    for _ in 0..12 {
        let mut user = User::default();
        let (server, cookie) = user.ask(&mut balancer.client());
        let cookie = cookie.expect("a new user gets one");
        assert!(cookie.ends_with("; Path=/; Max-Age=4500; HttpOnly; SameSite=Lax"), "{cookie}");
        let mut client = balancer.client();
        for _ in 0..5 {
            assert_eq!(user.ask(&mut client), (server.clone(), None), "it is set once");
            assert_eq!(user.visit(&balancer), server);
        }
        met.insert(server);
    }
    assert_eq!(met.len(), 4, "new users are spread");
    assert_eq!(balancer.pool().sessions_assigned, 12);
    assert!(Moved::ALL.into_iter().all(|why| moved(&balancer, why) == 0));
}

#[test]
fn l1_a_cookie_that_is_not_ours_is_no_session_and_harms_nobody() {
    let (_servers, addresses) = named();
    let balancer = Balancer::with_contexts(&config(&addresses, COOKIES), sealing(&[OLD]));
    let tags = &balancer.snapshot.pools[0].tags;
    let session = |at| {
        let server = tags.of(ServerIndex::new(3));
        Remembered::default().with(tags.pool(), (tags.pool(), server), at)
    };
    let sealed = |secret: &str, purpose: &str, at| {
        let mut text = String::new();
        let keys = Keyring::new(&[secret]).expect("it is long enough");
        keys.seal(&Purpose::of("session", purpose), &session(at).encode(), &mut text);
        text
    };
    let now = clock::unix_time();
    let hours_ago = |hours: u64| UnixTime::from_millis(now.as_millis() - hours * 3_600_000);
    let good = sealed(OLD, "app", now);
    assert_eq!(User::with(good.clone()).visit(&balancer), "four", "this is how they look");

    let mut garbled = good.clone().into_bytes();
    garbled[40] = if garbled[40] == b'A' { b'B' } else { b'A' };
    for cookie in [
        "four".to_owned(),
        "\"".to_owned(),
        "A".repeat(8000),
        good[..60].to_owned(),
        String::from_utf8(garbled).expect("letters"),
        sealed(OLD, "app2", now),
        sealed(NEW, "app", now),
    ] {
        let before = refused(&balancer, CookieRefusal::Unsealed);
        let (_, set) = User::with(cookie.clone()).ask(&mut balancer.client());
        assert!(set.is_some(), "{cookie}: a new session begins");
        assert_eq!(refused(&balancer, CookieRefusal::Unsealed), before + 1, "{cookie}");
    }
    let (_, set) = User::with(sealed(OLD, "app", hours_ago(2))).ask(&mut balancer.client());
    assert!(set.is_some(), "its time is over");
    assert_eq!(refused(&balancer, CookieRefusal::Expired), 1);

    let mut user = User::with(sealed(OLD, "app", hours_ago(1)));
    let (server, set) = user.ask(&mut balancer.client());
    assert_eq!((server.as_str(), set.is_some()), ("four", true), "it is written again in time");
    assert_eq!(user.ask(&mut balancer.client()), ("four".to_owned(), None));
}

#[test]
fn keys_are_rotated_under_users() {
    let (_servers, addresses) = named();
    let balancer = Balancer::with_contexts(&config(&addresses, COOKIES), sealing(&[OLD]));
    let mut client = balancer.client();
    let mut user = User::default();
    let (server, _) = user.ask(&mut client);
    balancer.plane.renew(sealing(&[NEW, OLD]));
    let mut late = User::default();
    let (other, _) = late.ask(&mut balancer.client());
    assert_eq!(user.ask(&mut client), (server, None), "the old key still opens");
    balancer.plane.renew(sealing(&[NEW]));
    assert_eq!(late.visit(&balancer), other, "the new one sealed this");
    let (_, set) = user.ask(&mut client);
    assert!(set.is_some(), "its key is gone, on a connection that had shown it before as well");
}

#[test]
fn a_session_whose_server_is_gone_moves_once_and_stays() {
    let (_servers, addresses) = named();
    let balancer = Balancer::start(&config(&addresses, COOKIES));
    let mut user = User::default();
    let first = user.visit(&balancer);
    set(&balancer, &first, Availability::Ejected);
    let second = user.visit(&balancer);
    assert_ne!(first, second);
    set(&balancer, &first, Availability::Healthy);
    for _ in 0..8 {
        assert_eq!(user.visit(&balancer), second, "it does not go back");
    }
    assert_eq!(moved(&balancer, Moved::Unavailable), 1);
}

#[test]
fn a_session_follows_a_reload_and_leaves_a_server_that_is_no_more() {
    let (_servers, addresses) = named();
    let contexts = sealing(&[OLD]);
    let text = config(&addresses, COOKIES);
    let mut balancer = Balancer::with_contexts(&text, Arc::clone(&contexts));
    let mut user = User::default();
    let first = user.visit(&balancer);
    let turned: Vec<_> = addresses.iter().rev().copied().collect();
    balancer.reload_with(&config(&turned, COOKIES), Arc::clone(&contexts));
    assert_eq!(user.visit(&balancer), first, "in another place of the file");
    let left = addresses.iter().copied().filter(|one| *one != addresses[place(&first)]);
    balancer.reload_with(&config(&left.collect::<Vec<_>>(), COOKIES), contexts);
    assert_ne!(user.visit(&balancer), first);
    assert_eq!(moved(&balancer, Moved::Gone), 1);
}

#[test]
fn a_session_is_where_its_last_request_was_served() {
    let (_servers, mut addresses) = named();
    addresses[1] = Server::absent();
    let balancer = Balancer::with_contexts(&config(&addresses, COOKIES), sealing(&[OLD]));
    let tags = &balancer.snapshot.pools[0].tags;
    let absent = tags.of(ServerIndex::new(1));
    let session =
        Remembered::default().with(tags.pool(), (tags.pool(), absent), clock::unix_time());
    let mut cookie = String::new();
    let keys = Keyring::new(&[OLD]).expect("it is long enough");
    keys.seal(&Purpose::of("session", "app"), &session.encode(), &mut cookie);
    let mut user = User::with(cookie);
    let (server, set) = user.ask(&mut balancer.client());
    assert!(set.is_some(), "another one served it");
    for _ in 0..8 {
        assert_eq!(user.visit(&balancer), server);
    }
    assert_eq!(moved(&balancer, Moved::Failed), 1, "one connect that failed is enough");
}

#[test]
fn a_draining_server_keeps_its_sessions_and_gets_no_new_ones() {
    for (rotation, stays) in [(Rotation::Leaving, false), (Rotation::Draining, true)] {
        let (servers, addresses) = named();
        let balancer = Balancer::start(&config(&addresses, COOKIES));
        let mut user = User::default();
        let first = user.visit(&balancer);
        rotate(&balancer, &first, rotation);
        let next = user.visit(&balancer);
        assert_eq!(next == first, stays, "{rotation:?}");
        assert_eq!(user.visit(&balancer), next);
        assert_eq!(moved(&balancer, Moved::Draining), u64::from(!stays));
        let before = servers[place(&first)].heads().len();
        for _ in 0..12 {
            assert_ne!(User::default().visit(&balancer), first);
        }
        assert_eq!(servers[place(&first)].heads().len(), before);
    }
}

#[test]
fn an_answer_of_our_own_begins_no_session() {
    let addresses = [Server::absent()];
    let balancer = Balancer::start(&config(&addresses, COOKIES));
    let mut client = balancer.client();
    client.send(get("/"));
    let (head, _) = client.message();
    assert_eq!((status(&head), field(&head, "set-cookie")), (502, None), "{head}");
}

#[test]
fn interim_responses_set_no_cookie_and_upgrades_do() {
    let server = Server::start(|conversation, _| {
        while let Some((head, _)) = conversation.request() {
            let answer = if head.contains("upgrade") {
                "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n".to_owned()
            } else {
                format!("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n{}", ok("one"))
            };
            conversation.peer.send(answer);
        }
    });
    let session = "session = { mode = \"cookie\" }\n[route.all.limits]\nupgrade = \"chat\"\n";
    let balancer = Balancer::start(&config(&[server.address], session));
    let mut client = balancer.client();
    client.send(get("/"));
    let hints = client.head();
    assert_eq!((status(&hints), field(&hints, "set-cookie")), (103, None), "{hints}");
    assert!(field(&client.message().0, "set-cookie").is_some());
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n");
    let switched = client.head();
    assert_eq!(status(&switched), 101);
    assert!(field(&switched, "set-cookie").is_some(), "{switched}");
}

#[test]
fn attributes_are_those_of_the_pool_and_of_the_listener() {
    let (_servers, addresses) = named();
    let (host, authority) = ("shop.example.com", Authority::new());
    let contexts = listening(&server_with(vec![authority.identity(&[host])], |_| {}));
    let encrypted = Balancer::with_contexts(&config(&addresses, COOKIES), contexts);
    let (mut peer, _) =
        connect(encrypted.address, &Arc::new(authority.client()), host).expect("a handshake");
    let (_, set) = User::default().ask(&mut peer);
    let set = set.expect("a new user gets one");
    assert!(set.ends_with("; Path=/; Max-Age=4500; Secure; HttpOnly; SameSite=Lax"), "{set}");

    let session = "[pool.app.session]\nmode = \"cookie\"\npath = \"/shop\"\nttl = \"10s\"\n\
                   domain = \"example.com\"\nsame_site = \"strict\"\n";
    let balancer = Balancer::start(&config(&addresses, session));
    let client = real::Client::new(&balancer);
    let response = real::wait(client.ask(real::plain("GET", "/"))).expect("a response");
    let set = response.headers().get("set-cookie").expect("it is set on a stream as well");
    let set = set.to_str().expect("text");
    let rest = set.split_once("; ").expect("it has attributes").1;
    assert_eq!(rest, "Path=/shop; Domain=example.com; Max-Age=12; HttpOnly; SameSite=Strict");
}
