//! The instances of one pool as its members: which of them the next snapshot is made of, and which
//! are in rotation.
//!
//! A fleet decides who joins, enters, drains and leaves. Who is there at all needs a snapshot; a
//! change of rotation needs none and is written into the state that both planes share. The other
//! way round a fleet has to hear how its members fare: what is known of each is remembered, so that
//! it hears what is new. How many there should be is not decided here.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tidegate_core::model::ids::ServerName;
use tidegate_core::model::pool::Pool;
use tidegate_core::model::ratio::Weight;
use tidegate_core::model::server::{Availability, Member, Rotation, Server, ServerState};
use tidegate_core::model::session::OnScaleIn;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::input::Input;
use tidegate_core::scale::fleet::output::Entry;
use tidegate_core::snapshot::PoolEntry;
use tidegate_core::time::Instant;

/// The instances of one pool as its members.
#[derive(Debug)]
pub(super) struct Members {
    instances: BTreeMap<InstanceId, Membership>,
    /// What becomes of an instance that goes: it keeps its sessions, or they move.
    drained: Rotation,
    /// Whether some came or went since that was asked last.
    changed: bool,
}

/// An instance as a member of its pool.
#[derive(Debug)]
struct Membership {
    server: Server,
    rotation: Rotation,
    /// Whether it grows to its weight when it enters.
    entry: Entry,
    /// What the fleet knows of it.
    told: Option<Told>,
}

/// What a fleet knows of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    availability: Availability,
    in_flight: u32,
    sessions: u32,
}

impl Members {
    /// None yet, of this pool.
    pub(super) const fn of(pool: &Pool) -> Self {
        Self { instances: BTreeMap::new(), drained: drained(pool), changed: false }
    }

    /// Follows a reload: those that go from now on go as `pool` says.
    pub(super) const fn update(&mut self, pool: &Pool) {
        self.drained = drained(pool);
    }

    /// The instances that are members.
    pub(super) fn servers(&self) -> impl Iterator<Item = Server> {
        self.instances.values().map(|member| member.server.clone())
    }

    /// Where a member listens.
    pub(super) fn address(&self, id: &InstanceId) -> Option<SocketAddr> {
        self.instances.get(id).map(|member| member.server.address)
    }

    /// Whether it is a member in rotation.
    pub(super) fn is_in_rotation(&self, id: &InstanceId) -> bool {
        self.instances.get(id).is_some_and(|member| member.rotation == Rotation::In)
    }

    /// Whether members came or went since this was asked last.
    pub(super) const fn take_changed(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }

    /// An instance is a member from now on, out of rotation.
    pub(super) fn join(&mut self, id: InstanceId, address: SocketAddr) {
        let server = Server {
            name: ServerName::new(id.as_str()),
            address,
            weight: Weight::ONE,
            backup: false,
            zone: None,
        };
        let (rotation, entry) = (Rotation::Warm, Entry::Slow);
        self.instances.insert(id, Membership { server, rotation, entry, told: None });
        self.changed = true;
    }

    /// A member is to be in rotation.
    pub(super) fn enter(&mut self, id: &InstanceId, entry: Entry) {
        self.place(id, Rotation::In, entry);
    }

    /// A member is to be out of rotation, and finishes what it has.
    pub(super) fn drain(&mut self, id: &InstanceId) {
        self.place(id, self.drained, Entry::Slow);
    }

    fn place(&mut self, id: &InstanceId, rotation: Rotation, entry: Entry) {
        if let Some(member) = self.instances.get_mut(id) {
            (member.rotation, member.entry) = (rotation, entry);
        }
    }

    /// An instance is no member any more.
    pub(super) fn leave(&mut self, id: &InstanceId) {
        self.instances.remove(id);
        self.changed = true;
    }

    /// What is new of the members of `entry`, for the fleet.
    pub(super) fn news(&mut self, entry: &PoolEntry, now: Instant) -> Vec<Input> {
        let mut news = Vec::new();
        for member in &entry.members {
            let Some(id) = InstanceId::parse(member.server.name.as_str()) else { continue };
            let Some(known) = self.instances.get_mut(&id) else { continue };
            let drains = known.rotation.is_over();
            let mut fresh = Told::of(&member.state);
            if drains && fresh.is_idle() {
                fresh = look_again(entry, member, now);
            }
            let before = known.told.replace(fresh);
            let Told { availability, in_flight, sessions } = fresh;
            if before.is_none_or(|before| before.availability != availability) {
                news.push(Input::Health(id.clone(), availability));
            }
            if drains || before != Some(fresh) {
                news.push(Input::Load { id, in_flight, sessions });
            }
        }
        news
    }

    /// What the fleet hears once the pool is gone: nobody sends its members any more work.
    pub(super) fn idle(&self) -> Vec<Input> {
        let idle = |id: &InstanceId| Input::Load { id: id.clone(), in_flight: 0, sessions: 0 };
        self.instances.keys().map(idle).collect()
    }

    /// Brings the state that is shared in line with who is in rotation.
    pub(super) fn rotate(&self, entry: &PoolEntry, now: Instant) {
        let mut turned = false;
        for Member { server, state } in &entry.members {
            let Some(id) = InstanceId::parse(server.name.as_str()) else { continue };
            let Some(member) = self.instances.get(&id) else { continue };
            if state.rotation() == member.rotation {
                continue;
            }
            match (member.rotation, member.entry) {
                (Rotation::In, Entry::Slow) => state.set_joined(now),
                (Rotation::In, Entry::Full) => state.end_slow_start(),
                _ => {}
            }
            state.set_rotation(member.rotation);
            turned = true;
        }
        if turned {
            entry.state.advance();
        }
    }
}

