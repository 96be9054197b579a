//! The snapshot: a checked configuration, compiled, with the live state of its servers; immutable.
//!
//! The control plane makes one for each configuration that it accepts and publishes it whole; the
//! data plane serves requests from the newest one. What outlives a configuration, the state of a
//! server or a pool, is carried from the snapshot before by name: a server that keeps its pool,
//! name and address keeps its health, its load and its connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::balance::plan::Plan;
use crate::model::ids::{
    ListenerIndex, ListenerName, PoolIndex, PoolName, ReleaseIndex, RouteIndex,
};
use crate::model::listener::Listener;
use crate::model::node::Config;
use crate::model::pool::{InitialHealth, Pool};
use crate::model::rollout::{Rollout, Side};
use crate::model::route::Route;
use crate::model::server::{
    Availability, Member, PoolState, Rotation, Server, ServerId, ServerState,
};
use crate::release::division::Division;
use crate::release::treatment::Treatment;
use crate::route::table::RouteTable;
use crate::session::id::IdSecret;
use crate::session::pool::{Before, PoolSessions};
use crate::session::tag::Tags;
use crate::time::Instant;

/// The instances that are members of pools, beside the servers that are listed.
pub type Instances = BTreeMap<PoolName, Vec<Server>>;

/// What changes while the configuration stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Who is a member beside those listed.
    pub instances: Instances,
    /// What is divided between two versions.
    pub divisions: Vec<Division>,
}

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
    /// What is divided between two versions.
    pub releases: Vec<Release>,
    /// Where each route leads.
    ways: Vec<Way>,
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    /// The pool; `None`: it is answered here.
    pool: Option<PoolIndex>,
    /// Which of `releases` its pool is divided by.
    release: Option<ReleaseIndex>,
}

/// A rollout that divides the users of a pool.
#[derive(Debug)]
pub struct Release {
    /// What the configuration says.
    pub rollout: Rollout,
    /// How users are divided.
    pub division: Division,
    /// Which version audiences meet.
    pub treatment: Treatment,
    /// The pool that requests were for.
    pub stable: PoolIndex,
    /// The pool that takes those of the candidate's users.
    pub candidate: PoolIndex,
}

impl Release {
    /// The pool of one side.
    #[must_use]
    pub const fn pool(&self, side: Side) -> PoolIndex {
        match side {
            Side::Stable => self.stable,
            Side::Candidate => self.candidate,
        }
    }
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
    /// in rotation. A division of a rollout that is not configured divides nothing. `ids` gives new
    /// servers their identities.
    ///
    /// # Panics
    /// Never for a checked configuration, whose routes lead to pools that exist.
    #[must_use]
    pub fn build(
        config: Arc<Config>,
        circumstances: &Circumstances,
        previous: Option<&Self>,
        ids: &mut ServerIds,
        now: Instant,
    ) -> Self {
        let mut ground = Ground { instances: &circumstances.instances, previous, ids, now };
        let pools: Vec<Arc<PoolEntry>> =
            config.pools.iter().map(|pool| ground.pool_entry(pool)).collect();
        let places: Places<'_> =
            pools.iter().enumerate().map(|(i, p)| (&p.pool.name, PoolIndex::new(i))).collect();
        let releases: Vec<Release> = circumstances
            .divisions
            .iter()
            .filter_map(|division| release(&config, &places, division))
            .collect();
        let way = |route: &Route| Way::of(route, &places, &releases);
        let is_same = |previous: &Self| Arc::ptr_eq(&previous.config, &config);
        Self {
            generation: previous.map_or(1, |previous| previous.generation + 1),
            revision: previous.map_or(1, |before| before.revision + u64::from(!is_same(before))),
            table: table(&config, previous),
            ways: config.routes.iter().map(way).collect(),
            releases,
            pools,
            config,
        }
    }

    /// How users are divided.
    pub fn divisions(&self) -> impl Iterator<Item = &Division> {
        self.releases.iter().map(|release| &release.division)
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
        self.ways[route.position()].pool
    }

    /// What the pool of a route is divided by, if it is divided for that route.
    #[must_use]
    pub fn release_of(&self, route: RouteIndex) -> Option<ReleaseIndex> {
        self.ways[route.position()].release
    }

    /// A rollout that divides users.
    #[must_use]
    pub fn release(&self, index: ReleaseIndex) -> &Release {
        &self.releases[index.position()]
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

/// Pools by name.
type Places<'a> = BTreeMap<&'a PoolName, PoolIndex>;

fn release(config: &Config, places: &Places<'_>, division: &Division) -> Option<Release> {
    let rollout = config.rollouts.iter().find(|rollout| rollout.name == division.rollout)?;
    Some(Release {
        treatment: Treatment::of(rollout, &config.audiences),
        rollout: rollout.clone(),
        division: division.clone(),
        stable: *places.get(&division.pool)?,
        candidate: *places.get(&division.candidate)?,
    })
}

impl Way {
    fn of(route: &Route, places: &Places<'_>, releases: &[Release]) -> Self {
        let Some(name) = route.pool() else { return Self::default() };
        let pool = *places.get(name).expect("check lets no route to a missing pool pass");
        let divides =
            |release: &Release| release.stable == pool && release.rollout.takes_in(&route.name);
        let release = releases.iter().position(divides).map(ReleaseIndex::new);
        Self { pool: Some(pool), release }
    }
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
