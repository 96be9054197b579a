//! The handle by which everything outside acts on the control plane and reads what it knows.
//!
//! Acting goes through a bounded queue to the loop (`reconcile`), which answers when it is done.
//! Reading takes no turn in the loop: it looks at the current snapshot, at the state that servers
//! share, and at short lists behind locks that nobody holds while waiting.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tidegate_core::config::diagnostic::Diagnostic;
use tidegate_core::config::diff::Change;
use tidegate_core::model::ids::{ListenerName, PoolName, RolloutName};
use tidegate_core::signal::Signal;
use tidegate_core::snapshot::Snapshot;
use tidegate_core::telemetry::registry::{Registry, Scrape};
use tidegate_core::time::UnixTime;
use tidegate_net::{clock, task};
use tokio::sync::{mpsc, oneshot};

use crate::act::notify::counts::NotifyCounts;
use crate::act::provider::contract::{AnyProvider, Provider};
use crate::events::{Kind, Page, Report};
use crate::observe::config_file::{Accepted, Origin};
use crate::overrides::order as overrides;
use crate::overrides::order::Override;
use crate::publish::Compiler;
use crate::reconcile::Reconciler;
use crate::release::facts::Word;
use crate::release::status::RolloutStatus;
use crate::release::steering as releases;
use crate::scale::lapse::Lapse;
use crate::scale::status::AutoscaleStatus;
use crate::scale::steering::{Order, OrderError};
use crate::shared::{Shared, lock};
use crate::tls::parts::Tls;

/// Commands that may wait for the loop.
const COMMANDS_MAX: usize = 64;

/// What the control plane is made of.
#[derive(Debug)]
pub struct Options {
    /// Where the configuration came from, and comes from at each reload.
    pub origin: Origin,
    /// The configuration to start with.
    pub accepted: Accepted,
    /// What the data plane counts, shared with it.
    pub registry: Arc<Registry>,
    /// What the data plane signals.
    pub signals: mpsc::Receiver<Signal>,
}

/// The handle. Clones act on the same control plane.
#[derive(Clone, Debug)]
pub struct Control {
    pub(crate) shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
}

/// Whether the balancer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Readiness {
    /// Not yet: servers are being probed for the first time.
    Starting = 0,
    /// It serves.
    Ready = 1,
    /// It is about to stop.
    Stopping = 2,
}

impl Readiness {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
        }
    }
}

/// What came of a reload.
#[derive(Clone, Debug)]
pub enum Reload {
    /// The new configuration serves.
    Applied(Applied),
    /// Nothing has changed: every mistake and doubt.
    Refused(Vec<Diagnostic>),
}

/// A reload that took effect.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The number of the configuration that serves now.
    pub revision: u64,
    /// What differs from the configuration before. The keys that [`Change::needs_restart`] names
    /// take effect only at the next start.
    pub changes: Vec<Change>,
    /// Doubts that did not stop it.
    pub warnings: Vec<Diagnostic>,
}

/// What the loop is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Reload {
        cause: String,
        word: Word,
        reply: Option<oneshot::Sender<Reload>>,
    },
    /// Files that TLS is made of have changed.
    Renew,
    /// Somebody steers the autoscaler.
    Steer {
        order: Order,
        by: String,
        reply: oneshot::Sender<Result<(), OrderError>>,
    },
    /// Somebody steers rollouts.
    Release {
        order: releases::Order,
        by: String,
        reply: oneshot::Sender<Result<(), releases::OrderError>>,
    },
    /// Somebody asks something of servers.
    Override {
        order: overrides::Order,
        by: String,
        reply: oneshot::Sender<Result<(), overrides::OrderError>>,
    },
    Stop,
}

