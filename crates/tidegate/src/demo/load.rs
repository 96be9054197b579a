//! Open-loop load: requests are due when the curve of demand says so, whether or not earlier ones
//! have been answered.
//!
//! Clients take turns. Each takes the next request, waits until it is due, and sends it on a
//! connection that it keeps. When all clients are held up, requests are sent late, and that counts
//! as latency. A client that fails tries nothing twice: what the balancer does not hide is a
//! failure.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_core::http::reply::ReplyHead;
use tidegate_core::time::{Duration, Instant};
use tidegate_net::http::Wire;
use tidegate_net::{clock, task};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use super::script::Script;
use super::tally::{Done, Errand, Tally};
use super::traffic::Traffic;

/// Clients, each with a connection of its own: what may be asked at once, as shoppers have so many
/// browsers and no more.
const CLIENTS: usize = 512;
/// How long a client waits for a response.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a response body.
const BODY_MAX: usize = 64 * 1024;
/// The places of checkouts among each [`ROUND`] requests: 15 %.
const CHECKOUTS: [u64; 3] = [3, 9, 16];
const ROUND: u64 = 20;

/// What load to make, and what came of it.
#[derive(Debug)]
pub(super) struct Load {
    target: SocketAddr,
    begin: Instant,
    script: Script,
    traffic: Traffic,
    total: u64,
    next: AtomicU64,
    begun: AtomicU64,
    /// Sets the orders of this run apart from those of others.
    run: u64,
    tally: Mutex<Tally>,
}

impl Load {
    /// The load of a script that begins at `begin`.
    pub(super) fn new(target: SocketAddr, begin: Instant, script: Script) -> Self {
        let traffic = Traffic::new(&script);
        Self {
            target,
            begin,
            script,
            total: traffic.total(),
            traffic,
            next: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            run: tidegate_net::entropy::word(),
            tally: Mutex::new(Tally::new()),
        }
    }

    /// Sends all requests and waits for their ends. Needs a runtime of its own thread.
    pub(super) async fn run(self: Arc<Self>) {
        let clients = (0..CLIENTS).map(|_| task::spawn("client", Client::new(&self).run()));
        for client in clients.collect::<Vec<_>>() {
            // A panic has been counted and logged by the task itself; its requests are missed in
            // the sum.
            let _ = client.await;
        }
    }

    /// Begins no further request.
    pub(super) fn stop(&self) {
        self.next.fetch_max(self.total, Relaxed);
    }

    /// Requests that the whole load consists of.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    /// Requests that were begun so far.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Relaxed)
    }

    /// Requests that are due a second, at a time after the begin.
    pub(super) fn demand(&self, at: Duration) -> f64 {
        self.traffic.rate(at)
    }

    /// What came of it so far.
    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request and after what time it is due.
    fn take(&self) -> Option<(u64, Duration)> {
        let number = self.next.fetch_add(1, Relaxed);
        Some((number, self.traffic.due(number)?))
    }
}

struct Client {
    load: Arc<Load>,
    wire: Option<Wire<TcpStream>>,
    reply: ReplyHead,
}

impl Client {
    fn new(load: &Arc<Load>) -> Self {
        Self { load: Arc::clone(load), wire: None, reply: ReplyHead::default() }
    }

    async fn run(mut self) {
        while let Some((number, due)) = self.load.take() {
            let due_at = self.load.begin + due;
            sleep_until(clock::tokio_time(due_at)).await;
            self.load.begun.fetch_add(1, Relaxed);
            let errand = errand(number);
            let outcome = match timeout(PATIENCE, self.ask(number, errand)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("no response within {} s", PATIENCE.as_secs())),
            };
            let (phase, latency) = (self.load.script.phase(due), clock::now().since(due_at));
            self.load.tally().count(Done { errand, phase, latency, outcome });
        }
    }

    /// Sends a request and reads the response. The connection is kept only when all went well.
    async fn ask(&mut self, number: u64, errand: Errand) -> Result<(), String> {
        let kept = self.wire.take();
        let reused = kept.is_some();
        let mut wire = match kept {
            Some(wire) => wire,
            None => connect(self.load.target).await.map_err(|error| format!("connect: {error}"))?,
        };
        let request = request(errand, self.load.run, number);
        let exchanged = exchange(&mut wire, &request, &mut self.reply).await;
        exchanged
            .map_err(|error| format!("{}: {error}", if reused { "reused" } else { "fresh" }))?;
        if self.reply.keeps_alive() {
            self.wire = Some(wire);
        }
        match self.reply.status() {
            200..=299 => Ok(()),
            status => Err(format!("status {status}")),
        }
    }
}

pub(super) async fn connect(target: SocketAddr) -> io::Result<Wire<TcpStream>> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    Ok(Wire::new(stream))
}

pub(super) async fn exchange(
    wire: &mut Wire<TcpStream>,
    request: &str,
    reply: &mut ReplyHead,
) -> io::Result<()> {
    wire.send(request.as_bytes()).await?;
    wire.reply(reply).await?;
    wire.body(reply.body(), BODY_MAX).await.map(drop)
}

const fn errand(number: u64) -> Errand {
    let place = number % ROUND;
    let [first, second, third] = CHECKOUTS;
    if place == first || place == second || place == third {
        Errand::Checkout
    } else {
        Errand::Browse
    }
}

fn request(errand: Errand, run: u64, number: u64) -> String {
    match errand {
        Errand::Browse => "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n".to_owned(),
        Errand::Checkout => format!(
            "POST /checkout HTTP/1.1\r\nHost: shop.test\r\nIdempotency-Key: {run:016x}-{number}\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        ),
    }
}
