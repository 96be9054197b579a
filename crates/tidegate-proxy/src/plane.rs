//! The data plane as the rest of the program holds it: worker threads, their sockets, and the
//! published snapshot.
//!
//! A change of configuration takes two steps. `prepare` opens what new listeners need and may fail,
//! having changed nothing; `commit` cannot fail: it publishes the snapshot and starts and stops
//! accepting.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Release};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use thiserror::Error;
use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::node::Config;
use tidegate_core::signal::Signal;
use tidegate_core::snapshot::Snapshot;
use tidegate_core::telemetry::registry::Registry;
use tidegate_core::time::Duration;
use tidegate_net::listen::listen;
use tidegate_net::tls::contexts::Contexts;
use tokio::sync::{mpsc, oneshot};

use crate::downstream::accept::Census;
use crate::log::Sink;
use crate::thread::{Command, start};

/// Changes whose orders may wait for a worker.
const CHANGES: usize = 64;

/// What every worker shares, and what crosses threads.
pub struct Shared {
    pub(crate) snapshot: ArcSwap<Snapshot>,
    /// What TLS needs, beside the snapshot: new connections take what is there when they begin.
    pub(crate) contexts: ArcSwap<Contexts>,
    /// The snapshot's generation, so that a worker sees a change at the cost of one load.
    pub(crate) generation: AtomicU64,
    pub(crate) registry: Arc<Registry>,
    pub(crate) signals: mpsc::Sender<Signal>,
    pub(crate) signals_dropped: Arc<AtomicU64>,
    pub(crate) node: String,
    pub(crate) access_log: Option<Arc<dyn Sink>>,
    pub(crate) census: Census,
}

/// What a data plane is made of.
pub struct Parts {
    /// The first snapshot.
    pub snapshot: Arc<Snapshot>,
    /// What TLS needs for it.
    pub contexts: Arc<Contexts>,
    /// Where workers count.
    pub registry: Arc<Registry>,
    /// Where workers tell the control plane things.
    pub signals: mpsc::Sender<Signal>,
    /// Counts what could not be told.
    pub signals_dropped: Arc<AtomicU64>,
    /// The name of this node in `Via`: a token, random per node.
    pub node: String,
    /// Where the access log goes.
    pub access_log: Option<Arc<dyn Sink>>,
    /// How many descriptors the process may open.
    pub descriptors: u32,
}

/// The data plane.
pub struct DataPlane {
    shared: Arc<Shared>,
    workers: Vec<Worker>,
    /// Who listens where: by the address as configured.
    open: BTreeMap<SocketAddr, Open>,
}

struct Worker {
    commands: mpsc::Sender<Vec<Command>>,
    thread: JoinHandle<()>,
}

struct Open {
    name: ListenerName,
    bound: SocketAddr,
}

/// Sockets that are open and do not accept yet.
#[derive(Debug, Default)]
pub struct Prepared(Vec<(ListenerName, SocketAddr, Vec<TcpListener>)>);

/// An address that cannot be listened on.
#[derive(Debug, Error)]
#[error("listener {listener} cannot listen on {address}")]
pub struct ListenError {
    listener: ListenerName,
    address: SocketAddr,
    source: io::Error,
}

/// How a graceful stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still at work when the grace was over.
    pub cut: u64,
}

