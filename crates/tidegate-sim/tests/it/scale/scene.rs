//! The world of a shop: clients, servers, a provider, and a balancer that looks once a second.
//!
//! A look is what the shell of the autoscaler does: health and load go to the fleet, what was
//! measured goes to the planner, its plan to the fleet, and what the fleet decides to the provider.
//! A naive policy may stand in for the planner, to show what would happen without it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

use tidegate_core::model::ids::PoolName;
use tidegate_core::model::server::Availability;
use tidegate_core::model::session::OnScaleIn;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::input::{Aim, Input};
use tidegate_core::scale::fleet::machine::Fleet;
use tidegate_core::scale::fleet::output::Output;
use tidegate_core::scale::fleet::record::FleetRecord;
use tidegate_core::scale::fleet::settings::{Pace, Settings, WarmUp};
use tidegate_core::scale::observed::{FleetCount, Load, Observed, Steering};
use tidegate_core::scale::plan::{Memory, Plan, plan};
use tidegate_core::scale::release::Pledge;
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_sim::provider::{Mood, Provider};
use tidegate_sim::world::World;

use super::shop::{Floor, Shop, Worked, seconds};

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A second is over.
    Look,
    /// Time may be up for the fleet of this life.
    Due(u64),
    /// What a call came to, for the balancer of this life.
    Hear(u64, Input),
    /// The provider changes how it is.
    Mood(Mood),
    /// So many instances that answer end by themselves.
    Die(u32),
    /// So many instances that answer fall ill for so long.
    FallIll(u32, Duration),
    /// Nothing can be measured for so long.
    Blind(Duration),
    /// Launches of so many in ten never answer, for so long.
    Flaky(u64, Duration),
    /// The balancer is killed, and begins anew some seconds later.
    Kill,
    /// The balancer begins.
    Begin,
}

/// What a naive policy can see.
pub(crate) struct Sight<'a> {
    pub(crate) observed: &'a Observed,
    /// CPU in use by whatever runs, boots included: a boot keeps it busy.
    pub(crate) cpu: Option<f64>,
    /// What runs.
    pub(crate) running: u32,
}

type Naive = Box<dyn FnMut(&Sight<'_>) -> u32>;

/// Who says how many there should be.
enum Voice {
    Planner(Box<Memory>),
    Naive(Naive),
}

/// What the balancer's shell knows of a member.
#[derive(Clone, Copy, Debug)]
struct Member {
    availability: Availability,
    is_in_rotation: bool,
}

/// What one look came to.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) at: Instant,
    pub(crate) observed: Observed,
    pub(crate) worked: Worked,
    /// `None`: a naive policy spoke.
    pub(crate) plan: Option<Plan>,
    /// Servers that there should be in rotation.
    pub(crate) servers: u32,
    /// Starts that were asked for in this second.
    pub(crate) starts: u32,
    /// How often the balancer has begun.
    pub(crate) life: u64,
}

/// The world.
pub(crate) struct Scene {
    world: World<Event>,
    pub(crate) shop: Shop,
    pub(crate) provider: Provider,
    fleet: Option<Fleet>,
    voice: Voice,
    floor: Floor,
    life: u64,
    due: (u64, Instant),
    members: BTreeMap<InstanceId, Member>,
    disk: Option<Vec<u8>>,
    pub(crate) steering: Steering,
    /// What a rollout asks of the pool.
    pub(crate) pledge: Option<Pledge>,
    pub(crate) quota: Option<u32>,
    blind_until: Instant,
    flaky: (u64, Instant),
    /// CPU of the last seconds: of those in rotation, and of whatever runs.
    cpu: VecDeque<(Option<f64>, Option<f64>)>,
    starts: u32,
    /// Every name that was ever asked for.
    names: BTreeSet<InstanceId>,
}

impl Scene {
    /// A shop whose planner is ours.
    pub(crate) fn new(shop: Shop, seed: u64) -> Self {
        Self::with(shop, Voice::Planner(Box::default()), seed)
    }

