//! The composition root: every part of a running balancer is made here and given what it needs.
//!
//! configuration -> control plane -> data plane -> admin API. The planes do not know each other:
//! control has snapshots served through [`Plane`], the data plane counts and signals, and both
//! share the state of servers. Whatever can fail at the start fails before a listener accepts.

use std::fmt;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, Result};
use tidegate_admin::metrics::Losses;
use tidegate_admin::server::{self, Server};
use tidegate_control::control::{Control, Options};
use tidegate_control::observe::config_file::{Accepted, Origin};
use tidegate_control::publish;
use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::node::{Config, Workers};
use tidegate_core::snapshot::Snapshot;
use tidegate_core::telemetry::registry::Registry;
use tidegate_core::time::Duration;
use tidegate_net::entropy;
use tidegate_net::tls::contexts::Contexts;
use tidegate_proxy::plane::{DataPlane, Drained, Parts, Prepared};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::logging::Level;
use crate::logging::access::{AccessLogSink, Opened};
use crate::{descriptors, logging};

/// Signals of the data plane that may wait for the control plane; more are dropped and counted.
const SIGNALS_MAX: usize = 4096;

/// A balancer that runs.
pub(crate) struct Node {
    /// What it knows, and how it is told.
    pub(crate) control: Control,
    /// Its log of requests.
    pub(crate) access_log: Arc<AccessLogSink>,
    admin: Server,
    /// The loop of the control plane, which yields the data plane when it is stopped.
    running: JoinHandle<Plane>,
}

impl Node {
    /// Makes a balancer of a configuration and lets it serve. `origin` is where reloads read;
    /// `haste` is how many times as fast as the clock the time of its planners passes, 1 but in a
    /// demonstration.
    ///
    /// # Errors
    /// When an address is taken, or something else that the configuration asks for cannot be had.
    pub(crate) async fn start(
        origin: Origin,
        accepted: Accepted,
        haste: NonZeroU32,
    ) -> Result<Self> {
        let config = Arc::clone(&accepted.config);
        let level = logging::start(&config.log);
        let descriptors = descriptors::raise();
        let access_log = AccessLogSink::start(&config.log).map_err(anyhow::Error::msg)?;

        let registry = Arc::<Registry>::default();
        let (tell, signals) = mpsc::channel(SIGNALS_MAX);
        let told = Options { origin, accepted, registry: Arc::clone(&registry), signals };
        let (control, reconciler) = Control::new(told);

        let lost = Arc::new(Lost { signals: Arc::default(), access_log: Arc::clone(&access_log) });
        let parts = Parts {
            snapshot: control.snapshot(),
            contexts: Arc::clone(&control.tls().contexts),
            registry,
            signals: tell,
            signals_dropped: Arc::clone(&lost.signals),
            node: format!("tidegate-{:016x}", entropy::word()),
            access_log: Some(Arc::clone(&access_log) as _),
            descriptors,
        };
        let data = DataPlane::start(parts, workers(&config)).context("cannot start the workers")?;

        let options = server::Options {
            admin: config.admin.clone(),
            metrics: config.metrics,
            state: config.runtime.state.clone(),
            losses: lost,
        };
        let admin = Server::start(control.clone(), options).await.map_err(sentence)?;
        let plane = Plane { data, access_log: Arc::clone(&access_log), level };
        let running = reconciler.hasten(haste).start(plane).await.map_err(sentence)?;
        Ok(Self { control, access_log, admin, running })
    }

    /// Where the admin API can be reached, as `--admin` takes it; `None`: it is off.
    pub(crate) fn admin(&self) -> Option<String> {
        self.admin.address().map(ToString::to_string)
    }

    /// What there is to say at the start, a line each: where it listens, and where a fresh token is
    /// kept.
    pub(crate) fn announcement(&self) -> Vec<String> {
        let listening = |(name, address): (ListenerName, SocketAddr)| {
            format!("listening on {address} (listener {name})")
        };
        let mut lines: Vec<String> = self.control.addresses().into_iter().map(listening).collect();
        lines.extend(
            self.admin
                .metrics_address()
                .map(|address| format!("metrics on http://{address}/metrics")),
        );
        lines.extend(self.admin.token().map(|fresh| match &fresh.path {
            Some(path) => format!("admin token in {}", path.display()),
            None => format!("admin token, kept nowhere: {}", fresh.token),
        }));
        lines.push(format!("admin API on {}", self.admin().as_deref().unwrap_or("no address")));
        lines
    }

    /// Closes the listeners and lets work in flight finish within `grace`; then everything ends.
    pub(crate) async fn stop(self, grace: Duration) -> Drained {
        self.control.stop().await;
        let drained = match self.running.await {
            Ok(plane) => plane.data.drain(grace).await,
            // A loop that panicked has said so, and took the data plane with it.
            Err(_) => Drained { cut: 0 },
        };
        self.control.close().await;
        self.admin.stop().await;
        self.access_log.flush();
        drained
    }
}

/// Errors of other crates tell their cause in their own sentence; a chain would tell it twice.
fn sentence(error: impl fmt::Display) -> anyhow::Error {
    anyhow::Error::msg(error.to_string())
}

fn workers(config: &Config) -> NonZeroUsize {
    match config.runtime.workers {
        Workers::Count(count) => count,
        Workers::Auto => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    }
}

/// The data plane, and what else follows the configuration, as control sees them.
struct Plane {
    data: DataPlane,
    access_log: Arc<AccessLogSink>,
    level: Level,
}

impl publish::DataPlane for Plane {
    type Prepared = (Prepared, Opened);

    fn prepare(&self, config: &Config) -> Result<Self::Prepared, String> {
        let opened = self.access_log.prepare(&config.log)?;
        let prepared = self.data.prepare(config);
        let prepared = prepared.map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
        Ok((prepared, opened))
    }

    fn commit(
        &mut self,
        (prepared, opened): Self::Prepared,
        snapshot: Arc<Snapshot>,
        contexts: Arc<Contexts>,
    ) {
        self.level.set(snapshot.config.log.level);
        self.access_log.follow(opened);
        self.data.commit(prepared, snapshot, contexts);
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.data.publish(snapshot);
    }

    fn renew(&mut self, contexts: Arc<Contexts>) {
        self.data.renew(contexts);
    }

    fn addresses(&self) -> Vec<(ListenerName, SocketAddr)> {
        self.data.addresses()
    }
}

/// What was lost where control does not see it.
struct Lost {
    signals: Arc<AtomicU64>,
    access_log: Arc<AccessLogSink>,
}

impl Losses for Lost {
    fn signals(&self) -> u64 {
        self.signals.load(Relaxed)
    }

    fn access_log_lines(&self) -> u64 {
        self.access_log.dropped()
    }
}