impl Control {
    /// Compiles the first snapshot, which the data plane is to start from. Nothing runs until
    /// [`Reconciler::start`].
    #[must_use]
    pub fn new(options: Options) -> (Self, Reconciler) {
        let Options { origin, accepted, registry, signals } = options;
        let now = clock::now();
        let (compiler, first) = Compiler::new(Arc::clone(&accepted.config), now);
        let shared = Arc::new(Shared::new((origin, accepted), registry, first, now));
        let (commands, queue) = mpsc::channel(COMMANDS_MAX);
        let watcher = commands.downgrade();
        let control = Self { shared: Arc::clone(&shared), commands };
        let lapse = Lapse::new(NonZeroU32::MIN, shared.started);
        (control, Reconciler { shared, compiler, commands: queue, watcher, signals, lapse })
    }

    /// The snapshot that serves.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// The configuration that serves, as TOML with every default and where each value comes from.
    #[must_use]
    pub fn resolved(&self) -> Arc<str> {
        Arc::clone(&self.shared.accepted.load().resolved)
    }

    /// The addresses that listeners have open, port 0 resolved; none before the start is over.
    #[must_use]
    pub fn addresses(&self) -> Vec<(ListenerName, SocketAddr)> {
        lock(&self.shared.addresses).clone()
    }

    /// Everything the data plane and the control plane counted.
    #[must_use]
    pub fn scrape(&self) -> Scrape {
        self.shared.registry.scrape()
    }

    /// When the process began to serve, or tried to.
    #[must_use]
    pub fn started_at(&self) -> UnixTime {
        self.shared.started.1
    }

    /// Reloads so far: how many were applied, how many refused.
    #[must_use]
    pub fn reloads(&self) -> (u64, u64) {
        let reloads = &self.shared.reloads;
        (reloads.applied.load(Relaxed), reloads.refused.load(Relaxed))
    }

    /// Whether the last reload was applied; `true` before the first.
    #[must_use]
    pub fn last_reload_applied(&self) -> bool {
        lock(&self.shared.reloads.last).is_empty()
    }

    /// Certificates, keys and authorities whose files changed: how many were taken, and how many
    /// could not be used.
    #[must_use]
    pub fn renewals(&self) -> (u64, u64) {
        let renewals = &self.shared.renewals;
        (renewals.applied.load(Relaxed), renewals.refused.load(Relaxed))
    }

    /// Certificates that authorities were asked for, by how that ended: a word, and how many.
    #[must_use]
    pub fn orders(&self) -> [(&'static str, u64); 3] {
        self.shared.standings.orders()
    }

    /// How the webhooks went that are told of events.
    #[must_use]
    pub fn notices(&self) -> Vec<NotifyCounts> {
        self.shared.notices.all()
    }

    /// What TLS is made of.
    #[must_use]
    pub fn tls(&self) -> Arc<Tls> {
        Arc::clone(&self.shared.accepted.load().tls)
    }

    /// What happened after the event numbered `since`; 0: all that is remembered.
    #[must_use]
    pub fn events(&self, since: u64) -> Page {
        self.shared.events.since(since)
    }

    /// Events that are remembered no more.
    #[must_use]
    pub fn events_dropped(&self) -> u64 {
        self.shared.events.dropped()
    }

    /// Whether the balancer serves.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.shared.readiness()
    }

