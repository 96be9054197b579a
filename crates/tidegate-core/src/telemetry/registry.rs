//! All cells of the process: who writes them, and what they add up to.
//!
//! Each worker of the data plane, and the control plane, asks for its [`WorkerCells`] once and
//! writes into them alone. A scrape adds up the cells of all writers by name; it sees each cell at
//! some moment during the scrape, and two cells perhaps at different moments. Writers are kept
//! until the process ends, since what they counted still counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::compression::CompressionTotals;
use super::listener::ListenerTotals;
use super::mirror::MirrorTotals;
use super::pool::PoolTotals;
use super::refusal::Refusal;
use super::route::RouteTotals;
use super::server::ServerTotals;
use super::version::{VersionKey, VersionTotals};
use super::worker::{ServerKey, WorkerCells};
use crate::model::ids::{ListenerName, PoolName, RolloutName, RouteName, ServerName};

/// The row under which everything is counted that has no row of its own; a name that is this word
/// shares it.
pub const OTHER: &str = "other";

/// All writers. Share it in an `Arc`.
#[derive(Debug, Default)]
pub struct Registry {
    workers: Mutex<Vec<Arc<WorkerCells>>>,
}

/// The names that have rows of their own.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    /// Listeners.
    pub listeners: BTreeSet<ListenerName>,
    /// Routes.
    pub routes: BTreeSet<RouteName>,
    /// Pools.
    pub pools: BTreeSet<PoolName>,
    /// Servers, by pool.
    pub servers: BTreeSet<ServerKey>,
    /// Rollouts, each with two versions.
    pub rollouts: BTreeSet<RolloutName>,
}

/// Everything counted since the start, by name, in the order of the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrape {
    /// By listener.
    pub listeners: BTreeMap<ListenerName, ListenerTotals>,
    /// By route.
    pub routes: BTreeMap<RouteName, RouteTotals>,
    /// By pool.
    pub pools: BTreeMap<PoolName, PoolTotals>,
    /// By pool and server.
    pub servers: BTreeMap<ServerKey, ServerTotals>,
    /// Copies of requests, by rollout.
    pub mirrors: BTreeMap<RolloutName, MirrorTotals>,
    /// By rollout and side.
    pub versions: BTreeMap<VersionKey, VersionTotals>,
    /// Compression, of all routes together.
    pub compression: CompressionTotals,
    /// How often a name was counted under [`OTHER`], for want of a configuration or of room.
    pub folds: u64,
    pub(super) refused: [u64; Refusal::ALL.len()],
}

impl Default for Scrape {
    fn default() -> Self {
        Self {
            listeners: BTreeMap::new(),
            routes: BTreeMap::new(),
            pools: BTreeMap::new(),
            servers: BTreeMap::new(),
            mirrors: BTreeMap::new(),
            versions: BTreeMap::new(),
            compression: CompressionTotals::default(),
            folds: 0,
            refused: [0; Refusal::ALL.len()],
        }
    }
}

