//! What a test is made of: a balancer, servers, and clients, all blocking, all on port 0.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tidegate_core::config::load::{Text, load};
use tidegate_core::model::node::Config;
use tidegate_core::signal::Signal;
use tidegate_core::snapshot::{ServerIds, Snapshot};
use tidegate_core::telemetry::registry::Registry;
use tidegate_net::clock;
use tidegate_proxy::plane::{DataPlane, Parts};
use tokio::sync::mpsc;

/// Nothing in a test takes longer, unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The name of the balancer under test in `Via`.
pub const NODE: &str = "tidegate-test";

/// A balancer under test.
pub struct Balancer {
    pub plane: DataPlane,
    pub address: SocketAddr,
    pub registry: Arc<Registry>,
    pub signals: mpsc::Receiver<Signal>,
    pub snapshot: Arc<Snapshot>,
    ids: ServerIds,
}

impl Balancer {
    /// Starts one core with this configuration, whose first listener must be on port 0.
    #[track_caller]
    pub fn start(config: &str) -> Self {
        Self::with_workers(config, 1)
    }

    #[track_caller]
    pub fn with_workers(config: &str, workers: usize) -> Self {
        let config = Arc::new(parse(config));
        let mut ids = ServerIds::default();
        let snapshot = Arc::new(Snapshot::build(Arc::clone(&config), None, &mut ids, clock::now()));
        let registry = Arc::new(Registry::default());
        let (sender, signals) = mpsc::channel(64);
        let parts = Parts {
            snapshot: Arc::clone(&snapshot),
            registry: Arc::clone(&registry),
            signals: sender,
            signals_dropped: Arc::new(AtomicU64::new(0)),
            node: NODE.to_owned(),
            access_log: None,
            descriptors: 10_000,
        };
        let workers = NonZeroUsize::new(workers).expect("at least one worker");
        let mut plane = DataPlane::start(parts, workers).expect("threads");
        let prepared = plane.prepare(&config).expect("a free port");
        plane.commit(prepared, Arc::clone(&snapshot));
        let address = plane.addresses()[0].1;
        Self { plane, address, registry, signals, snapshot, ids }
    }

    /// Publishes another configuration.
    pub fn reload(&mut self, config: &str) {
        let config = Arc::new(parse(config));
        let previous = Arc::clone(&self.snapshot);
        let prepared = self.plane.prepare(&config).expect("a free port");
        let snapshot =
            Snapshot::build(config, Some(&previous), &mut self.ids, clock::now());
        self.snapshot = Arc::new(snapshot);
        self.plane.commit(prepared, Arc::clone(&self.snapshot));
    }

    /// A client connected to it.
    pub fn client(&self) -> Peer {
        Peer::connect(self.address)
    }

    /// How often requests were refused for this reason.
    pub fn refused(&self, reason: &str) -> u64 {
        let scrape = self.registry.scrape();
        scrape.refused().find(|(refusal, _)| refusal.as_str() == reason).map_or(0, |(_, n)| n)
    }
}

#[track_caller]
fn parse(config: &str) -> Config {
    let loaded = load(Path::new("test.toml"), &mut Text(config));
    let mistakes: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    loaded.config.unwrap_or_else(|| panic!("{}", mistakes.join("\n")))
}

/// The configuration of a balancer in front of these servers; `more` is appended.
pub fn config(servers: &[SocketAddr], more: &str) -> String {
    let servers: Vec<String> = servers.iter().map(|server| format!("\"{server}\"")).collect();
    format!(
        "version = 1\n[listener.web]\naddress = \"127.0.0.1:0\"\n[route.all]\npool = \"app\"\n\
         [pool.app]\nbalance = \"round-robin\"\nservers = [{}]\n{more}",
        servers.join(", ")
    )
}

/// One end of a connection, client or server.
pub struct Peer {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

impl Peer {
    pub fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect_timeout(&address, PATIENCE).expect("a connection"))
    }

    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("an option");
        Self { stream, unread: Vec::new() }
    }

    /// Sends bytes; a peer that closed meanwhile is no failure of the test.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Reads more; false at the end, or when the peer reset the connection.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came: {error}; so far {:?}", self.text()),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    /// A message head with its empty line; `None` when the connection ends before one.
    pub fn try_head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return Some(String::from_utf8(head).expect("heads in tests are text"));
            }
            if !self.fill() {
                return None;
            }
        }
    }

    #[track_caller]
    pub fn head(&mut self) -> String {
        self.try_head().unwrap_or_else(|| panic!("no head, but {:?}", self.text()))
    }

    /// So many bytes.
    #[track_caller]
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            assert!(self.fill(), "ended after {} of {count} bytes", self.unread.len());
        }
        self.unread.drain(..count).collect()
    }

    /// A head, and the body that its Content-Length announces.
    #[track_caller]
    pub fn message(&mut self) -> (String, Vec<u8>) {
        let head = self.head();
        let length = field(&head, "content-length").map_or(0, |n| n.parse().expect("a number"));
        let body = self.bytes(length);
        (head, body)
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.unread)
    }

    /// Whether the peer has closed, with nothing unread before that.
    pub fn is_closed(&mut self) -> bool {
        self.rest().is_empty()
    }

    pub fn finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Closes with a reset.
    pub fn reset(self) {
        let socket = socket2::Socket::from(self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("an option");
    }
}

/// The value of a field of a head.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    fields(head, name).next()
}

/// The values of a field of a head.
pub fn fields<'a>(head: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let name = name.to_owned();
    head.lines().skip(1).filter_map(move |line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(&name).then_some(value)
    })
}

/// The status of a response head.
#[track_caller]
pub fn status(head: &str) -> u16 {
    head[9..12].parse().expect("a status")
}

/// A server that plays a script on each connection.
pub struct Server {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    /// A server whose connections are handed to `script`, each on a thread of its own, with its number.
    pub fn start(script: impl Fn(&mut Conversation, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (script, log, count) = (Arc::new(script), Arc::clone(&heads), Arc::clone(&connections));
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                *count.lock().expect("no panic holds it") += 1;
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                thread::spawn(move || {
                    script(&mut Conversation { peer: Peer::new(stream), heads: log }, number);
                });
            }
        });
        Self { address, heads, connections }
    }

    /// A server that answers every request with this, keeping connections open.
    pub fn answering(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |conversation, _| {
            while conversation.request().is_some() {
                conversation.peer.send(&response);
            }
        })
    }

    /// A server that answers every request with 200 and its own name.
    pub fn named(name: &str) -> Self {
        Self::answering(ok(name))
    }

    /// An address where nobody listens.
    pub fn absent() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("bound")
    }

    /// The request heads that came, over all connections.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic holds it").clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("no panic holds it")
    }
}

/// A server's end of a connection.
pub struct Conversation {
    pub peer: Peer,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Conversation {
    /// The next request with its body, by Content-Length; `None` when the connection ends.
    pub fn request(&mut self) -> Option<(String, Vec<u8>)> {
        let head = self.head()?;
        let length = field(&head, "content-length").map_or(0, |n| n.parse().expect("a number"));
        let body = self.peer.bytes(length);
        Some((head, body))
    }

    /// The next request head.
    pub fn head(&mut self) -> Option<String> {
        let head = self.peer.try_head()?;
        self.heads.lock().expect("no panic holds it").push(head.clone());
        Some(head)
    }
}

/// A small response.
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A plain GET.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")
}

/// Waits until `condition` holds.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let due = std::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(std::time::Instant::now() < due, "never happened: {what}");
        thread::yield_now();
    }
}
