//! The snapshot: a checked configuration, compiled, with the live state of its servers; immutable.
//!
//! The control plane makes one for each configuration that it accepts and publishes it whole; the
//! data plane serves requests from the newest one. What outlives a configuration, the state of a
//! server or a pool, is carried from the snapshot before by name: a server that keeps its pool,
//! name and address keeps its health, its load and its connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::balance::plan::Plan;
use crate::model::ids::{ListenerIndex, ListenerName, PoolIndex, PoolName, RouteIndex};
use crate::model::listener::Listener;
use crate::model::node::Config;
use crate::model::pool::{InitialHealth, Pool};
use crate::model::route::Route;
use crate::model::server::{
    Availability, Member, PoolState, Rotation, Server, ServerId, ServerState,
};
use crate::route::table::RouteTable;
use crate::session::id::IdSecret;
use crate::session::pool::{Before, PoolSessions};
use crate::session::tag::Tags;
use crate::time::Instant;

/// The instances that are members of pools, beside the servers that are listed.
pub type Instances = BTreeMap<PoolName, Vec<Server>>;

/// A compiled configuration.
#[derive(Debug)]
pub struct Snapshot {
    /// Grows by one with each snapshot.
    pub generation: u64,
    /// Grows by one with each configuration.
    pub revision: u64,
    /// The configuration it was compiled from.
    pub config: Arc<Config>,
    /// Finds the route of a request.
    pub table: Arc<RouteTable>,
    /// Pools, in the order of the configuration.
    pub pools: Vec<Arc<PoolEntry>>,
    /// The pool that each route leads to.
    route_pools: Vec<Option<PoolIndex>>,
}

/// A pool and its live parts.
#[derive(Debug)]
pub struct PoolEntry {
    /// What the configuration says; its servers are those listed, and then the instances.
    pub pool: Pool,
    /// Its members, in the same order.
    pub members: Vec<Member>,
    /// How many of them are listed; those behind are instances.
    pub listed: usize,
    /// What tells that a member changed.
    pub state: Arc<PoolState>,
    /// How a server is picked.
    pub plan: Arc<Plan>,
    /// Who keeps which server; `None`: nobody does.
    pub sessions: Option<PoolSessions>,
    /// What sessions call its servers.
    pub tags: Tags,
}

impl Snapshot {
    /// Compiles a configuration on top of the snapshot before it.
    ///
    /// A server that is new to a pool that was running before joins it at `now`, which begins its
    /// slow start. A server without active checks counts as healthy. An instance that is new is not
    /// in rotation. `ids` gives new servers their identities.
    ///
    /// # Panics
    /// Never for a checked configuration, whose routes lead to pools that exist.
    #[must_use]
    pub fn build(
        config: Arc<Config>,
        instances: &Instances,
        previous: Option<&Self>,
        ids: &mut ServerIds,
        now: Instant,
    ) -> Self {
        let mut ground = Ground { instances, previous, ids, now };
        let pools: Vec<Arc<PoolEntry>> =
            config.pools.iter().map(|pool| ground.pool_entry(pool)).collect();
        let places: BTreeMap<&PoolName, PoolIndex> =
            pools.iter().enumerate().map(|(i, p)| (&p.pool.name, PoolIndex::new(i))).collect();
        let place = |route: &Route| {
            let exists =
                |pool| *places.get(pool).expect("check lets no route to a missing pool pass");
            route.pool().map(exists)
        };
        let is_same = |previous: &Self| Arc::ptr_eq(&previous.config, &config);
        Self {
            generation: previous.map_or(1, |previous| previous.generation + 1),
            revision: previous.map_or(1, |before| before.revision + u64::from(!is_same(before))),
            table: table(&config, previous),
            route_pools: config.routes.iter().map(place).collect(),
            pools,
            config,
        }
    }

    /// The place of a listener.
    #[must_use]
    pub fn listener_index(&self, name: &ListenerName) -> Option<ListenerIndex> {
        let listeners = &self.config.listeners;
        listeners.iter().position(|listener| listener.name == *name).map(ListenerIndex::new)
    }

    /// A listener.
    #[must_use]
    pub fn listener(&self, index: ListenerIndex) -> &Listener {
        &self.config.listeners[index.position()]
    }

    /// A route.
    #[must_use]
    pub fn route(&self, index: RouteIndex) -> &Route {
        &self.config.routes[index.position()]
    }

    /// The pool that a route leads to; `None`: it is answered here.
    #[must_use]
    pub fn pool_of(&self, route: RouteIndex) -> Option<PoolIndex> {
        self.route_pools[route.position()]
    }

    /// A pool by name.
    #[must_use]
    pub fn pool(&self, name: &PoolName) -> Option<&Arc<PoolEntry>> {
        self.pools.iter().find(|entry| entry.pool.name == *name)
    }
}

