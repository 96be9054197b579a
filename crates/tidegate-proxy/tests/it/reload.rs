//! Reloads under load: a difference is applied, never a restart. Nothing is dropped, streams live
//! on, and what did not change keeps its connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use tidegate_net::tls::Alpn;

use crate::h2::ways::{Length, Message, Told, Version, before, protocol};
use crate::secure::{Authority, EitherWay, reaching, server_with};
use crate::world::*;

const RELOADS: usize = 1000;
/// What the slow download comes to in the end: more than the buffers on the way hold.
const DOWNLOAD: usize = 32 << 20;

/// The servers behind all configurations of this test.
struct Farm {
    app: [Server; 3],
    steady: Server,
    extra: Server,
    streams: Server,
}

impl Farm {
    fn start() -> Self {
        Self {
            app: ["one", "two", "three"].map(Server::named),
            steady: Server::named("steady"),
            extra: Server::named("extra"),
            streams: streams(),
        }
    }

    /// One of the configurations that the test goes through.
    fn config(&self, step: usize) -> String {
        let servers = &self.app[..2 + step % 2];
        let servers: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
        let (steady, streams) = (self.steady.address, self.streams.address);
        let mut text = config(&servers, "")
            + &format!(
                "[route.steady]\npool = \"steady\"\n\
                 [route.steady.match]\npath_prefix = \"/steady\"\n\
                 [pool.steady]\nservers = [\"{steady}\"]\n\
                 [route.streams]\npool = \"streams\"\n\
                 [route.streams.match]\npath_prefix = \"/streams\"\n\
                 [pool.streams]\nservers = [\"{streams}\"]\n"
            );
        if step.is_multiple_of(3) {
            text += &format!(
                "[route.extra]\npool = \"extra\"\n[route.extra.match]\npath = \"/extra/{step}\"\n\
                 [pool.extra]\nservers = [\"{}\"]\n",
                self.extra.address
            );
        }
        if step.is_multiple_of(5) {
            text += "[listener.side]\naddress = \"127.0.0.2:0\"\n";
        }
        text
    }
}

/// A server of streams: `/streams/tunnel` echoes after an upgrade, `/streams/download` is long.
fn streams() -> Server {
    Server::start(|conversation, _| {
        let Some((head, _)) = conversation.request() else { return };
        if head.starts_with("GET /streams/download") {
            conversation
                .peer
                .send(format!("HTTP/1.1 200 OK\r\nContent-Length: {DOWNLOAD}\r\n\r\n"));
            return conversation.peer.send(pattern());
        }
        conversation.peer.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        );
        for _ in 0..=RELOADS {
            let frame = conversation.peer.bytes(8);
            conversation.peer.send(frame);
        }
    })
}

fn pattern() -> Vec<u8> {
    (0..DOWNLOAD).map(|n| (n % 251) as u8).collect()
}

/// Clients that send requests until they are told to stop, and count the answers.
struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(address: SocketAddr) -> Self {
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clients: [fn(SocketAddr, &Counting<'_>); 4] = [kept, kept, posting, fresh];
        let threads = clients.map(|client| {
            let (stop, answers) = (Arc::clone(&stop), Arc::clone(&answers));
            thread::spawn(move || client(address, &Counting { stop: &stop, answers: &answers }))
        });
        Self { stop, answers, threads: threads.into() }
    }

    /// Waits until so many more answers have come.
    fn answers_more(&self, count: usize) {
        let wanted = self.answers.load(Relaxed) + count;
        eventually("requests are answered", || {
            assert!(!self.threads.iter().any(JoinHandle::is_finished), "a client failed");
            self.answers.load(Relaxed) >= wanted
        });
    }

    fn end(self) -> usize {
        self.stop.store(true, Relaxed);
        for thread in self.threads {
            thread.join().expect("no request failed");
        }
        self.answers.load(Relaxed)
    }
}

struct Counting<'a> {
    stop: &'a AtomicBool,
    answers: &'a AtomicUsize,
}

