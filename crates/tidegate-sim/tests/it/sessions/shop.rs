//! Users who stay, and the servers that they stay on.
//!
//! Users send a request, wait for its answer, think, and send the next. Servers have slots and a
//! queue. What decides is production code: `Balancer::keep`, then `Balancer::pick`, on two cores
//! that see the same counters.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use tidegate_core::balance::balancer::{Balancer, PickRequest, Preference};
use tidegate_core::balance::overload::Leave;
use tidegate_core::config::load::{Text, load};
use tidegate_core::model::ids::ServerIndex;
use tidegate_core::model::server::{Availability, Rotation};
use tidegate_core::model::session::Strength;
use tidegate_core::snapshot::{Circumstances, PoolEntry, ServerIds, Snapshot};
use tidegate_core::time::{Duration, Instant};
use tidegate_sim::world::World;

/// Requests that a server works on at once.
const SLOTS: u32 = 8;
const CORES: u64 = 2;

/// What users and servers are like.
#[derive(Clone, Copy)]
pub(super) struct Habits {
    /// What a user asks a second who does not have to wait, on average over all users.
    pub(super) rate: f64,
    /// How many times as busy as the quietest user the busiest is; more than one.
    pub(super) spread: f64,
    /// How long a server works on a request, on average.
    pub(super) service: Duration,
}

/// How users are dealt to servers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dealing {
    /// By what is under test.
    Balanced(Strength),
    /// At random, once and for all.
    Users,
    /// At random, each request anew: what is unequal then is a matter of counting.
    Requests,
}

#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A user sends a request.
    Ask(usize),
    /// A server is done with a request of this user.
    Done(usize, usize),
    /// So many servers are ready.
    Ready(usize),
    /// A server fails, or is well again.
    Set(usize, Availability),
}

pub(super) struct User {
    think: Duration,
    pub(super) server: Option<ServerIndex>,
    pub(super) moves: u32,
}

#[derive(Default)]
pub(super) struct Queue {
    busy: u32,
    waiting: VecDeque<usize>,
    /// Requests that came, by second.
    came: Vec<u32>,
    /// The second from which on it is ready.
    pub(super) ready: Option<u64>,
}

pub(super) struct Shop {
    pub(super) world: World<Event>,
    entry: Arc<PoolEntry>,
    cores: Vec<Balancer>,
    dealing: Dealing,
    habits: Habits,
    pub(super) users: Vec<User>,
    pub(super) servers: Vec<Queue>,
}

impl Shop {
    /// A pool of so many servers, of which the first `ready` are in rotation.
    pub(super) fn new(
        seed: u64,
        (servers, ready): (usize, usize),
        dealing: Dealing,
        habits: Habits,
    ) -> Self {
        let entry = pool(servers);
        let mut shop = Self {
            world: World::new(seed),
            cores: (0..CORES).map(|core| Balancer::new(Arc::clone(&entry.plan), core)).collect(),
            entry,
            dealing,
            habits,
            users: Vec::new(),
            servers: (0..servers).map(|_| Queue::default()).collect(),
        };
        for server in 0..servers {
            let rotation = if server < ready { Rotation::In } else { Rotation::Warm };
            shop.entry.members[server].state.set_rotation(rotation);
            shop.servers[server].ready = (server < ready).then_some(0);
        }
        shop.entry.state.advance();
        shop
    }

    /// Users who come within `within` seconds from `from` on, or while they think if that takes
    /// longer; so many that they would fill `servers` to `load` if they did not have to wait.
    pub(super) fn users(&mut self, servers: usize, load: f64, (from, within): (u64, u64)) {
        let Habits { rate, spread, service } = self.habits;
        let capacity = f64::from(SLOTS) / service.as_secs_f64();
        let users = (servers as f64 * capacity * load / rate).round() as usize;
        // They think spread^x as long as the busiest, x uniform in 0..1.
        let busiest = rate * spread.ln() / (1.0 - 1.0 / spread);
        for _ in 0..users {
            let think = spread.powf(self.world.chance().ratio()) / busiest;
            let after = think.max(within as f64) * self.world.chance().ratio();
            let think = Duration::from_secs_f64(think);
            self.users.push(User { think, server: None, moves: 0 });
            let at = at(from) + Duration::from_secs_f64(after);
            self.world.plan(at, Event::Ask(self.users.len() - 1));
        }
    }

    pub(super) fn run(&mut self, until: u64) {
        while let Some(event) = self.world.next_until(at(until)) {
            match event {
                Event::Ask(user) => self.ask(user),
                Event::Done(server, user) => self.done(server, user),
                Event::Ready(server) => self.ready(server),
                Event::Set(server, availability) => {
                    self.entry.members[server].state.set_availability(availability);
                    self.entry.state.advance();
                }
            }
        }
    }