    /// A shop that follows a naive policy.
    pub(crate) fn naive(shop: Shop, says: impl FnMut(&Sight<'_>) -> u32 + 'static) -> Self {
        Self::with(shop, Voice::Naive(Box::new(says)), 1)
    }

    fn with(shop: Shop, voice: Voice, seed: u64) -> Self {
        let mut scene = Self {
            world: World::new(seed),
            provider: Provider::default(),
            fleet: None,
            voice,
            floor: Floor::default(),
            life: 0,
            due: (0, Instant::ZERO),
            members: BTreeMap::new(),
            disk: None,
            steering: Steering::default(),
            pledge: None,
            quota: None,
            blind_until: Instant::ZERO,
            flaky: (0, Instant::ZERO),
            cpu: VecDeque::new(),
            starts: 0,
            names: BTreeSet::new(),
            shop,
        };
        scene.run_before();
        scene.plan(Instant::ZERO, Event::Begin);
        scene.plan(Instant::ZERO, Event::Look);
        scene
    }

    /// Instances that an earlier balancer started, and left no record of.
    fn run_before(&mut self) {
        for number in 0..self.shop.running {
            let id = InstanceId::new(&PoolName::new("shop"), u64::from(number));
            let within = Pace::default().start_within;
            self.provider.start(&id, Instant::ZERO, within, self.world.chance());
            self.names.insert(id);
        }
    }

    pub(crate) fn plan(&mut self, at: Instant, event: Event) {
        self.world.plan(at, event);
    }

    pub(crate) fn now(&self) -> Instant {
        self.world.now()
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.world.chance().below(bound)
    }

    /// The wall clock that belongs to a second.
    pub(crate) fn wall(second: u64) -> UnixTime {
        UnixTime::from_millis(1_700_000_000_000 + second * 1000)
    }

    /// Looks until this second, and hands each to `see`.
    pub(crate) fn run(&mut self, until: u64, mut see: impl FnMut(&Self, &Looked)) {
        let end = Instant::ZERO + seconds(until);
        while let Some(event) = self.world.next_until(end) {
            if let Some(looked) = self.happen(event) {
                see(self, &looked);
            }
        }
    }

    fn happen(&mut self, event: Event) -> Option<Looked> {
        match event {
            Event::Look => {
                self.world.plan_after(seconds(1), Event::Look);
                return self.look();
            }
            Event::Due(life) if life == self.life => self.work(Fleet::handle_timeout),
            Event::Hear(life, input) if life == self.life => self.hear(input),
            Event::Due(_) | Event::Hear(..) => {}
            Event::Mood(mood) => self.provider.become_mood(mood),
            Event::Die(count) => self.die(count),
            Event::FallIll(count, lasts) => {
                let until = self.now() + lasts;
                for id in self.answering(count) {
                    if let Some(machine) = self.provider.machine(&id) {
                        machine.sick_until = until;
                    }
                }
            }
            Event::Blind(lasts) => self.blind_until = self.blind_until.max(self.now() + lasts),
            Event::Flaky(tenths, lasts) => self.flaky = (tenths, self.now() + lasts),
            Event::Kill => self.kill(),
            Event::Begin => self.begin(),
        }
        None
    }

    fn answering(&self, count: u32) -> Vec<InstanceId> {
        let now = self.now();
        let machines = self.provider.machines().iter();
        let answering = machines.filter(|(_, machine)| machine.answers(now));
        answering.map(|(id, _)| id.clone()).take(count as usize).collect()
    }

    fn die(&mut self, count: u32) {
        for id in self.answering(count) {
            self.provider.die(&id);
            self.hear(Input::Exited(id));
        }
    }

    fn kill(&mut self) {
        if self.fleet.take().is_some() {
            self.life += 1;
            self.members.clear();
            let wait = Duration::from_millis(self.below(10_000));
            self.world.plan_after(wait, Event::Begin);
        }
    }

    fn begin(&mut self) {
        let now = self.now();
        let settings = fleet_settings(&self.shop);
        let read = |text: &Vec<u8>| FleetRecord::from_json(&settings.pool, text);
        let record = self.disk.as_ref().map(|text| read(text).expect("it was written whole"));
        let seed = self.world.chance().draw();
        self.fleet = Some(Fleet::new(settings, record, seed, now));
        if let Voice::Planner(memory) = &mut self.voice {
            **memory = Memory::default();
        }
        self.work(Fleet::handle_timeout);
    }

    fn hear(&mut self, input: Input) {
        self.work(|fleet, now| fleet.handle(input, now));
    }

    /// Lets the fleet do something, and performs what it wants.
    fn work(&mut self, step: impl FnOnce(&mut Fleet, Instant)) {
        let now = self.now();
        let Some(fleet) = &mut self.fleet else { return };
        step(fleet, now);
        while let Some(output) = self.fleet.as_mut().and_then(Fleet::poll_output) {
            self.perform(output);
        }
        if let Some(at) = self.fleet.as_ref().and_then(Fleet::poll_timeout)
            && self.due != (self.life, at)
        {
            self.due = (self.life, at);
            self.world.plan(at, Event::Due(self.life));
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Record(record) => self.disk = Some(record.to_json()),
            Output::List { within } => {
                let now = self.now();
                let reply = self.provider.list(now, within, self.world.chance());
                self.answer(reply.takes, Input::Inventory(reply.result));
            }
            Output::Start { id, within } => self.start(id, within),
            Output::Stop { id, within } => {
                let reply = self.provider.stop(&id, within, self.world.chance());
                self.answer(reply.takes, Input::Stopped(id, reply.result));
            }
            Output::Join { id, .. } => {
                let availability = Availability::Starting;
                self.members.insert(id, Member { availability, is_in_rotation: false });
            }
            Output::Warm { id } => self.answer(seconds(1), Input::Warmed(id)),
            Output::Enter { id, .. } => self.rotate(&id, true),
            Output::Drain { id } => self.rotate(&id, false),
            Output::Leave { id } => {
                self.members.remove(&id);
            }
            Output::Told(_) => {}
        }
    }

    fn rotate(&mut self, id: &InstanceId, is_in_rotation: bool) {
        if let Some(member) = self.members.get_mut(id) {
            member.is_in_rotation = is_in_rotation;
        }
    }

    fn answer(&mut self, takes: Duration, input: Input) {
        self.world.plan_after(takes, Event::Hear(self.life, input));
    }

    fn start(&mut self, id: InstanceId, within: Duration) {
        let now = self.now();
        self.starts += 1;
        self.names.insert(id.clone());
        let (least, most) = self.shop.boot;
        let spread = u64::try_from((most - least).as_millis()).unwrap_or(u64::MAX);
        let mut ready = now + least + Duration::from_millis(self.below(spread + 1));
        let (tenths, until) = self.flaky;
        if now < until && self.below(10) < tenths {
            ready = Instant::NEVER;
        }
        let reply = self.provider.start(&id, ready, within, self.world.chance());
        self.answer(reply.takes, Input::Started(id, reply.result));
    }

    fn look(&mut self) -> Option<Looked> {
        let worked = self.serve();
        self.attend();
        let observed = self.observe(worked)?;
        let (plan, aim) = self.decide(&observed);
        self.hear(Input::Aim(aim));
        let servers = aim.instances + observed.fleet.listed;
        let (at, life, starts) = (self.now(), self.life, std::mem::take(&mut self.starts));
        Some(Looked { at, observed, worked, plan, servers, starts, life })
    }

    /// The second that is over, at work.
    fn serve(&mut self) -> Worked {
        let now = self.now();
        let machines = self.provider.machines();
        let works = |(id, member): (&InstanceId, &Member)| {
            let answers = machines.get(id).is_some_and(|machine| machine.answers(now));
            member.is_in_rotation && member.availability == Availability::Healthy && answers
        };
        let instances = self.members.iter().filter(|member| works(*member)).count() as u32;
        let (running, booting) = (machines.len(), self.booting());
        let servers = if self.fleet.is_some() { self.shop.listed + instances } else { 0 };
        let worked = self.floor.work(&self.shop, servers, now, self.world.chance());
        let busy = worked.cpu.unwrap_or(0.0) * (running as f64 - booting) + booting;
        let all = (running > 0).then(|| busy / running as f64);
        self.cpu.push_back((worked.cpu, all));
        while self.cpu.len() > self.shop.delay + 1 {
            self.cpu.pop_front();
        }
        worked
    }

    fn booting(&self) -> f64 {
        let now = self.now();
        let machines = self.provider.machines().values();
        machines.filter(|machine| machine.ready > now).count() as f64
    }

    /// Tells the fleet what checks say of its members; those that drain have no work left.
    fn attend(&mut self) {
        let now = self.now();
        let machines = self.provider.machines();
        let found = |id: &InstanceId| match machines.get(id) {
            Some(machine) if machine.answers(now) => Availability::Healthy,
            Some(machine) if machine.ready > now => Availability::Starting,
            _ => Availability::Unhealthy,
        };
        let changed = |(id, member): (&InstanceId, &Member)| {
            let found = found(id);
            (found != member.availability).then(|| (id.clone(), found))
        };
        let changes: Vec<_> = self.members.iter().filter_map(changed).collect();
        for (id, availability) in changes {
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.availability = availability;
            self.hear(Input::Health(id, availability));
        }
        let out = self.members.iter().filter(|(_, member)| !member.is_in_rotation);
        for id in out.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.hear(Input::Load { id, in_flight: 0, sessions: 0 });
        }
    }

