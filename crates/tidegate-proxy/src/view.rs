//! One core's view of a snapshot: the snapshot, and what the core adds to each pool and route for
//! itself.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;

use tidegate_core::admit::retry_budget::RetryBudget;
use tidegate_core::balance::balancer::Balancer;
use tidegate_core::model::audience::Audience;
use tidegate_core::model::ids::{PoolIndex, ReleaseIndex, RouteIndex, ServerIndex};
use tidegate_core::model::rollout::Side;
use tidegate_core::release::pass::Pass;
use tidegate_core::rng::Rng;
use tidegate_core::snapshot::{PoolEntry, Snapshot};
use tidegate_core::telemetry::mirror::MirrorCells;
use tidegate_core::telemetry::pool::PoolCells;
use tidegate_core::telemetry::route::RouteCells;
use tidegate_core::telemetry::server::ServerCells;
use tidegate_core::telemetry::version::VersionCells;
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
    /// Cells of the rollouts that divide users.
    releases: Vec<ReleaseView>,
    /// What passes for audiences are sealed for, by the name of the cookie.
    passes: BTreeMap<String, Purpose>,
}

/// A rollout that divides users as one core sees it.
#[derive(Debug, Default)]
struct ReleaseView {
    versions: [OnceCell<Arc<VersionCells>>; Side::ALL.len()],
    mirror: OnceCell<Arc<MirrorCells>>,
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
            releases: snapshot.releases.iter().map(|_| ReleaseView::default()).collect(),
            passes: passes(&snapshot.config.audiences),
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

    /// The cells of one version of a rollout.
    pub(crate) fn version_cells(&self, release: ReleaseIndex, side: Side) -> &VersionCells {
        let name = || &self.snapshot.release(release).rollout.name;
        self.releases[release.position()].versions[side as usize]
            .get_or_init(|| self.cells.version(name(), side))
    }

    /// What a pass is sealed for that stands in a cookie of this name.
    pub(crate) fn pass_purpose(&self, cookie: &str) -> Option<&Purpose> {
        self.passes.get(cookie)
    }

    /// The cells of a rollout's copies.
    pub(crate) fn mirror_cells(&self, release: ReleaseIndex) -> &MirrorCells {
        let name = || &self.snapshot.release(release).rollout.name;
        self.releases[release.position()].mirror.get_or_init(|| self.cells.mirror(name()))
    }
}

fn passes(audiences: &[Audience]) -> BTreeMap<String, Purpose> {
    let cookies =
        audiences.iter().flat_map(|one| &one.any).filter_map(|one| one.signed_cookie.clone());
    cookies.map(|cookie| (cookie.clone(), Purpose::of(Pass::KIND, &cookie))).collect()
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