impl Counting<'_> {
    fn goes_on(&self) -> bool {
        !self.stop.load(Relaxed)
    }

    #[track_caller]
    fn answer(&self, client: &mut Peer, expected: &[&[u8]]) {
        let (head, body) = client.message();
        assert_eq!(status(&head), 200);
        assert!(expected.contains(&body.as_slice()), "{:?}", String::from_utf8_lossy(&body));
        assert_eq!(field(&head, "connection"), None, "nobody is asked to go");
        self.answers.fetch_add(1, Relaxed);
    }
}

const APP: [&[u8]; 3] = [b"one", b"two", b"three"];

/// A client with one connection for all of its requests.
fn kept(address: SocketAddr, counting: &Counting<'_>) {
    let mut client = Peer::connect(address);
    while counting.goes_on() {
        client.send(get("/") + &get("/steady"));
        counting.answer(&mut client, &APP);
        counting.answer(&mut client, &[b"steady"]);
    }
}

/// A client whose requests may not be repeated.
fn posting(address: SocketAddr, counting: &Counting<'_>) {
    let mut client = Peer::connect(address);
    while counting.goes_on() {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
        client.send(" more");
        counting.answer(&mut client, &APP);
    }
}

/// A client with a connection for each request.
fn fresh(address: SocketAddr, counting: &Counting<'_>) {
    while counting.goes_on() {
        let mut client = Peer::connect(address);
        client.send(get("/"));
        counting.answer(&mut client, &APP);
    }
}

