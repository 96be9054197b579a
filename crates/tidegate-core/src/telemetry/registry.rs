//! All cells of the process: who writes them, and what they add up to.
//!
//! Each worker of the data plane, and the control plane, asks for its [`WorkerCells`] once and writes into them
//! alone. A scrape adds up the cells of all writers by name; it sees each cell at some moment during the scrape,
//! and two cells perhaps at different moments. Writers are kept until the process ends, since what they counted
//! still counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::listener::ListenerTotals;
use super::pool::PoolTotals;
use super::refusal::Refusal;
use super::route::RouteTotals;
use super::server::ServerTotals;
use super::worker::{ServerKey, WorkerCells};
use crate::model::ids::{ListenerName, PoolName, RouteName};

/// The row under which everything is counted that has no row of its own; a name that is this word shares it.
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
}

/// Everything counted since the start, by name, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrape {
    /// By listener.
    pub listeners: BTreeMap<ListenerName, ListenerTotals>,
    /// By route.
    pub routes: BTreeMap<RouteName, RouteTotals>,
    /// By pool.
    pub pools: BTreeMap<PoolName, PoolTotals>,
    /// By pool and server.
    pub servers: BTreeMap<ServerKey, ServerTotals>,
    /// How often a name was counted under [`OTHER`], for want of a configuration or of room.
    pub folds: u64,
    pub(super) refused: [u64; Refusal::ALL.len()],
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