    /// Whether the balancer serves and is to be sent traffic.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.readiness() == Readiness::Ready
    }

    /// Reads the configuration again and applies it if it is good; `cause` says who asked and how,
    /// for the event. Answers when the new configuration serves, or is refused.
    pub async fn reload(&self, cause: &str) -> Reload {
        self.reload_by(Word::OfFacts, cause).await
    }

    /// The same; `word` says what counts where the configuration contradicts what has happened.
    pub async fn reload_by(&self, word: Word, cause: &str) -> Reload {
        let (reply, answer) = oneshot::channel();
        let command = Command::Reload { cause: cause.to_owned(), word, reply: Some(reply) };
        if self.commands.send(command).await.is_err() {
            return Reload::Refused(vec![self.stopping()]);
        }
        answer.await.unwrap_or_else(|_| Reload::Refused(vec![self.stopping()]))
    }

    /// What the autoscaler of a pool does; `None`: there is no such pool, or it has none.
    #[must_use]
    pub fn autoscale(&self, pool: &PoolName) -> Option<Arc<AutoscaleStatus>> {
        lock(&self.shared.autoscale).get(pool).cloned()
    }

    /// What all autoscalers do, by pool.
    #[must_use]
    pub fn autoscalers(&self) -> Vec<Arc<AutoscaleStatus>> {
        lock(&self.shared.autoscale).values().cloned().collect()
    }

    /// Steers the autoscaler; `by` says who asked.
    ///
    /// # Errors
    /// [`OrderError`] when the order makes no sense; nothing has changed then.
    pub async fn steer(&self, order: Order, by: &str) -> Result<(), OrderError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Steer { order, by: by.to_owned(), reply };
        self.commands.send(command).await.map_err(|_| OrderError::Stopping)?;
        answer.await.unwrap_or(Err(OrderError::Stopping))
    }

    /// How a rollout goes; `None`: there is no such rollout.
    #[must_use]
    pub fn rollout(&self, name: &RolloutName) -> Option<Arc<RolloutStatus>> {
        lock(&self.shared.rollouts).get(name).cloned()
    }

    /// How all rollouts go, by name.
    #[must_use]
    pub fn rollouts(&self) -> Vec<Arc<RolloutStatus>> {
        lock(&self.shared.rollouts).values().cloned().collect()
    }

    /// Steers rollouts; `by` says who asked. Answers when it is kept.
    ///
    /// # Errors
    /// [`releases::OrderError`] when the order makes no sense; nothing has changed then.
    pub async fn release(
        &self,
        order: releases::Order,
        by: &str,
    ) -> Result<(), releases::OrderError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Release { order, by: by.to_owned(), reply };
        let stopping = releases::OrderError::Stopping;
        self.commands.send(command).await.map_err(|_| stopping.clone())?;
        answer.await.unwrap_or(Err(stopping))
    }

    /// What is in force for servers against their configuration, by pool and name.
    #[must_use]
    pub fn overrides(&self) -> Vec<Override> {
        lock(&self.shared.overrides).clone()
    }

    /// Asks something of servers; `by` says who does.
    ///
    /// # Errors
    /// [`overrides::OrderError`] when the order makes no sense or cannot be kept; nothing has
    /// changed then.
    pub async fn override_servers(
        &self,
        order: overrides::Order,
        by: &str,
    ) -> Result<(), overrides::OrderError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Override { order, by: by.to_owned(), reply };
        self.commands.send(command).await.map_err(|_| overrides::OrderError::Stopping)?;
        answer.await.unwrap_or(Err(overrides::OrderError::Stopping))
    }

    /// Says that the balancer is about to stop: it is not ready from now on, and goes on serving.
    pub fn begin_stop(&self) {
        if self.shared.set_readiness(Readiness::Stopping) != Readiness::Stopping as u8 {
            self.shared.events.emit(Report::node(Kind::Stopping, "stopping", "asked to"));
        }
    }

    /// Ends the loop, whose task then yields the data plane. Health stays as it is from then on.
    pub async fn stop(&self) {
        self.begin_stop();
        // A loop that has ended already needs no telling.
        let _ = self.commands.send(Command::Stop).await;
    }

    /// The balancer ends, and nothing is served any more: has its instances run on or stop, as
    /// their pools say.
    pub async fn close(&self) {
        let providers = std::mem::take(&mut *lock(&self.shared.providers));
        let close = |provider: Arc<AnyProvider>| {
            task::spawn("close a provider", async move { provider.close().await })
        };
        let closing: Vec<_> = providers.into_values().map(close).collect();
        for closed in closing {
            // A panic was counted and told.
            let _ = closed.await;
        }
    }

    fn stopping(&self) -> Diagnostic {
        self.shared.mistake("", "the balancer is stopping".to_owned())
    }
}