impl DataPlane {
    /// Starts the worker threads. They serve nothing until a listener is committed.
    pub fn start(parts: Parts, workers: NonZeroUsize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            generation: AtomicU64::new(parts.snapshot.generation),
            snapshot: ArcSwap::new(parts.snapshot),
            contexts: ArcSwap::new(parts.contexts),
            registry: parts.registry,
            signals: parts.signals,
            signals_dropped: parts.signals_dropped,
            node: parts.node,
            access_log: parts.access_log,
            census: Census::new(parts.descriptors),
        });
        let threads = (0..workers.get()).map(|number| {
            let (commands, inbox) = mpsc::channel(CHANGES);
            let thread = start(number, Arc::clone(&shared), workers, inbox)?;
            Ok(Worker { commands, thread })
        });
        let workers = threads.collect::<io::Result<_>>()?;
        Ok(Self { shared, workers, open: BTreeMap::new() })
    }

    /// Opens sockets for the addresses that nobody listens on yet. Nothing changes when one cannot
    /// be had.
    pub fn prepare(&self, config: &Config) -> Result<Prepared, ListenError> {
        let mut prepared = Prepared::default();
        for (name, address) in addresses(config) {
            if !self.open.contains_key(&address) {
                let sockets = listen(address, self.workers.len())
                    .map_err(|source| ListenError { listener: name.clone(), address, source })?;
                prepared.0.push((name, address, sockets));
            }
        }
        Ok(prepared)
    }

    /// Publishes other contexts for the snapshot that serves: connections that there are go on.
    pub fn renew(&self, contexts: Arc<Contexts>) {
        self.shared.contexts.store(contexts);
    }

    /// Publishes a snapshot of the configuration that serves, whose instances changed.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        let generation = snapshot.generation;
        self.shared.snapshot.store(snapshot);
        self.shared.generation.store(generation, Release);
    }

    /// Publishes a snapshot and what TLS needs for it. Prepared sockets begin to accept; those of
    /// listeners that are gone are closed, and their connections finish the request that they are
    /// at.
    pub fn commit(&mut self, prepared: Prepared, snapshot: Arc<Snapshot>, contexts: Arc<Contexts>) {
        let wanted: BTreeMap<SocketAddr, ListenerName> =
            addresses(&snapshot.config).map(|(name, address)| (address, name)).collect();
        // First, so that whoever sees the new snapshot finds what belongs to it.
        self.shared.contexts.store(contexts);
        self.publish(snapshot);
        let mut orders: Vec<Vec<Command>> = self.workers.iter().map(|_| Vec::new()).collect();
        for (name, address, sockets) in prepared.0 {
            self.begin(name, address, sockets, &mut orders);
        }
        self.open.retain(|address, open| match wanted.get(address) {
            Some(name) if *name == open.name => true,
            Some(name) => {
                open.name = name.clone();
                let rename = || Command::Rename { address: *address, name: name.clone() };
                orders.iter_mut().for_each(|orders| orders.push(rename()));
                true
            }
            None => {
                let close = || Command::Close { address: *address };
                orders.iter_mut().for_each(|orders| orders.push(close()));
                false
            }
        });
        for (worker, orders) in self.workers.iter().zip(orders) {
            send(worker, orders);
        }
    }

    fn begin(
        &mut self,
        name: ListenerName,
        address: SocketAddr,
        sockets: Vec<TcpListener>,
        orders: &mut [Vec<Command>],
    ) {
        let bound = sockets.first().and_then(|socket| socket.local_addr().ok()).unwrap_or(address);
        for (orders, socket) in orders.iter_mut().zip(sockets) {
            orders.push(Command::Listen { name: name.clone(), address, socket });
        }
        self.open.insert(address, Open { name, bound });
    }

    /// Where listeners listen, port 0 resolved, by name.
    #[must_use]
    pub fn addresses(&self) -> Vec<(ListenerName, SocketAddr)> {
        let mut addresses: Vec<_> =
            self.open.values().map(|open| (open.name.clone(), open.bound)).collect();
        addresses.sort();
        addresses
    }

    /// Stops: no new connections, idle ones closed, the others after their request. Those that are
    /// still at work after `grace` are cut. Returns when all threads have ended.
    pub async fn drain(self, grace: Duration) -> Drained {
        let mut replies = Vec::new();
        for worker in &self.workers {
            let (reply, done) = oneshot::channel();
            if worker.commands.send(vec![Command::Stop { grace, reply }]).await.is_ok() {
                replies.push(done);
            }
        }
        let mut cut = 0;
        for reply in replies {
            cut += reply.await.unwrap_or_default();
        }
        for worker in self.workers {
            // A worker that panicked has said so; there is nothing left to stop.
            let _ = worker.thread.join();
        }
        Drained { cut }
    }
}

fn addresses(config: &Config) -> impl Iterator<Item = (ListenerName, SocketAddr)> {
    config.listeners.iter().flat_map(|listener| {
        listener.addresses.iter().map(|address| (listener.name.clone(), *address))
    })
}

/// Hands a worker the orders of one change. Workers take them at once, as they never block.
fn send(worker: &Worker, orders: Vec<Command>) {
    if !orders.is_empty() && worker.commands.try_send(orders).is_err() {
        tracing::error!("a worker takes no orders; its listeners stay as they are");
    }
}