impl PoolEntry {
    /// Control only: counts the sessions of each member, or says that there are none to count.
    pub fn count_sessions(&self, now: Instant) {
        match &self.sessions {
            Some(sessions) => sessions.count(&self.members, &self.tags, now),
            None => self.members.iter().for_each(|member| member.state.set_sessions(None)),
        }
    }

    /// The member with this identity.
    #[must_use]
    pub fn member(&self, id: ServerId) -> Option<&Member> {
        self.members.iter().find(|member| member.state.id() == id)
    }
}

/// Gives out server identities, and the secret by which sessions are told apart; one for the life
/// of the process.
#[derive(Debug, Default)]
pub struct ServerIds {
    last: u64,
    secret: IdSecret,
}

impl ServerIds {
    /// Identities from the first on. The secret is to be drawn where clients name their sessions.
    #[must_use]
    pub const fn new(secret: IdSecret) -> Self {
        Self { last: 0, secret }
    }

    const fn next(&mut self) -> ServerId {
        self.last += 1;
        ServerId(self.last)
    }
}

/// The routes; those of the snapshot before, if it has the same configuration.
fn table(config: &Arc<Config>, previous: Option<&Snapshot>) -> Arc<RouteTable> {
    if let Some(previous) = previous.filter(|previous| Arc::ptr_eq(&previous.config, config)) {
        return Arc::clone(&previous.table);
    }
    let names: Vec<ListenerName> = config.listeners.iter().map(|l| l.name.clone()).collect();
    Arc::new(RouteTable::build(&names, &config.routes))
}

/// What pools are compiled with.
struct Ground<'a> {
    instances: &'a Instances,
    previous: Option<&'a Snapshot>,
    ids: &'a mut ServerIds,
    now: Instant,
}

impl Ground<'_> {
    fn pool_entry(&mut self, pool: &Pool) -> Arc<PoolEntry> {
        let mut pool = pool.clone();
        let listed = pool.servers.len();
        pool.servers.extend(self.instances.get(&pool.name).into_iter().flatten().cloned());
        let before = self.previous.and_then(|snapshot| snapshot.pool(&pool.name));
        if let Some(before) = before.filter(|before| before.pool == pool) {
            return Arc::clone(before);
        }
        let servers = pool.servers.iter().enumerate();
        let members = servers.map(|(place, server)| {
            let origin = if place < listed { Origin::Listed } else { Origin::Launched };
            self.member(server, origin, &pool, before)
        });
        let members: Vec<Member> = members.collect();
        let entry = PoolEntry {
            sessions: self.sessions(&pool, &members, before),
            members,
            listed,
            state: before.map_or_else(Arc::default, |before| Arc::clone(&before.state)),
            plan: Arc::new(Plan::build(&pool)),
            tags: Tags::new(&pool.name, &pool.servers),
            pool,
        };
        entry.count_sessions(self.now);
        entry.state.advance();
        Arc::new(entry)
    }

    fn sessions(
        &self,
        pool: &Pool,
        members: &[Member],
        before: Option<&Arc<PoolEntry>>,
    ) -> Option<PoolSessions> {
        let before = before.and_then(|before| {
            let (session, sessions) = (before.pool.session.as_deref()?, before.sessions.as_ref()?);
            Some(Before { session, sessions, members: &before.members })
        });
        let session = pool.session.as_deref()?;
        Some(PoolSessions::new(session, members, before, self.ids.secret, self.now))
    }

    fn member(
        &mut self,
        server: &Server,
        origin: Origin,
        pool: &Pool,
        before: Option<&Arc<PoolEntry>>,
    ) -> Member {
        let known = before.and_then(|before| {
            before.members.iter().find(|member| {
                member.server.name == server.name && member.server.address == server.address
            })
        });
        let state = known.map_or_else(
            || {
                let initial = origin.initial(pool);
                let state = ServerState::new(self.ids.next(), initial, server.weight);
                state.set_rotation(origin.rotation());
                Arc::new(state)
            },
            |member| Arc::clone(&member.state),
        );
        state.set_weight(server.weight);
        if known.is_none() && before.is_some() {
            state.set_joined(self.now);
        }
        Member { server: server.clone(), state }
    }
}

/// Where a member comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The configuration.
    Listed,
    /// A provider.
    Launched,
}

impl Origin {
    /// What a member counts as that nobody has met: an instance is not up before it has answered.
    fn initial(self, pool: &Pool) -> Availability {
        match (self, pool.health.as_ref().map(|check| check.initial)) {
            (Self::Launched, _) => Availability::Starting,
            (_, None | Some(InitialHealth::Healthy)) => Availability::Healthy,
            (_, Some(InitialHealth::FirstProbe | InitialHealth::FirstSuccess)) => {
                Availability::Starting
            }
            (_, Some(InitialHealth::Unhealthy)) => Availability::Unhealthy,
        }
    }

    const fn rotation(self) -> Rotation {
        match self {
            Self::Listed => Rotation::In,
            Self::Launched => Rotation::Warm,
        }
    }
}
