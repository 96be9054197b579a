//! One core's view of a snapshot: the snapshot, and what the core adds to each pool and route for
//! itself.

use std::cell::{OnceCell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;

use tidegate_core::admit::retry_budget::RetryBudget;
use tidegate_core::balance::balancer::Balancer;
use tidegate_core::model::ids::{PoolIndex, RouteIndex, ServerIndex};
use tidegate_core::rng::Rng;
use tidegate_core::snapshot::{PoolEntry, Snapshot};
use tidegate_core::telemetry::pool::PoolCells;
use tidegate_core::telemetry::route::RouteCells;
use tidegate_core::telemetry::server::ServerCells;
use tidegate_core::telemetry::worker::WorkerCells;
use tidegate_core::time::Instant;
use tidegate_net::seal::Purpose;

use crate::exchange::session;

/// A snapshot as one core sees it. Exchanges hold the view that they began with.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) snapshot: Arc<Snapshot>,
    cells: Arc<WorkerCells>,
    pools: Vec<Rc<PoolView>>,
    /// Cells of the routes that saw a request.
    routes: Vec<OnceCell<Arc<RouteCells>>>,
}

/// A pool as one core sees it.
#[derive(Debug)]
pub(crate) struct PoolView {
    pub(crate) entry: Arc<PoolEntry>,
    pub(crate) balancer: RefCell<Balancer>,
    pub(crate) budget: RefCell<RetryBudget>,
    pub(crate) cells: Arc<PoolCells>,
    /// What its session cookies are sealed for.
    pub(crate) purpose: Purpose,
    worker: Arc<WorkerCells>,
    servers: Vec<OnceCell<Arc<ServerCells>>>,
}

/// What a view is made with beside the snapshot.
pub(crate) struct Ground<'a> {
    pub(crate) cells: &'a Arc<WorkerCells>,
    pub(crate) cores: NonZeroUsize,
    pub(crate) now: Instant,
}

impl View {
    /// Makes the view of a snapshot. Pools that did not change are taken over from the view before.
    pub(crate) fn new(
        snapshot: Arc<Snapshot>,
        previous: Option<&Self>,
        ground: &Ground<'_>,
        rng: &mut Rng,
    ) -> Self {
        let pools = snapshot.pools.iter().map(|entry| {
            let same = previous
                .and_then(|view| view.pools.iter().find(|pool| Arc::ptr_eq(&pool.entry, entry)));
            same.map_or_else(
                || Rc::new(PoolView::new(Arc::clone(entry), ground, rng.draw())),
                Rc::clone,
            )
        });
        Self {
            pools: pools.collect(),
            routes: snapshot.config.routes.iter().map(|_| OnceCell::new()).collect(),
            cells: Arc::clone(ground.cells),
            snapshot,
        }
    }

    /// A pool.
    pub(crate) fn pool(&self, pool: PoolIndex) -> &Rc<PoolView> {
        &self.pools[pool.position()]
    }

    /// The cells of a route.
    pub(crate) fn route_cells(&self, route: RouteIndex) -> &RouteCells {
        self.routes[route.position()]
            .get_or_init(|| self.cells.route(&self.snapshot.route(route).name))
    }
}

impl PoolView {
    fn new(entry: Arc<PoolEntry>, ground: &Ground<'_>, seed: u64) -> Self {
        let budget = RetryBudget::new(&entry.pool.retry_budget, ground.cores, ground.now);
        Self {
            balancer: RefCell::new(Balancer::new(Arc::clone(&entry.plan), seed)),
            budget: RefCell::new(budget),
            cells: ground.cells.pool(&entry.pool.name),
            purpose: session::purpose(entry.pool.name.as_str()),
            worker: Arc::clone(ground.cells),
            servers: entry.members.iter().map(|_| OnceCell::new()).collect(),
            entry,
        }
    }

    /// The cells of a server.
    pub(crate) fn server_cells(&self, server: ServerIndex) -> &ServerCells {
        self.servers[server.position()].get_or_init(|| {
            let member = &self.entry.members[server.position()];
            self.worker.server(&self.entry.pool.name, &member.server.name)
        })
    }
}
