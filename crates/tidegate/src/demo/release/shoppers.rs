//! The customers: as many requests a second as ever, each by one of many users whom a cookie tells
//! apart, and a note of which version answered whom.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_core::http::reply::ReplyHead;
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_net::http::Wire;
use tidegate_net::{clock, task};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use super::stage::Version;
use crate::demo::load::{connect, exchange};

/// Requests a second.
pub(super) const RATE: u32 = 400;
/// Users, who ask in turn.
pub(super) const USERS: u64 = 2000;
/// Connections.
const CLIENTS: usize = 64;
/// How long a client waits for a response.
const PATIENCE: Duration = Duration::from_secs(5);

/// What customers do, and what came of it.
#[derive(Debug)]
pub(super) struct Shoppers {
    target: SocketAddr,
    begin: Instant,
    next: AtomicU64,
    over: AtomicBool,
    tally: Mutex<Tally>,
}

/// What customers met.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: u64,
    /// Requests that failed on the faulty version, which is what it does.
    pub(super) faults: u64,
    /// Requests that failed otherwise, by reason.
    pub(super) failures: BTreeMap<String, u64>,
    /// What each version answered.
    pub(super) answered: BTreeMap<Version, u64>,
    /// When the last request went out that the faulty version answered.
    pub(super) last_faulty: Option<UnixTime>,
    /// The version that each user met last.
    met: BTreeMap<u64, Version>,
    /// When users went back to the first version, and from which.
    pub(super) returns: Vec<(UnixTime, Version)>,
}

impl Tally {
    /// Users who met a version last.
    pub(super) fn users(&self, version: Version) -> usize {
        self.met.values().filter(|met| **met == version).count()
    }

    fn answer(&mut self, user: u64, version: Version, status: u16, sent: UnixTime) {
        *self.answered.entry(version).or_default() += 1;
        if version == Version::Faulty {
            self.last_faulty = self.last_faulty.max(Some(sent));
        }
        match (status, version) {
            (200..=299, _) => {}
            (_, Version::Faulty) => self.faults += 1,
            _ => self.fail(format!("status {status} of {}", version.as_str())),
        }
        let before = self.met.insert(user, version);
        if let Some(before) = before.filter(|before| *before > version) {
            self.returns.push((sent, before));
        }
    }

    fn fail(&mut self, reason: String) {
        *self.failures.entry(reason).or_default() += 1;
    }
}

impl Shoppers {
    pub(super) fn new(target: SocketAddr, begin: Instant) -> Self {
        Self {
            target,
            begin,
            next: AtomicU64::new(0),
            over: AtomicBool::new(false),
            tally: Mutex::default(),
        }
    }

    /// Sends requests until it is over. Needs a runtime of its own thread.
    pub(super) async fn run(self: Arc<Self>) {
        let shoppers = (0..CLIENTS).map(|_| task::spawn("shopper", shop(Arc::clone(&self))));
        for shopper in shoppers.collect::<Vec<_>>() {
            // A panic has been counted and logged by the task itself.
            let _ = shopper.await;
        }
    }

    /// No further request is sent.
    pub(super) fn stop(&self) {
        self.over.store(true, Relaxed);
    }

    /// What they have met so far.
    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request and when it is due.
    fn take(&self) -> Option<(u64, Instant)> {
        if self.over.load(Relaxed) {
            return None;
        }
        let number = self.next.fetch_add(1, Relaxed);
        let after = Duration::from_secs_f64(number as f64 / f64::from(RATE));
        Some((number % USERS, self.begin + after))
    }
}

async fn shop(shoppers: Arc<Shoppers>) {
    let (mut wire, mut reply) = (None, ReplyHead::default());
    while let Some((user, due)) = shoppers.take() {
        sleep_until(clock::tokio_time(due)).await;
        let sent = clock::unix_time();
        let asked = ask(&mut wire, &mut reply, shoppers.target, user);
        let asked = timeout(PATIENCE, asked).await;
        let mut tally = shoppers.tally();
        tally.requests += 1;
        match asked {
            Ok(Ok(version)) => tally.answer(user, version, reply.status(), sent),
            Ok(Err(error)) => tally.fail(error),
            Err(_) => tally.fail(format!("no response within {} s", PATIENCE.as_secs())),
        }
    }
}

/// Sends a request, and reads which version answers.
async fn ask(
    wire: &mut Option<Wire<TcpStream>>,
    reply: &mut ReplyHead,
    target: SocketAddr,
    user: u64,
) -> Result<Version, String> {
    let mut open = match wire.take() {
        Some(open) => open,
        None => connect(target).await.map_err(|error| format!("connect: {error}"))?,
    };
    let request = format!("GET / HTTP/1.1\r\nHost: shop.test\r\nCookie: uid={user}\r\n\r\n");
    exchange(&mut open, &request, reply).await.map_err(|error| error.to_string())?;
    if reply.keeps_alive() {
        *wire = Some(open);
    }
    let status = reply.status();
    let named = reply.values("x-release").next();
    let is_named = |version: &Version| named == Some(version.as_str().as_bytes());
    let version = Version::ALL.into_iter().find(is_named);
    version.ok_or_else(|| format!("status {status} of the balancer"))
}
