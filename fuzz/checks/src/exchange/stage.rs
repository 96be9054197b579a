//! What outlives a script: the data plane, the sockets of its hostile servers, and a good server
//! beside them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use tidegate_core::config::load::{Text, load};
use tidegate_core::model::node::{Config, LogFormat};
use tidegate_core::signal::Signal;
use tidegate_core::snapshot::{Circumstances, ServerIds, Snapshot};
use tidegate_core::telemetry::access_log::Record;
use tidegate_core::telemetry::registry::Registry;
use tidegate_core::time::Duration;
use tidegate_net::{clock, task};
use tidegate_proxy::log::Sink;
use tidegate_proxy::plane::{DataPlane, Parts};
use tokio::sync::mpsc;

use super::mark::Mark;
use super::pipe::{Pipe, RECV_BUFFER};
use super::script::Ends;
use crate::plain::text;

/// The name of the data plane in `Via`.
pub(super) const NODE: &str = "tidegate-fuzz";
/// Nothing takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait between two looks at something.
const TICK: Duration = Duration::from_micros(200);
/// More descriptors than this are a leak.
const DESCRIPTORS_MAX: usize = 300;

/// What outlives a script.
pub(super) struct Stage {
    plane: DataPlane,
    registry: Arc<Registry>,
    signals: mpsc::Receiver<Signal>,
    ids: ServerIds,
    /// The snapshot that is served, and the configuration that a reload brings.
    snapshot: Arc<Snapshot>,
    other: Arc<Config>,
    hostile: [TcpListener; 2],
    pub(super) address: SocketAddr,
    pub(super) marks: Mark,
}

impl Stage {
    /// Starts a data plane of one core.
    pub(super) fn start() -> Self {
        let hostile = [(); 2].map(|()| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.set_nonblocking(true).expect("an option");
            // Connections inherit it.
            SockRef::from(&listener).set_recv_buffer_size(RECV_BUFFER).expect("an option");
            listener
        });
        let servers = [address(&hostile[0]), address(&hostile[1]), good_server()];
        let (first, other) = (configuration(&servers, "10s"), configuration(&servers, "9s"));
        let (registry, mut ids) = (Arc::new(Registry::default()), ServerIds::default());
        let snapshot = Snapshot::build(
            Arc::clone(&first),
            &Circumstances::default(),
            None,
            &mut ids,
            clock::now(),
        );
        let snapshot = Arc::new(snapshot);
        let (sender, signals) = mpsc::channel(64);
        let parts = Parts {
            snapshot: Arc::clone(&snapshot),
            contexts: Arc::default(),
            registry: Arc::clone(&registry),
            signals: sender,
            signals_dropped: Arc::new(AtomicU64::new(0)),
            node: NODE.to_owned(),
            access_log: Some(Arc::new(Nowhere)),
            descriptors: 10_000,
        };
        let mut plane = DataPlane::start(parts, NonZeroUsize::MIN).expect("threads");
        let prepared = plane.prepare(&first).expect("a free port");
        plane.commit(prepared, Arc::clone(&snapshot), Arc::default());
        let address = plane.addresses()[0].1;
        let marks = Mark::none_yet();
        Self { plane, registry, signals, ids, snapshot, other, hostile, address, marks }
    }

    /// Loads the other configuration.
    pub(super) fn reload(&mut self) {
        let next = std::mem::replace(&mut self.other, Arc::clone(&self.snapshot.config));
        let prepared = self.plane.prepare(&next).expect("nothing new is listened on");
        let (before, now) = (Arc::clone(&self.snapshot), clock::now());
        self.snapshot = Arc::new(Snapshot::build(
            next,
            &Circumstances::default(),
            Some(&before),
            &mut self.ids,
            now,
        ));
        self.plane.commit(prepared, Arc::clone(&self.snapshot), Arc::default());
    }

    /// A connection to one of the hostile servers, if one is waiting.
    pub(super) fn accept(&self) -> Option<TcpStream> {
        self.hostile.iter().find_map(|listener| Some(listener.accept().ok()?.0))
    }

    /// Waits for something to do on these pipes, or for a connection; false when nothing came.
    pub(super) fn wait<'p>(
        &'p self,
        pipes: impl Iterator<Item = &'p Pipe>,
        patience: Duration,
    ) -> bool {
        let listeners = self.hostile.iter().map(|listener| PollFd::new(listener, PollFlags::IN));
        let mut waited: Vec<_> = pipes.filter_map(Pipe::interest).chain(listeners).collect();
        let timeout = Timespec::try_from(patience).expect("a short time");
        // An interrupted wait is a short one.
        poll(&mut waited, Some(&timeout)).is_ok_and(|ready| ready > 0)
    }

    /// What must hold once both ends are gone.
    pub(super) fn check_rest(&mut self) {
        self.come_to_rest();
        self.serve_an_ordinary_request();
        self.come_to_rest();
        assert_eq!(task::panics(), 0, "no task panics");
        while self.signals.try_recv().is_ok() {}
        // The directory is there wherever these checks can run.
        let descriptors = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        assert!(descriptors <= DESCRIPTORS_MAX, "{descriptors} descriptors are open");
    }

    /// Waits until nothing is in flight and no client is connected.
    fn come_to_rest(&self) {
        let due = clock::now() + PATIENCE;
        loop {
            // A try on another server may be on its way still.
            while let Some(stream) = self.accept() {
                Pipe::new(stream).end(Ends::Reset);
            }
            let (flying, connected) = (self.in_flight(), self.connected());
            if flying == 0 && connected == 0 {
                return;
            }
            assert!(clock::now() < due, "{flying} in flight, {connected} clients, for ever");
            self.wait(std::iter::empty(), TICK);
        }
    }

    fn in_flight(&self) -> u32 {
        let members = self.snapshot.pools.iter().flat_map(|pool| &pool.members);
        members.map(|member| member.state.in_flight()).sum()
    }

    fn connected(&self) -> u64 {
        self.registry.scrape().listeners.values().map(|listener| listener.active).sum()
    }

    fn serve_an_ordinary_request(&mut self) {
        let mark = self.marks.next();
        let mut client = Pipe::connect(self.address);
        client.say(format!("GET /good/{mark} HTTP/1.1\r\nHost: shop\r\n\r\n").as_bytes());
        let due = clock::now() + PATIENCE;
        let whole = |heard: &[u8]| heard.ends_with(format!("\r\n\r\nGET /good/{mark}").as_bytes());
        while !whole(&client.heard) {
            let late = clock::now() >= due || client.ended;
            assert!(!late, "an ordinary request got {:?}", text(&client.heard));
            self.wait(std::iter::once(&client), TICK);
            client.pump();
        }
        assert!(client.heard.starts_with(b"HTTP/1.1 200 OK\r\n"), "{:?}", text(&client.heard));
        client.end(Ends::Reset);
    }
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("it is bound")
}