impl Told {
    fn of(state: &ServerState) -> Self {
        Self {
            availability: state.availability(),
            in_flight: state.in_flight(),
            sessions: state.sessions().unwrap_or_default(),
        }
    }

    /// Whether it has nothing to do, as far as is known.
    const fn is_idle(self) -> bool {
        self.in_flight == 0 && self.sessions == 0
    }
}

/// What becomes of an instance of `pool` that goes.
const fn drained(pool: &Pool) -> Rotation {
    match &pool.session {
        Some(session) if matches!(session.on_scale_in, OnScaleIn::Wait(_)) => Rotation::Draining,
        _ => Rotation::Leaving,
    }
}

/// Sessions are counted now and then; a drain ends by what is so now. Where users may still come
/// back who were not counted yet, there is one of them.
fn look_again(entry: &PoolEntry, member: &Member, now: Instant) -> Told {
    entry.count_sessions(now);
    let told = Told::of(&member.state);
    let knows_all = entry.sessions.as_ref().is_none_or(|sessions| sessions.knows_all(now));
    Told { sessions: told.sessions.max(u32::from(!knows_all)), ..told }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use tidegate_core::config::load::{Text, load};
    use tidegate_core::model::ids::PoolName;
    use tidegate_core::snapshot::{Circumstances, Snapshot};
    use tidegate_core::time::Duration;

    use super::*;
    use crate::publish::Compiler;

    const SHOP: &str = "[listener.a]\naddress = \"127.0.0.1:0\"\n[route.a]\npool = \"shop\"\n\
                        [pool.shop]\nservers = [\"127.0.0.1:1\"]\nslow_start = \"10s\"\n";

    /// A pool of one listed server, and an instance that has joined.
    struct Shop {
        members: Members,
        id: InstanceId,
        snapshot: Arc<Snapshot>,
    }

    impl Shop {
        fn new() -> Self {
            let config = load(Path::new("a.toml"), &mut Text(SHOP)).config.expect("it is sound");
            let config = Arc::new(config);
            let id = InstanceId::new(&PoolName::new("shop"), 7);
            let mut members = Members::of(&config.pools[0]);
            members.join(id.clone(), ([127, 0, 0, 1], 2).into());
            let (mut compiler, first) = Compiler::new(Arc::clone(&config), at(0));
            let instances = [(PoolName::new("shop"), members.servers().collect())].into();
            let circumstances = Circumstances { instances, ..Circumstances::default() };
            let snapshot = compiler.compile(config, &circumstances, &first, at(0));
            Self { members, id, snapshot }
        }

        fn state(&self) -> &ServerState {
            &self.snapshot.pools[0].members[1].state
        }

        fn news(&mut self) -> Vec<Input> {
            self.members.news(&self.snapshot.pools[0], at(1))
        }

        fn load(&self, in_flight: u32) -> Input {
            Input::Load { id: self.id.clone(), in_flight, sessions: 0 }
        }
    }

    fn at(second: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(second)
    }

    #[test]
    fn a_fleet_hears_what_is_new_of_its_members_and_always_of_those_that_drain() {
        let mut shop = Shop::new();
        let starting = Input::Health(shop.id.clone(), shop.state().availability());
        assert_eq!(shop.news(), [starting, shop.load(0)], "nothing was known");
        assert_eq!(shop.news(), []);
        shop.state().begin();
        assert_eq!(shop.news(), [shop.load(1)]);
        shop.members.drain(&shop.id.clone());
        assert_eq!(shop.news(), [shop.load(1)]);
        shop.state().end();
        assert_eq!((shop.news(), shop.news()), (vec![shop.load(0)], vec![shop.load(0)]));
        assert_eq!(shop.members.idle(), [shop.load(0)]);
    }

    #[test]
    fn who_enters_grows_to_its_weight_unless_it_was_in_rotation_before() {
        let mut shop = Shop::new();
        let entry = Arc::clone(&shop.snapshot.pools[0]);
        let id = shop.id.clone();
        let mut turn = |change: &dyn Fn(&mut Members)| {
            let epoch = entry.state.epoch();
            change(&mut shop.members);
            shop.members.rotate(&entry, at(5));
            let state = &entry.members[1].state;
            (state.rotation(), state.joined(), entry.state.epoch() != epoch)
        };
        let slow = turn(&|members| members.enter(&id, Entry::Slow));
        assert_eq!(slow, (Rotation::In, Some(at(5)), true));
        assert_eq!(turn(&|_| ()), (Rotation::In, Some(at(5)), false), "nobody turned");
        let drained = turn(&|members| members.drain(&id));
        assert_eq!((drained.0, drained.2), (Rotation::Leaving, true));
        let back = turn(&|members| members.enter(&id, Entry::Full));
        assert_eq!(back, (Rotation::In, None, true));
    }

    #[test]
    fn coming_and_going_is_told_once() {
        let mut shop = Shop::new();
        assert!(shop.members.take_changed() && !shop.members.take_changed());
        shop.members.leave(&shop.id);
        assert!(shop.members.take_changed() && shop.members.servers().next().is_none());
        assert_eq!(shop.news(), [], "it is no member any more");
    }
}
