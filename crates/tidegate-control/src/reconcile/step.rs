//! How far a new configuration has come, and who waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_core::model::server::ServerId;
use tidegate_core::snapshot::Snapshot;
use tidegate_core::telemetry::registry::Configured;
use tidegate_core::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

use crate::control::Reload;
use crate::health::keeper::Keeper;
use crate::observe::config_file::{Accepted, Refused};
use crate::observe::probe::crew;
use crate::release::facts::Word;
use crate::tls::refresh::Refreshed;

/// How far a new configuration has come.
pub(super) enum Step<T> {
    /// There is none.
    Idle,
    /// It is read and checked.
    Loading(JoinHandle<Result<Accepted, Refused>>, Vec<Request>),
    /// Its servers are probed.
    Probing(Box<Probing<T>>),
    /// There is none; files of the one that serves are read again.
    Renewing(JoinHandle<Refreshed>),
}

/// What was done elsewhere, or how it broke off.
pub(super) enum Done {
    Loaded(Result<Result<Accepted, Refused>, JoinError>),
    Renewed(Result<Refreshed, JoinError>),
}

/// A configuration that will serve.
pub(super) struct Probing<T> {
    pub(super) accepted: Accepted,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) prepared: T,
    /// Servers whose first probe has not decided.
    pub(super) awaited: BTreeSet<ServerId>,
    /// When to wait no more.
    pub(super) deadline: Instant,
    pub(super) asked: Asked,
}

/// Who waits for it.
pub(super) enum Asked {
    ToStart(oneshot::Sender<()>),
    ToReload(Vec<Request>),
}

impl Asked {
    /// Whether nothing serves yet.
    pub(super) const fn is_start(&self) -> bool {
        matches!(self, Self::ToStart(_))
    }
}

/// A reload that somebody asked for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) cause: String,
    pub(super) word: Word,
    pub(super) reply: Option<oneshot::Sender<Reload>>,
}

impl<T> Step<T> {
    /// What came of reading, if that is the step.
    pub(super) async fn done(&mut self) -> Done {
        match self {
            Self::Loading(loading, _) => Done::Loaded(loading.await),
            Self::Renewing(renewing) => Done::Renewed(renewing.await),
            Self::Idle | Self::Probing(_) => std::future::pending().await,
        }
    }

    /// A server had a result: it may have been the one that was awaited.
    pub(super) fn decided(&mut self, server: ServerId, keeper: &Keeper) {
        if let Self::Probing(probing) = self
            && !keeper.is_starting(server)
        {
            probing.awaited.remove(&server);
        }
    }
}

/// How long first probes may take: the longest timeout, as often as the crew must go out, and a
/// moment for the last of them to report.
pub(super) fn patience(snapshot: &Snapshot, servers: usize) -> Duration {
    let timeouts = snapshot.pools.iter().filter_map(|entry| entry.pool.health.as_ref());
    let longest = timeouts.map(|check| check.timeout).max().unwrap_or_default();
    let rounds = u32::try_from(servers.div_ceil(crew::AT_ONCE)).unwrap_or(u32::MAX);
    longest.saturating_mul(rounds).saturating_add(Duration::from_millis(100))
}

pub(super) fn configured(snapshot: &Snapshot) -> Configured {
    let config = &snapshot.config;
    let servers = snapshot.pools.iter().flat_map(|entry| {
        let name = &entry.pool.name;
        entry.members.iter().map(|member| (name.clone(), member.server.name.clone()))
    });
    Configured {
        listeners: config.listeners.iter().map(|listener| listener.name.clone()).collect(),
        routes: config.routes.iter().map(|route| route.name.clone()).collect(),
        pools: config.pools.iter().map(|pool| pool.name.clone()).collect(),
        servers: servers.collect(),
        rollouts: config.rollouts.iter().map(|rollout| rollout.name.clone()).collect(),
    }
}

pub(super) fn causes(requests: &[Request]) -> String {
    let causes: Vec<&str> = requests.iter().map(|request| request.cause.as_str()).collect();
    causes.join(", ")
}

pub(super) fn answer(requests: Vec<Request>, outcome: &Reload) {
    for reply in requests.into_iter().filter_map(|request| request.reply) {
        // Whoever asked may have gone meanwhile.
        let _ = reply.send(outcome.clone());
    }
}