/// Two hostile servers and one that nobody listens on, with tries on another; and a good one.
/// Nothing is ejected, as nobody takes signals. `idle` makes one configuration differ from another.
fn configuration([one, two, good]: &[SocketAddr; 3], idle: &str) -> Arc<Config> {
    let text = format!(
        "version = 1\n[listener.web]\naddress = \"127.0.0.1:0\"\n\
         [route.hostile]\npool = \"hostile\"\nmatch = {{ path_prefix = \"/hostile\" }}\n\
         retry = {{ on = [\"reset-before-response\", \"503\"] }}\n\
         timeouts = {{ idle = \"{idle}\" }}\n\
         [route.other]\npool = \"good\"\n\
         [pool.hostile]\nservers = [\"{one}\", \"{two}\", \"127.0.0.1:1\"]\n\
         balance = \"round-robin\"\n\
         retry_budget = {{ ratio = 1, min_per_second = 1000000 }}\n\
         [pool.good]\nservers = [\"{good}\"]\n"
    );
    let loaded = load(Path::new("fuzz.toml"), &mut Text(&text));
    Arc::new(loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics)))
}

/// A server that answers each request with its first two words, for as long as the process lives.
fn good_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = address(&listener);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(mut stream: TcpStream) -> Option<()> {
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(end) = heard.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = heard.drain(..end + 4).collect();
            let words: Vec<_> = head.split(|byte| *byte == b' ').take(2).map(text).collect();
            let body = words.join(" ");
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).ok()?;
        }
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        heard.extend_from_slice(&buffer[..count]);
    }
}

/// A log that is written and not kept.
struct Nowhere;

impl Sink for Nowhere {
    fn is_on(&self) -> bool {
        true
    }

    fn wants(&self, _record: &Record<'_>) -> bool {
        true
    }

    fn append(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        record.write(LogFormat::Json, &[], out);
    }

    fn write(&self, _lines: Vec<u8>) {}
}