    fn ask(&mut self, user: usize) {
        let server = self.choose(user);
        let asker = &mut self.users[user];
        asker.moves += u32::from(asker.server.is_some_and(|before| before != server));
        asker.server = Some(server);
        self.entry.members[server.position()].state.begin();
        let second = seconds(self.world.now());
        let queue = &mut self.servers[server.position()];
        queue.came.resize(second + 1, 0);
        queue.came[second] += 1;
        queue.waiting.push_back(user);
        self.work(server.position());
    }

    fn choose(&mut self, user: usize) -> ServerIndex {
        let before = self.users[user].server;
        let any = self.world.chance().below(self.servers.len() as u64) as usize;
        match self.dealing {
            Dealing::Balanced(strength) => self.balance(before, strength),
            Dealing::Users => before.unwrap_or_else(|| ServerIndex::new(any)),
            Dealing::Requests => ServerIndex::new(any),
        }
    }

    /// Where the request goes: as the exchange of the proxy decides it.
    fn balance(&mut self, before: Option<ServerIndex>, strength: Strength) -> ServerIndex {
        let (now, draw) = (self.world.now(), self.world.chance().draw());
        let core = &mut self.cores[(draw % CORES) as usize];
        let (members, epoch) = (&self.entry.members, self.entry.state.epoch());
        if let Some(server) = before {
            let preference = Preference { server, strength };
            match core.keep(members, epoch, &preference, now) {
                Ok(kept) => return kept,
                Err(Leave { towards: Some(towards), .. }) => return towards,
                Err(Leave { towards: None, .. }) => {}
            }
        }
        let request = PickRequest { key: None, tried: &[], draw, now };
        core.pick(members, epoch, &request).expect("the pool has servers")
    }

    fn work(&mut self, server: usize) {
        let queue = &mut self.servers[server];
        while queue.busy < SLOTS
            && let Some(user) = queue.waiting.pop_front()
        {
            queue.busy += 1;
            let takes = exponential(self.habits.service, self.world.chance().ratio());
            self.world.plan_after(takes, Event::Done(server, user));
        }
    }

    fn done(&mut self, server: usize, user: usize) {
        self.entry.members[server].state.end();
        self.servers[server].busy -= 1;
        self.work(server);
        let think = exponential(self.users[user].think, self.world.chance().ratio());
        self.world.plan_after(think, Event::Ask(user));
    }

    fn ready(&mut self, server: usize) {
        let (state, now) = (&self.entry.members[server].state, self.world.now());
        state.set_rotation(Rotation::In);
        state.set_joined(now);
        self.entry.state.advance();
        self.servers[server].ready = Some(seconds(now) as u64);
    }

    /// The part of its fair share that a server has of the requests that come from `from` to `to`:
    /// each of them is shared by the servers that are ready by then.
    pub(super) fn share(&self, server: usize, (from, to): (u64, u64)) -> f64 {
        let came = |one: &Queue, second: u64| {
            f64::from(one.came.get(second as usize).copied().unwrap_or_default())
        };
        let fair = |second: u64| {
            let all: f64 = self.servers.iter().map(|one| came(one, second)).sum();
            let is_ready = |one: &&Queue| one.ready.is_some_and(|ready| ready <= second);
            all / self.servers.iter().filter(is_ready).count() as f64
        };
        let own: f64 = (from..to).map(|second| came(&self.servers[server], second)).sum();
        own / (from..to).map(fair).sum::<f64>()
    }

    pub(super) fn moves(&self) -> u32 {
        self.users.iter().map(|user| user.moves).sum()
    }
}

fn pool(servers: usize) -> Arc<PoolEntry> {
    let servers: Vec<String> =
        (1..=servers).map(|port| format!("\"127.0.0.1:{}\"", 9000 + port)).collect();
    let text = format!(
        "listener.web.address = \"127.0.0.1:80\"\nroute.all.pool = \"shop\"\n[pool.shop]\n\
         session = {{ mode = \"cookie\" }}\nservers = [{}]\n",
        servers.join(", ")
    );
    let config = load(Path::new("shop.toml"), &mut Text(&text)).config.expect("it is good");
    let (config, nothing) = (Arc::new(config), Circumstances::default());
    let mut ids = ServerIds::default();
    let snapshot = Snapshot::build(config, &nothing, None, &mut ids, Instant::ZERO);
    Arc::clone(&snapshot.pools[0])
}

fn exponential(mean: Duration, ratio: f64) -> Duration {
    mean.mul_f64(-(1.0 - ratio).ln())
}

pub(super) fn at(second: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(second)
}

fn seconds(at: Instant) -> usize {
    at.since(Instant::ZERO).as_secs() as usize
}