    fn observe(&self, worked: Worked) -> Option<Observed> {
        let fleet = self.fleet.as_ref().filter(|fleet| fleet.is_counted())?;
        let is_blind = self.now() < self.blind_until;
        let demand = Some(worked.demand).filter(|_| !is_blind);
        let cpu = self.cpu.front().filter(|_| self.cpu.len() > self.shop.delay);
        let cpu = cpu.and_then(|(cpu, _)| *cpu).filter(|_| !is_blind);
        Some(Observed {
            demand,
            fleet: FleetCount { listed: self.shop.listed, ..fleet.count() },
            load: Load { cpu, memory: self.shop.memory, ..Load::default() },
            startup: fleet.startup().high(),
            quota: self.quota,
            steering: self.steering.clone(),
            pledge: self.pledge.clone(),
            at: Self::wall(self.now().since(Instant::ZERO).as_secs()),
        })
    }

    fn decide(&mut self, observed: &Observed) -> (Option<Plan>, Aim) {
        let now = self.world.now();
        match &mut self.voice {
            Voice::Planner(memory) => {
                let plan = plan(&self.shop.settings, observed, memory, now);
                let aim = Aim { instances: plan.instances, warm: plan.warm };
                (Some(plan), aim)
            }
            Voice::Naive(says) => {
                let cpu = self.cpu.front().filter(|_| self.cpu.len() > self.shop.delay);
                let cpu = cpu.and_then(|(_, cpu)| *cpu);
                let running = self.provider.machines().len() as u32 + self.shop.listed;
                let wished = says(&Sight { observed, cpu, running });
                let bounds = self.shop.settings.bounds;
                let servers = wished.clamp(bounds.min, bounds.max);
                let instances = servers.saturating_sub(self.shop.listed);
                (None, Aim { instances, warm: 0 })
            }
        }
    }

