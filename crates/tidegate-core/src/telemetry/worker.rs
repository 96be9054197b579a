//! The cells of one writer: a worker of the data plane, or the control plane.
//!
//! Refusals are counted in place. The cells of listeners, routes, pools, servers and versions are
//! made when first asked for: the worker asks once for each name it meets and keeps the answer
//! beside its snapshot. Asking takes a lock that only a scrape and a reload take as well, each for
//! as long as it reads this writer's cells of one kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cell::Counter;
use super::compression::CompressionCells;
use super::family::{Cells, Family, Totals};
use super::listener::ListenerCells;
use super::mirror::{MirrorCells, MirrorTotals};
use super::pool::{PoolCells, PoolTotals};
use super::refusal::Refusal;
use super::registry::{Configured, OTHER, Scrape};
use super::route::RouteCells;
use super::server::{ServerCells, ServerTotals};
use super::version::{VersionCells, VersionKey, VersionTotals};
use crate::model::ids::{ListenerName, PoolName, RolloutName, RouteName, ServerName};
use crate::model::rollout::Side;

/// The cells of one writer.
#[derive(Debug)]
pub struct WorkerCells {
    refused: [Counter; Refusal::ALL.len()],
    listeners: Mutex<Family<ListenerName, ListenerCells>>,
    routes: Mutex<Family<RouteName, RouteCells>>,
    pools: Mutex<Family<PoolName, PoolCells>>,
    servers: Mutex<Family<ServerKey, ServerCells>>,
    mirrors: Mutex<Family<RolloutName, MirrorCells>>,
    versions: Mutex<Family<VersionKey, VersionCells>>,
    /// Compression, of all routes together.
    pub compression: Arc<CompressionCells>,
}

/// What names a server among all pools.
pub type ServerKey = (PoolName, ServerName);

impl Default for WorkerCells {
    fn default() -> Self {
        Self {
            refused: std::array::from_fn(|_| Counter::default()),
            listeners: Mutex::default(),
            routes: Mutex::default(),
            pools: Mutex::default(),
            servers: Mutex::default(),
            mirrors: Mutex::default(),
            versions: Mutex::default(),
            compression: Arc::default(),
        }
    }
}

impl WorkerCells {
    /// The writer only: counts a refusal.
    pub fn refuse(&self, reason: Refusal) {
        self.refused[reason as usize].increment();
    }

    /// The cells of a listener.
    #[must_use]
    pub fn listener(&self, name: &ListenerName) -> Arc<ListenerCells> {
        lock(&self.listeners).cells(name)
    }

    /// The cells of a route.
    #[must_use]
    pub fn route(&self, name: &RouteName) -> Arc<RouteCells> {
        lock(&self.routes).cells(name)
    }

    /// The cells of a pool.
    #[must_use]
    pub fn pool(&self, name: &PoolName) -> Arc<PoolCells> {
        lock(&self.pools).cells(name)
    }

    /// The cells of a server.
    #[must_use]
    pub fn server(&self, pool: &PoolName, server: &ServerName) -> Arc<ServerCells> {
        lock(&self.servers).cells(&(pool.clone(), server.clone()))
    }

    /// The cells of a rollout's copies.
    #[must_use]
    pub fn mirror(&self, rollout: &RolloutName) -> Arc<MirrorCells> {
        lock(&self.mirrors).cells(rollout)
    }

    /// The cells of one version of a rollout.
    #[must_use]
    pub fn version(&self, rollout: &RolloutName, side: Side) -> Arc<VersionCells> {
        lock(&self.versions).cells(&(rollout.clone(), side))
    }

    /// Retires the cells of what is configured no more.
    pub(super) fn retain(&self, configured: &Configured) {
        lock(&self.listeners).retain(|name| configured.listeners.contains(name));
        lock(&self.routes).retain(|name| configured.routes.contains(name));
        lock(&self.pools).retain(|name| configured.pools.contains(name));
        lock(&self.servers).retain(|key| configured.servers.contains(key));
        lock(&self.mirrors).retain(|name| configured.rollouts.contains(name));
        lock(&self.versions).retain(|(rollout, _)| configured.rollouts.contains(rollout));
    }

    /// Adds what was counted of a pool.
    pub(super) fn add_pool(&self, name: &PoolName, total: &mut PoolTotals) {
        if let Some(totals) = lock(&self.pools).totals(name) {
            total.add(&totals);
        }
    }

    /// Adds what was counted of servers of a pool, in the order of the totals.
    pub(super) fn add_servers<'a>(
        &self,
        pool: &PoolName,
        totals: impl Iterator<Item = (&'a ServerName, &'a mut ServerTotals)>,
    ) {
        let servers = lock(&self.servers);
        for (server, total) in totals {
            if let Some(totals) = servers.totals(&(pool.clone(), server.clone())) {
                total.add(&totals);
            }
        }
    }

    /// Adds what was counted of a rollout's copies.
    pub(super) fn add_mirror(&self, rollout: &RolloutName, total: &mut MirrorTotals) {
        if let Some(totals) = lock(&self.mirrors).totals(rollout) {
            total.add(&totals);
        }
    }

    /// Adds what was counted of both versions of a rollout, in the order of [`Side::ALL`].
    pub(super) fn add_versions(&self, rollout: &RolloutName, totals: &mut [VersionTotals; 2]) {
        let versions = lock(&self.versions);
        for (side, total) in Side::ALL.into_iter().zip(totals) {
            if let Some(totals) = versions.totals(&(rollout.clone(), side)) {
                total.add(&totals);
            }
        }
    }

    /// Adds everything counted to a scrape.
    pub(super) fn add_to(&self, scrape: &mut Scrape) {
        for (total, cell) in scrape.refused.iter_mut().zip(&self.refused) {
            *total += cell.value();
        }
        self.compression.add_to(&mut scrape.compression);
        let server = (PoolName::new(OTHER), ServerName::new(OTHER));
        let version = (RolloutName::new(OTHER), Side::Stable);
        scrape.folds += add(&self.listeners, &mut scrape.listeners, &ListenerName::new(OTHER));
        scrape.folds += add(&self.routes, &mut scrape.routes, &RouteName::new(OTHER));
        scrape.folds += add(&self.pools, &mut scrape.pools, &PoolName::new(OTHER));
        scrape.folds += add(&self.servers, &mut scrape.servers, &server);
        scrape.folds += add(&self.versions, &mut scrape.versions, &version);
        scrape.folds += add(&self.mirrors, &mut scrape.mirrors, &RolloutName::new(OTHER));
    }
}

/// Adds the rows of one kind, and returns how often a name of that kind went to the row `other`.
fn add<K: Clone + Ord, C: Cells>(
    family: &Mutex<Family<K, C>>,
    rows: &mut BTreeMap<K, C::Totals>,
    other: &K,
) -> u64 {
    let mut family = lock(family);
    family.add_to(rows, other);
    family.folds()
}

/// A panic elsewhere leaves the numbers as they were: cells hold no invariant that it could have
/// broken.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
