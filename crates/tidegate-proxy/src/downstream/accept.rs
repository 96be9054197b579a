//! Step 1 of 8: take connections in, within the limits. From the kernel, to `client`.
//!
//! Each core accepts on a socket of its own. When connections or descriptors run short, new clients
//! are refused before old ones are harmed; only connections that idle are let go, the longest idle
//! first.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::listener::ListenerLimits;
use tidegate_core::rng::scale;
use tidegate_core::telemetry::listener::ListenerCells;
use tidegate_core::telemetry::refusal::Refusal;
use tidegate_core::time::{Duration, Instant};
use tidegate_net::stream::Stream;
use tidegate_net::{clock, task};
use tokio::net::TcpListener;

use super::client::{Client, Origin};
use super::h1::Ended;
use super::{h1, h2, sniff, tls};
use crate::exchange::session::Seen;
use crate::held::Held;
use crate::wire::Wire;
use crate::worker::Worker;

/// How long accepting rests when the process is out of descriptors or memory.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(20);

/// Accepts until the task is dropped. The name may change when a reload renames the listener.
pub(crate) async fn accept(
    worker: Rc<Worker>,
    socket: TcpListener,
    name: Rc<RefCell<ListenerName>>,
) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                let listener = name.borrow().clone();
                begin(&worker, Stream::new(stream), peer, listener);
            }
            Err(error) if is_exhaustion(&error) => {
                worker.cells.refuse(Refusal::Exhausted);
                worker.deadlines.dismiss_oldest_idle();
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
            // The client gave up while it waited to be accepted.
            Err(_) => {}
        }
    }
}

fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    exhausted.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn begin(worker: &Rc<Worker>, stream: Stream, peer: SocketAddr, listener: ListenerName) {
    let view = worker.view();
    let Some(index) = view.snapshot.listener_index(&listener) else { return };
    let settings = view.snapshot.listener(index);
    let limits = &settings.limits;
    let admission = match worker.shared.census.admit(&listener, limits) {
        Ok(admission) => admission,
        Err(refusal) => {
            worker.deadlines.dismiss_oldest_idle();
            return worker.cells.refuse(refusal);
        }
    };
    let Ok(destination) = stream.local_address() else { return };
    let mut origin = Origin {
        peer: peer.ip().to_canonical(),
        port: peer.port(),
        destination,
        secure: None,
        listener,
        retire_at: retirement(limits, worker.draw()),
        seen: Seen::default(),
        admission,
    };
    // Behind a PROXY header there is another client, which is not known yet. One at its own limit
    // must not push out the others.
    if !settings.proxy_protocol
        && let Err(refusal) = origin.admit(worker, limits)
    {
        return worker.cells.refuse(refusal);
    }
    let cells = worker.cells.listener(&origin.listener);
    let client = Client {
        wire: Wire::Socket(stream),
        input: Held::default(),
        deadline: worker.deadlines.register(),
        origin: Rc::new(origin),
    };
    let worker = Rc::clone(worker);
    task::spawn_local("client", || serve(worker, client, cells));
}

/// When a connection should be asked to go: at its age limit, give or take a tenth.
fn retirement(limits: &ListenerLimits, draw: u64) -> Instant {
    let tenth = limits.max_age / 10;
    let jitter = u64::try_from(tenth.as_nanos()).unwrap_or(u64::MAX / 2).saturating_mul(2);
    clock::now() + limits.max_age.saturating_sub(tenth) + Duration::from_nanos(scale(draw, jitter))
}

async fn serve(worker: Rc<Worker>, mut client: Client, cells: Arc<ListenerCells>) {
    let _open = Open::new(&worker, &cells);
    if !sniff::proxy_header(&worker, &mut client).await {
        return;
    }
    // Lent, not handed on: a task has room for whatever each of its steps owns.
    if tls::secure(&worker, &mut client, &cells).await.is_none() {
        return;
    }
    let speaks_http2 = client.origin.speaks_http2()
        || h1::serve(&worker, &mut client, &cells).await == Ended::WithPreface;
    if speaks_http2 {
        // Apart, so that a connection on HTTP/1 has no room in it for HTTP/2.
        Box::pin(h2::serve(&worker, client, &cells)).await;
    }
}