    /// What our planner remembers.
    pub(crate) fn memory(&mut self) -> Option<&mut Memory> {
        match &mut self.voice {
            Voice::Planner(memory) => Some(memory),
            Voice::Naive(_) => None,
        }
    }

    /// Everything that runs is known, and nothing else is.
    pub(crate) fn has_no_orphans(&self) -> bool {
        let Some(fleet) = &self.fleet else { return false };
        let known = fleet.instances().map(|one| one.id);
        known.eq(self.provider.machines().keys())
    }

    /// How many names were ever asked for.
    pub(crate) fn names(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn report(&self) -> String {
        let mut report = format!("{:?}\n", self.shop);
        for one in self.fleet.iter().flat_map(Fleet::instances) {
            let (stage, reason) = (one.stage.as_str(), one.reason);
            // Writing to a string does not fail.
            let _ = write!(report, "\n  {} {stage} {:?}: {reason}", one.id, one.standing);
        }
        format!("{report}\n{}", self.world.report())
    }
}

/// How the fleet of a shop lives.
pub(crate) fn fleet_settings(shop: &Shop) -> Settings {
    let settings = &shop.settings;
    Settings {
        pool: PoolName::new("shop"),
        template: 1,
        instances_max: settings.bounds.max.saturating_add(settings.warm.size),
        startup: settings.startup,
        replace_after: settings.replace_after,
        slow_start: shop.slow_start,
        drain: seconds(60),
        on_scale_in: OnScaleIn::Move,
        warm_up: WarmUp::None,
        pace: Pace::default(),
    }
}