impl Registry {
    /// Cells for one more writer. Writers are few and stay: threads, not connections.
    #[must_use]
    pub fn worker(&self) -> Arc<WorkerCells> {
        let cells = Arc::new(WorkerCells::default());
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&cells));
        cells
    }

    /// After a reload: what is configured no more gives up its row.
    pub fn retain(&self, configured: &Configured) {
        self.writers().iter().for_each(|worker| worker.retain(configured));
    }

    /// What was counted of a pool, without a scrape of everything else.
    #[must_use]
    pub fn pool(&self, name: &PoolName) -> PoolTotals {
        let mut total = PoolTotals::default();
        self.writers().iter().for_each(|worker| worker.add_pool(name, &mut total));
        total
    }

    /// What was counted of servers of a pool, in their order.
    #[must_use]
    pub fn servers(&self, pool: &PoolName, servers: &[&ServerName]) -> Vec<ServerTotals> {
        let mut totals = vec![ServerTotals::default(); servers.len()];
        for worker in self.writers() {
            worker.add_servers(pool, servers.iter().copied().zip(&mut totals));
        }
        totals
    }

    /// What was counted of both versions of a rollout, in the order of [`Side::ALL`].
    ///
    /// [`Side::ALL`]: crate::model::rollout::Side::ALL
    #[must_use]
    pub fn versions(&self, rollout: &RolloutName) -> [VersionTotals; 2] {
        let mut totals = [VersionTotals::default(); 2];
        self.writers().iter().for_each(|worker| worker.add_versions(rollout, &mut totals));
        totals
    }

    /// What was counted of a rollout's copies.
    #[must_use]
    pub fn mirror(&self, rollout: &RolloutName) -> MirrorTotals {
        let mut total = MirrorTotals::default();
        self.writers().iter().for_each(|worker| worker.add_mirror(rollout, &mut total));
        total
    }

    /// Adds everything up.
    #[must_use]
    pub fn scrape(&self) -> Scrape {
        let mut scrape = Scrape::default();
        self.writers().iter().for_each(|worker| worker.add_to(&mut scrape));
        scrape
    }

    fn writers(&self) -> Vec<Arc<WorkerCells>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Scrape {
    /// Refusals by reason, in the order of [`Refusal::ALL`].
    pub fn refused(&self) -> impl Iterator<Item = (Refusal, u64)> {
        Refusal::ALL.into_iter().zip(self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::Outcome;
    use super::*;
    use crate::model::compression::Coding;
    use crate::model::rollout::Side;
    use crate::time::Duration;

    fn pool(text: &str) -> PoolName {
        PoolName::new(text)
    }

    #[test]
    fn what_workers_count_adds_up_by_name() {
        let registry = Registry::default();
        let workers = [registry.worker(), registry.worker()];
        for (worker, count) in workers.iter().zip([1, 10]) {
            let server = worker.server(&pool("shop"), &ServerName::new("a"));
            server.requests.add(count);
            worker.listener(&ListenerName::new("web")).active.add(count);
            worker.refuse(Refusal::NoRoute);
            worker.compression.of(Coding::Br).bytes_in.add(count);
            (0..count).for_each(|_| worker.pool(&pool("shop")).record(Outcome::Success));
        }
        let names = [&ServerName::new("b"), &ServerName::new("a")];
        let servers = registry.servers(&pool("shop"), &names);
        assert_eq!(servers.iter().map(|row| row.requests).collect::<Vec<_>>(), [0, 11]);
        assert_eq!(registry.pool(&pool("shop")).requests().next(), Some((Outcome::Success, 11)));
        let scrape = registry.scrape();
        assert_eq!(scrape.servers[&(pool("shop"), ServerName::new("a"))].requests, 11);
        assert_eq!(scrape.listeners[&ListenerName::new("web")].active, 11);
        assert_eq!(scrape.pools[&pool("shop")].requests().next(), Some((Outcome::Success, 11)));
        assert_eq!(scrape.refused().find(|(_, count)| *count > 0), Some((Refusal::NoRoute, 2)));
        let coded: Vec<_> = scrape.compression.codings().map(|(_, row)| row.bytes_in).collect();
        assert_eq!(coded, [0, 11, 0]);
        assert_eq!(scrape.folds, 0);
    }

    #[test]
    fn counts_survive_a_reload_and_names_that_left_are_folded() {
        let registry = Registry::default();
        let worker = registry.worker();
        worker.pool(&pool("stays")).retries.add(1);
        worker.pool(&pool("leaves")).retries.add(2);
        registry.retain(&Configured { pools: [pool("stays")].into(), ..Configured::default() });
        let scrape = registry.scrape();
        let rows: Vec<_> =
            scrape.pools.iter().map(|(name, row)| (name.as_str(), row.retries)).collect();
        assert_eq!(rows, [(OTHER, 2), ("stays", 1)]);
        assert_eq!(scrape.folds, 1);
    }

    #[test]
    fn versions_add_up_by_side_until_their_rollout_is_gone() {
        let (registry, name) = (Registry::default(), RolloutName::new("shop-v2"));
        for (worker, count) in [registry.worker(), registry.worker()].iter().zip([1, 10]) {
            let cells = worker.version(&name, Side::Candidate);
            cells.requests.add(count);
            cells.errors.increment();
            cells.observe(Duration::from_millis(count));
            worker.mirror(&name).copies.add(count);
        }
        let [stable, candidate] = registry.versions(&name);
        assert_eq!(stable, VersionTotals::default());
        assert_eq!((candidate.requests, candidate.errors, candidate.latency.count()), (11, 2, 2));
        assert_eq!((candidate.duration.count(), registry.mirror(&name).copies), (2, 11));
        assert_eq!(registry.scrape().versions[&(name.clone(), Side::Candidate)], candidate);
        registry.retain(&Configured { rollouts: [name.clone()].into(), ..Configured::default() });
        assert_eq!(registry.versions(&name), [stable, candidate]);
        registry.retain(&Configured::default());
        assert_eq!(registry.versions(&name), [stable, stable]);
        assert_eq!(registry.scrape().folds, 4, "one row of each kind in each worker");
    }

    #[test]
    fn nothing_counted_is_nothing_scraped() {
        let registry = Registry::default();
        let _idle = registry.worker();
        assert_eq!(registry.scrape(), Scrape::default());
    }
}