/// Counts a connection as open while it lives.
struct Open<'a>(&'a Worker, &'a ListenerCells);

impl<'a> Open<'a> {
    fn new(worker: &'a Worker, cells: &'a ListenerCells) -> Self {
        cells.accepted.increment();
        cells.active.add(1);
        worker.open.set(worker.open.get() + 1);
        Self(worker, cells)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.1.active.sub(1);
        self.0.open.set(self.0.open.get() - 1);
    }
}

/// Client connections of all cores, counted against their limits.
#[derive(Debug)]
pub(crate) struct Census {
    /// The most connections that the descriptor limit bears.
    capacity: u32,
    total: Arc<AtomicU32>,
    listeners: Mutex<HashMap<ListenerName, Arc<AtomicU32>>>,
    /// Only for listeners that limit connections by client.
    clients: Arc<Mutex<HashMap<(ListenerName, IpAddr), u32>>>,
}

/// A connection's place in the census, given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    total: Arc<AtomicU32>,
    listener: Option<Arc<AtomicU32>>,
    client: Option<ClientPlace>,
}

#[derive(Debug)]
struct ClientPlace {
    key: (ListenerName, IpAddr),
    clients: Arc<Mutex<HashMap<(ListenerName, IpAddr), u32>>>,
}

impl Census {
    /// A census for a process that may open `descriptors`. A sixteenth of them, 1,024 at most, is
    /// kept back for servers, files and the control plane.
    pub(crate) fn new(descriptors: u32) -> Self {
        Self {
            capacity: descriptors - (descriptors / 16).min(1024),
            total: Arc::default(),
            listeners: Mutex::default(),
            clients: Arc::default(),
        }
    }

    fn admit(
        &self,
        listener: &ListenerName,
        limits: &ListenerLimits,
    ) -> Result<Admission, Refusal> {
        let mut admission =
            Admission { total: Arc::clone(&self.total), listener: None, client: None };
        if self.total.fetch_add(1, Relaxed) >= self.capacity {
            return Err(Refusal::Exhausted);
        }
        if let Some(bound) = limits.connections.bound() {
            let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            let count = Arc::clone(listeners.entry(listener.clone()).or_default());
            let before = count.fetch_add(1, Relaxed);
            admission.listener = Some(count);
            if before >= bound {
                return Err(Refusal::ConnectionLimit);
            }
        }
        Ok(admission)
    }

    /// Adds the client to a place that was given before.
    pub(super) fn admit_client(
        &self,
        admission: &mut Admission,
        listener: &ListenerName,
        peer: IpAddr,
        limits: &ListenerLimits,
    ) -> Result<(), Refusal> {
        let Some(bound) = limits.connections_per_client.bound() else { return Ok(()) };
        let key = (listener.clone(), network(peer));
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let count = clients.entry(key.clone()).or_default();
        if *count >= bound {
            return Err(Refusal::ClientConnectionLimit);
        }
        *count += 1;
        admission.client = Some(ClientPlace { key, clients: Arc::clone(&self.clients) });
        Ok(())
    }
}

/// What counts as one client: an IPv4 address, or a /64 of IPv6, which one host can use freely.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.total.fetch_sub(1, Relaxed);
        if let Some(listener) = &self.listener {
            listener.fetch_sub(1, Relaxed);
        }
    }
}

impl Drop for ClientPlace {
    fn drop(&mut self) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = clients.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same_client(one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|text| text.parse().expect("an address"));
        network(one) == network(other)
    }

    #[test]
    fn a_client_is_an_address_or_a_64_of_ipv6() {
        assert!(!same_client("192.0.2.1", "192.0.2.2"));
        assert!(same_client("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(!same_client("2001:db8:0:1::1", "2001:db8:0:2::1"));
    }
}
