//! What the loop of the control plane writes, and everyone reads without taking a turn in it.
//!
//! The current snapshot, counts, and short lists behind locks that nobody holds while waiting.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tidegate_core::config::diagnostic::{Diagnostic, Severity};
use tidegate_core::model::ids::{ListenerName, PoolName, RolloutName};
use tidegate_core::model::node::Config;
use tidegate_core::snapshot::Snapshot;
use tidegate_core::telemetry::registry::Registry;
use tidegate_core::time::{Instant, UnixTime};
use tidegate_net::clock;

use crate::act::acme::standing::Standings;
use crate::act::notify::counts::Tallies;
use crate::act::provider::contract::AnyProvider;
use crate::control::Readiness;
use crate::events::EventLog;
use crate::health::board::Board;
use crate::observe::config_file::{Accepted, Origin};
use crate::overrides::order::Override;
use crate::release::status::RolloutStatus;
use crate::scale::scalers::ScalerKey;
use crate::scale::status::AutoscaleStatus;

/// What the loop writes and everyone reads.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) origin: Origin,
    pub(crate) registry: Arc<Registry>,
    pub(crate) events: EventLog,
    pub(crate) board: Board,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) accepted: ArcSwap<Accepted>,
    pub(crate) addresses: Mutex<Vec<(ListenerName, SocketAddr)>>,
    pub(crate) reloads: Reloads,
    pub(crate) renewals: Renewals,
    pub(crate) standings: Standings,
    /// How webhooks went.
    pub(crate) notices: Tallies,
    /// What starts and stops instances.
    pub(crate) providers: Mutex<BTreeMap<ScalerKey, Arc<AnyProvider>>>,
    /// The autoscalers, by pool.
    pub(crate) autoscale: Mutex<BTreeMap<PoolName, Arc<AutoscaleStatus>>>,
    /// The rollouts, by name.
    pub(crate) rollouts: Mutex<BTreeMap<RolloutName, Arc<RolloutStatus>>>,
    /// What is in force for servers against their configuration, by pool and name.
    pub(crate) overrides: Mutex<Vec<Override>>,
    pub(crate) started: (Instant, UnixTime),
    /// The configuration of the start: what needs a restart is measured against it.
    pub(crate) first: Arc<Config>,
    readiness: AtomicU8,
}

/// How reloads went.
#[derive(Debug, Default)]
pub(crate) struct Reloads {
    pub(crate) applied: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// The mistakes of the last one; empty when it was applied.
    pub(crate) last: Mutex<Vec<Diagnostic>>,
}

/// How files went that TLS is made of and that changed while the process ran.
#[derive(Debug, Default)]
pub(crate) struct Renewals {
    pub(crate) applied: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl Shared {
    /// What there is before anything has happened.
    pub(crate) fn new(
        (origin, accepted): (Origin, Accepted),
        registry: Arc<Registry>,
        snapshot: Arc<Snapshot>,
        now: Instant,
    ) -> Self {
        Self {
            first: Arc::clone(&accepted.config),
            origin,
            registry,
            events: EventLog::default(),
            board: Board::default(),
            snapshot: ArcSwap::new(snapshot),
            accepted: ArcSwap::from_pointee(accepted),
            addresses: Mutex::default(),
            reloads: Reloads::default(),
            renewals: Renewals::default(),
            standings: Standings::default(),
            notices: Tallies::default(),
            providers: Mutex::default(),
            autoscale: Mutex::default(),
            rollouts: Mutex::default(),
            overrides: Mutex::default(),
            started: (now, clock::unix_time()),
            readiness: AtomicU8::new(Readiness::Starting as u8),
        }
    }

    pub(crate) fn readiness(&self) -> Readiness {
        match self.readiness.load(Relaxed) {
            0 => Readiness::Starting,
            1 => Readiness::Ready,
            _ => Readiness::Stopping,
        }
    }

    /// Begins to be ready, unless a stop came first.
    pub(crate) fn begin_ready(&self) {
        let (from, to) = (Readiness::Starting as u8, Readiness::Ready as u8);
        // Losing to a stop is the one failure, and what is wanted.
        let _ = self.readiness.compare_exchange(from, to, Relaxed, Relaxed);
    }

    pub(crate) fn set_readiness(&self, readiness: Readiness) -> u8 {
        self.readiness.swap(readiness as u8, Relaxed)
    }

    /// A mistake that lies in no line of the configuration.
    pub(crate) fn mistake(&self, key: &str, message: String) -> Diagnostic {
        Diagnostic {
            file: self.origin.name(),
            line: 1,
            column: 1,
            severity: Severity::Error,
            key: key.to_owned(),
            message,
            expected: None,
            nearest: None,
        }
    }
}

/// A panic elsewhere leaves these lists whole: each is replaced or cloned in one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