#[test]
fn a_thousand_reloads_under_load_drop_nothing() {
    let farm = Farm::start();
    let mut balancer = Balancer::with_workers(&farm.config(0), 2);
    let address = balancer.listener("web");
    let mut tunnel = Peer::connect(address);
    tunnel.send(
        "GET /streams/tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert_eq!(status(&tunnel.head()), 101);
    let mut download = Peer::connect(address);
    download.send(get("/streams/download"));
    assert_eq!(status(&download.head()), 200);
    let load = Load::start(address);
    let mut downloaded = Vec::new();
    for step in 1..=RELOADS {
        balancer.reload(&farm.config(step));
        load.answers_more(1);
        tunnel.send(format!("{step:08}"));
        assert_eq!(tunnel.bytes(8), format!("{step:08}").into_bytes(), "the tunnel lives on");
        downloaded.extend(download.bytes(1000));
    }
    assert_eq!(balancer.snapshot.generation, RELOADS as u64 + 1);
    downloaded.extend(download.bytes(DOWNLOAD - downloaded.len()));
    assert!(downloaded == pattern(), "the download is intact");
    let answers = load.end();
    assert!(answers >= RELOADS);
    check_accounts(&balancer, &farm, answers);
}

/// Every answer was counted once and as a success, and the pool that never changed kept its
/// connections.
fn check_accounts(balancer: &Balancer, farm: &Farm, answers: usize) {
    let scrape = balancer.registry.scrape();
    let codes: u64 = scrape.routes.values().filter_map(|route| route.codes.get(&200)).sum();
    assert!(codes >= answers as u64, "{codes} of {answers}");
    let others = scrape.routes.values().flat_map(|route| route.codes.keys());
    assert!(
        others.clone().all(|code| matches!(code, 200 | 101)),
        "{:?}",
        others.collect::<Vec<_>>()
    );
    // Two clients use it, each from a core of its own at most.
    let connections = farm.steady.connections();
    assert!(connections <= 2, "an unchanged pool opened {connections} connections");
    for member in balancer.snapshot.pools.iter().flat_map(|pool| &pool.members) {
        assert!(member.state.in_flight() <= 1, "only the tunnel is left");
    }
}

#[test]
fn a_pool_that_stays_keeps_its_connections_its_load_and_its_health() {
    let (server, other) = (Server::named("app"), Server::named("other"));
    let mut balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    let state = Arc::clone(&balancer.snapshot.pools[0].members[0].state);
    for round in 0..20 {
        client.send(get("/"));
        assert_eq!(client.message().1, b"app");
        let more = format!(
            "[route.other]\npool = \"other\"\n[route.other.match]\npath = \"/{round}\"\n\
             [pool.other]\nservers = [\"{}\"]\n",
            other.address
        );
        balancer.reload(&config(&[server.address], &more));
        let pool = balancer.snapshot.pools.iter().find(|pool| pool.pool.name.as_str() == "app");
        assert!(Arc::ptr_eq(&pool.expect("it stays").members[0].state, &state));
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_server_that_stays_in_a_changed_pool_keeps_its_connections() {
    let servers = [Server::named("one"), Server::named("two")];
    let [one, two] = [servers[0].address, servers[1].address];
    let mut balancer = Balancer::start(&config(&[one], ""));
    let mut client = balancer.client();
    for addresses in [&[one][..], &[one, two], &[one], &[one, two]] {
        balancer.reload(&config(addresses, ""));
        for _ in 0..10 {
            client.send(get("/"));
            assert_eq!(status(&client.message().0), 200);
        }
    }
    assert_eq!(servers[0].connections(), 1);
}

#[test]
fn a_kept_connection_is_not_used_once_its_pool_speaks_tls_or_ceases_to() {
    for (version, alpn) in [(Version::One, Alpn::Http11), (Version::Two, Alpn::H2)] {
        let authority = Authority::new();
        let identities = vec![authority.identity(&["127.0.0.1"])];
        let tls = server_with(identities, |setup| setup.alpn = vec![alpn]);
        let behind = Told::start(version, Message::new("200").body(Length::Known, "one"));
        let server = EitherWay::in_front_of(behind.address, &tls);
        let contexts = reaching(authority.client_with(|setup| setup.alpn = vec![alpn]));
        let mut balancer = before(version, &[server.address], "");
        let ask = |balancer: &Balancer, connections| {
            let mut client = balancer.client();
            for _ in 0..2 {
                client.send(get("/"));
                assert_eq!(client.message().1, b"one", "{version:?}");
            }
            assert_eq!(server.connections(), connections, "{version:?}");
        };
        ask(&balancer, (1, 0));
        let plain = protocol(version);
        let encrypted = config(&[server.address], &format!("{plain}tls = {{}}\n"));
        balancer.reload_with(&encrypted, contexts);
        ask(&balancer, (1, 1));
        balancer.reload(&config(&[server.address], plain));
        ask(&balancer, (2, 1));
    }
}

#[test]
fn an_exchange_ends_by_the_configuration_it_began_with() {
    let gate = Gate::default();
    let slow = gate.clone();
    let server = Server::start(move |conversation, _| {
        conversation.request();
        slow.pass();
        conversation.peer.send(ok("late"));
    });
    let other = Server::named("other");
    let mut balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send(get("/"));
    eventually("the request arrives", || server.heads().len() == 1);
    balancer.reload(&config(&[other.address], "[route.all.timeouts]\nresponse = \"1ms\"\n"));
    balancer.client().turn();
    gate.open();
    assert_eq!(client.message().1, b"late");
    client.send(get("/"));
    assert_eq!(client.message().1, b"other");
}

#[test]
fn a_listener_that_is_gone_accepts_no_more_and_its_clients_finish_their_request() {
    let gate = Gate::default();
    let slow = gate.clone();
    let server = Server::start(move |conversation, _| {
        while conversation.request().is_some() {
            slow.pass();
            conversation.peer.send(ok("app"));
        }
    });
    let side = "[listener.side]\naddress = \"127.0.0.2:0\"\n";
    let mut balancer = Balancer::start(&config(&[server.address], side));
    let address = balancer.listener("side");
    let mut client = Peer::connect(address);
    client.send(get("/"));
    eventually("the request arrives", || server.heads().len() == 1);
    balancer.reload(&config(&[server.address], ""));
    eventually("nobody listens", || std::net::TcpStream::connect(address).is_err());
    gate.open();
    assert_eq!(client.message().1, b"app");
    assert!(client.is_closed());
}
