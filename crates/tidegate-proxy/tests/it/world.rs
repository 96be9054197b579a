//! What a test is made of: a balancer, servers, and clients, all blocking, all on port 0.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use tidegate_core::config::load::{Source, load};
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::node::Config;
use tidegate_core::model::rollout::Rollout;
use tidegate_core::release::division::Division;
use tidegate_core::signal::Signal;
use tidegate_core::snapshot::{Circumstances, ServerIds, Snapshot};
use tidegate_core::telemetry::pool::PoolTotals;
use tidegate_core::telemetry::registry::Registry;
use tidegate_net::clock;
use tidegate_net::tls::contexts::Contexts;
use tidegate_proxy::log::Sink;
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

/// What a plane under test has beside its configuration.
struct Plane {
    workers: usize,
    access_log: Option<Arc<dyn Sink>>,
    descriptors: u32,
    contexts: Arc<Contexts>,
}

impl Default for Plane {
    fn default() -> Self {
        Self { workers: 1, access_log: None, descriptors: 10_000, contexts: Arc::default() }
    }
}

impl Balancer {
    /// Starts one core with this configuration, whose first listener must be on port 0.
    #[track_caller]
    pub fn start(config: &str) -> Self {
        Self::with_workers(config, 1)
    }

    #[track_caller]
    pub fn with_workers(config: &str, workers: usize) -> Self {
        Self::launch(config, Plane { workers, ..Plane::default() })
    }

    /// Starts one core that asks `sink` about the access-log line of each request.
    #[track_caller]
    pub fn logging_to(config: &str, sink: Arc<dyn Sink>) -> Self {
        Self::launch(config, Plane { access_log: Some(sink), ..Plane::default() })
    }

    /// Starts one core in a process that may open so many descriptors.
    #[track_caller]
    pub fn with_descriptors(config: &str, descriptors: u32) -> Self {
        Self::launch(config, Plane { descriptors, ..Plane::default() })
    }

    /// Starts one core that speaks TLS as these contexts say.
    #[track_caller]
    pub fn with_contexts(config: &str, contexts: Arc<Contexts>) -> Self {
        Self::launch(config, Plane { contexts, ..Plane::default() })
    }

    #[track_caller]
    fn launch(config: &str, plane: Plane) -> Self {
        let config = Arc::new(parse(config));
        let mut ids = ServerIds::default();
        let snapshot = Arc::new(Snapshot::build(
            Arc::clone(&config),
            &Circumstances::default(),
            None,
            &mut ids,
            clock::now(),
        ));
        let registry = Arc::new(Registry::default());
        let (sender, signals) = mpsc::channel(64);
        let parts = Parts {
            snapshot: Arc::clone(&snapshot),
            contexts: Arc::clone(&plane.contexts),
            registry: Arc::clone(&registry),
            signals: sender,
            signals_dropped: Arc::new(AtomicU64::new(0)),
            node: NODE.to_owned(),
            access_log: plane.access_log,
            descriptors: plane.descriptors,
        };
        let contexts = plane.contexts;
        let workers = NonZeroUsize::new(plane.workers).expect("at least one worker");
        let mut plane = DataPlane::start(parts, workers).expect("threads");
        let prepared = plane.prepare(&config).expect("a free port");
        plane.commit(prepared, Arc::clone(&snapshot), contexts);
        let address = plane.addresses()[0].1;
        Self { plane, address, registry, signals, snapshot, ids }
    }

    /// Publishes another configuration.
    pub fn reload(&mut self, config: &str) {
        self.reload_with(config, Arc::default());
    }

    /// The same, with what it needs for TLS.
    pub fn reload_with(&mut self, config: &str, contexts: Arc<Contexts>) {
        let config = Arc::new(parse(config));
        let previous = Arc::clone(&self.snapshot);
        let prepared = self.plane.prepare(&config).expect("a free port");
        let snapshot = Snapshot::build(
            config,
            &Circumstances::default(),
            Some(&previous),
            &mut self.ids,
            clock::now(),
        );
        self.snapshot = Arc::new(snapshot);
        self.plane.commit(prepared, Arc::clone(&self.snapshot), contexts);
    }

    /// Divides users from now on as `rollouts` and `divisions` say.
    pub fn divide(&mut self, rollouts: Vec<Rollout>, divisions: Vec<Division>) {
        let config = Arc::new(Config { rollouts, ..Config::clone(&self.snapshot.config) });
        let circumstances = Circumstances { divisions, ..Circumstances::default() };
        let (before, now) = (Arc::clone(&self.snapshot), clock::now());
        let snapshot = Snapshot::build(config, &circumstances, Some(&before), &mut self.ids, now);
        self.snapshot = Arc::new(snapshot);
        self.plane.publish(Arc::clone(&self.snapshot));
    }

    /// Where the listener of this name listens.
    pub fn listener(&self, name: &str) -> SocketAddr {
        let addresses = self.plane.addresses();
        addresses.iter().find(|(listener, _)| listener.as_str() == name).expect("configured").1
    }

    /// A client connected to it.
    pub fn client(&self) -> Peer {
        Peer::connect(self.address)
    }

    /// What was counted of the pool that [`config`] names.
    pub fn pool(&self) -> PoolTotals {
        self.pool_named("app")
    }

    /// What was counted of a pool.
    pub fn pool_named(&self, name: &str) -> PoolTotals {
        self.registry.scrape().pools.get(&PoolName::new(name)).copied().unwrap_or_default()
    }

    /// How often requests were refused for this reason.
    pub fn refused(&self, reason: &str) -> u64 {
        let scrape = self.registry.scrape();
        scrape.refused().find(|(refusal, _)| refusal.as_str() == reason).map_or(0, |(_, n)| n)
    }
}

/// A configuration of one file, in which every page is one that says its name.
struct Only<'a>(&'a str);

impl Source for Only<'_> {
    fn read(&mut self, _: &Path) -> Result<String, String> {
        Ok(self.0.to_owned())
    }

    fn expand(&mut self, _: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(Vec::new())
    }

    fn read_page(&mut self, path: &Path, _: usize) -> Result<Vec<u8>, String> {
        Ok(format!("this is {}", path.display()).into_bytes())
    }
}

#[track_caller]
fn parse(config: &str) -> Config {
    let loaded = load(Path::new("test.toml"), &mut Only(config));
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

    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("an option");
        Self { stream, unread: Vec::new() }
    }

    /// Sends bytes; a peer that closed meanwhile is no failure of the test.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Has a balancer answer something by itself. Once it has, its core has heard of all that the
    /// kernel knew before: the core asks the kernel for everything at once.
    #[track_caller]
    pub fn turn(&mut self) {
        self.send("GET /%2f HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(status(&self.message().0), 400);
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
        let rest = self.unread.split_off(count);
        std::mem::replace(&mut self.unread, rest)
    }

    /// So many bytes; `None` when the connection ends before them.
    pub fn try_bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.unread.len() < count {
            if !self.fill() {
                return None;
            }
        }
        Some(self.unread.drain(..count).collect())
    }

    /// A line with its CRLF; `None` when the connection ends before one.
    fn try_line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|window| window == b"\r\n") {
                return self.try_bytes(end + 2);
            }
            if !self.fill() {
                return None;
            }
        }
    }

    /// The frames of a chunked body as they come, trailers included; `None` when the connection
    /// ends within.
    pub fn try_chunks(&mut self) -> Option<String> {
        let mut frames = Vec::new();
        loop {
            let line = self.try_line()?;
            let digits = std::str::from_utf8(&line).expect("plain chunk lines are text").trim_end();
            let size = usize::from_str_radix(digits, 16).expect("plain chunk lines are sizes");
            frames.extend(line);
            if size == 0 {
                break;
            }
            frames.extend(self.try_bytes(size + 2)?);
        }
        while !frames.ends_with(b"\r\n\r\n") {
            frames.extend(self.try_line()?);
        }
        Some(String::from_utf8(frames).expect("chunks in tests are text"))
    }

    /// A head, and the body that its Content-Length announces.
    #[track_caller]
    pub fn message(&mut self) -> (String, Vec<u8>) {
        let head = self.head();
        let length = field(&head, "content-length").map_or(0, |n| n.parse().expect("a number"));
        let body = self.bytes(length);
        (head, body)
    }

    /// A line, without its line end.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let line = self.try_line();
        let line = line.unwrap_or_else(|| panic!("ended in a line: {:?}", self.text()));
        String::from_utf8_lossy(&line[..line.len() - 2]).into_owned()
    }

    /// A body in chunks, and the trailer fields behind it.
    #[track_caller]
    pub fn chunks(&mut self) -> (Vec<u8>, Vec<String>) {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line(), 16).expect("a chunk size");
            if size == 0 {
                break;
            }
            body.extend(self.bytes(size));
            assert_eq!(self.bytes(2), b"\r\n");
        }
        let trailers = std::iter::from_fn(|| Some(self.line()).filter(|line| !line.is_empty()));
        (body, trailers.collect())
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

    /// Makes the end of this connection a reset, whenever it comes.
    pub fn reset_at_close(&self) {
        let socket = socket2::SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("an option");
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
    /// A server whose connections are handed to `script`, each on a thread of its own, with its
    /// number.
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

    /// An address where nobody listens, nor will: the port stays taken.
    pub fn absent() -> SocketAddr {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)
            .expect("a socket");
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
        let address = socket.local_addr().expect("bound").as_socket().expect("an IP address");
        std::mem::forget(socket);
        address
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
    /// The next request with its body, or the frames of its body; `None` when the connection ends.
    pub fn request(&mut self) -> Option<(String, Vec<u8>)> {
        let head = self.head()?;
        let length = field(&head, "content-length").map_or(0, |n| n.parse().expect("a number"));
        let body = match field(&head, "transfer-encoding") {
            Some(_) => self.peer.try_chunks()?.into_bytes(),
            None => self.peer.try_bytes(length)?,
        };
        Some((head, body))
    }

    /// The next request head.
    pub fn head(&mut self) -> Option<String> {
        let head = self.peer.try_head()?;
        self.heads.lock().expect("no panic holds it").push(head.clone());
        Some(head)
    }
}

/// Something that one thread waits for and another lets happen.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets all pass who wait, now and later.
    pub fn open(&self) {
        *self.0.0.lock().expect("no panic holds it") = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open.
    #[track_caller]
    pub fn pass(&self) {
        let open = self.0.0.lock().expect("no panic holds it");
        let (open, _) =
            self.0.1.wait_timeout_while(open, PATIENCE, |open| !*open).expect("no panic holds it");
        assert!(*open, "nobody opened the gate");
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
    let due = clock::now() + PATIENCE;
    while !condition() {
        assert!(clock::now() < due, "never happened: {what}");
        thread::yield_now();
    }
}
