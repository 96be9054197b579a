//! The world of a fleet: the provider, its instances, and a balancer that may be killed.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

use tidegate_core::model::ids::PoolName;
use tidegate_core::model::server::Availability;
use tidegate_core::model::session::OnScaleIn;
use tidegate_core::rng::Rng;
use tidegate_core::scale::fleet::event::FleetEvent;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::input::{Aim, Input};
use tidegate_core::scale::fleet::instance::{Reason, Stage};
use tidegate_core::scale::fleet::machine::Fleet;
use tidegate_core::scale::fleet::output::Output;
use tidegate_core::scale::fleet::record::FleetRecord;
use tidegate_core::scale::fleet::settings::{Pace, Settings, WarmUp};
use tidegate_core::time::{Duration, Instant};
use tidegate_sim::provider::{Mood, Provider};
use tidegate_sim::world::World;

/// After this nothing fails any more.
pub(crate) const FAULTS_END: Instant = Instant::from_nanos(900_000_000_000);
const MOST: u32 = 12;

#[derive(Clone, Debug)]
enum Event {
    /// Time may be up for the fleet of this life.
    Due(u64),
    /// What a call came to, for the balancer of this life.
    Hear(u64, Input),
    /// Checks of all members, and the load of those that drain.
    Look,
    Wish(Aim),
    Mood(Mood),
    /// An instance ends; its balancer hears of it if it is told of ends.
    Die(InstanceId),
    FallIll(InstanceId, Duration),
    Kill,
    Restart,
}

/// What the balancer's shell knows of a member.
#[derive(Clone, Copy, Debug)]
struct Member {
    availability: Availability,
    is_in_rotation: bool,
}

pub(crate) struct Scene {
    world: World<Event>,
    provider: Provider,
    settings: Settings,
    /// `None`: the balancer does not run.
    fleet: Option<Fleet>,
    /// Counts the starts of the balancer: what an earlier one asked for is not heard by a later.
    life: u64,
    /// The timeout that was planned last.
    due: (u64, Instant),
    members: BTreeMap<InstanceId, Member>,
    /// The sessions that live on each, as last told.
    sessions: BTreeMap<InstanceId, u32>,
    disk: Option<Vec<u8>>,
    aim: Aim,
    hears_of_ends: bool,
    /// When launches were asked for or the balancer began anew, of late.
    launches: VecDeque<Instant>,
    restarts: VecDeque<Instant>,
    pub(crate) kills: u32,
    /// Starts and stops asked for.
    pub(crate) calls: u32,
}

impl Scene {
    pub(crate) fn new(seed: u64) -> Self {
        let mut scene = Self {
            world: World::new(seed),
            provider: Provider::default(),
            settings: settings(seed),
            fleet: None,
            life: 0,
            due: (0, Instant::ZERO),
            members: BTreeMap::new(),
            sessions: BTreeMap::new(),
            disk: None,
            aim: Aim { instances: 3, warm: 0 },
            hears_of_ends: seed.is_multiple_of(2),
            launches: VecDeque::new(),
            restarts: VecDeque::new(),
            kills: 0,
            calls: 0,
        };
        scene.plan();
        scene
    }

    fn plan(&mut self) {
        self.world.plan(Instant::ZERO, Event::Restart);
        self.world.plan(Instant::ZERO, Event::Look);
        let moods = [Mood::Slow, Mood::Short, Mood::Down, Mood::Lying, Mood::Well];
        for _ in 0..5 {
            let mood = moods[self.below(5) as usize];
            let from = self.some_time();
            self.world.plan(from, Event::Mood(mood));
        }
        for _ in 0..6 {
            let (at, kill) = (self.some_time(), self.some_time());
            let aim = Aim { instances: self.below(10) as u32 + 1, warm: self.below(3) as u32 };
            self.world.plan(at, Event::Wish(aim));
            self.world.plan(kill, Event::Kill);
        }
        self.world.plan(FAULTS_END, Event::Mood(Mood::Well));
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.world.chance().below(bound)
    }

    fn some_time(&mut self) -> Instant {
        Instant::from_nanos(self.below(FAULTS_END.as_nanos()))
    }

    fn has_faults(&self) -> bool {
        self.world.now() < FAULTS_END
    }

    pub(crate) fn run(&mut self, end: Instant) {
        while let Some(event) = self.world.next_until(end) {
            self.happen(event);
            self.look_at_bounds();
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Due(life) if life == self.life => self.work(Fleet::handle_timeout),
            Event::Hear(life, input) if life == self.life => self.hear(input),
            Event::Due(_) | Event::Hear(..) => {}
            Event::Look => self.look(),
            Event::Wish(aim) => {
                self.aim = aim;
                self.hear(Input::Aim(aim));
            }
            Event::Mood(mood) => self.provider.become_mood(mood),
            Event::Die(id) => {
                self.provider.die(&id);
                if self.hears_of_ends {
                    self.hear(Input::Exited(id));
                }
            }
            Event::FallIll(id, lasts) => {
                let until = self.world.now() + lasts;
                if let Some(machine) = self.provider.machine(&id) {
                    machine.sick_until = until;
                }
            }
            Event::Kill => self.kill(),
            Event::Restart => self.restart(),
        }
    }

    /// Nothing is left of the balancer but its disk.
    fn kill(&mut self) {
        if self.fleet.take().is_some() {
            self.kills += 1;
            self.life += 1;
            self.members.clear();
            let wait = Duration::from_millis(self.below(20_000));
            self.world.plan_after(wait, Event::Restart);
        }
    }

    fn restart(&mut self) {
        if self.fleet.is_some() {
            return;
        }
        let now = self.world.now();
        let pool = self.settings.pool.clone();
        let read = |text: &Vec<u8>| FleetRecord::from_json(&pool, text);
        let record = self.disk.as_ref().map(|text| read(text).expect("it was written whole"));
        let seed = self.world.chance().draw();
        self.fleet = Some(Fleet::new(self.settings.clone(), record, seed, now));
        self.restarts.push_back(now);
        self.hear(Input::Aim(self.aim));
    }

    fn hear(&mut self, input: Input) {
        self.work(|fleet, now| fleet.handle(input, now));
    }

    /// Lets the fleet do something, and performs what it wants, up to where it is killed.
    fn work(&mut self, step: impl FnOnce(&mut Fleet, Instant)) {
        let now = self.world.now();
        let Some(fleet) = &mut self.fleet else { return };
        step(fleet, now);
        while let Some(output) = self.fleet.as_mut().and_then(Fleet::poll_output) {
            self.perform(output);
            if self.has_faults() && self.below(400) == 0 {
                self.kill();
            }
        }
        if let Some(at) = self.fleet.as_ref().and_then(Fleet::poll_timeout) {
            self.expect(at > now, "a timeout lies ahead");
            if self.due != (self.life, at) {
                self.due = (self.life, at);
                self.world.plan(at, Event::Due(self.life));
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Record(record) => self.disk = Some(record.to_json()),
            Output::List { within } => {
                let now = self.world.now();
                let reply = self.provider.list(now, within, self.world.chance());
                self.answer(reply.takes, Input::Inventory(reply.result));
            }
            Output::Start { id, within } => self.start(id, within),
            Output::Stop { id, within } => {
                self.calls += 1;
                self.expect(!self.members.contains_key(&id), "who is stopped has left");
                let reply = self.provider.stop(&id, within, self.world.chance());
                self.answer(reply.takes, Input::Stopped(id, reply.result));
            }
            Output::Join { id, .. } => {
                let availability = Availability::Starting;
                let known = self.members.insert(id, Member { availability, is_in_rotation: false });
                self.expect(known.is_none(), "a member joins once");
            }
            Output::Warm { id } => {
                let takes = Duration::from_millis(self.below(2000));
                self.answer(takes, Input::Warmed(id));
            }
            Output::Enter { id, .. } => self.rotate(&id, true),
            Output::Drain { id } => self.rotate(&id, false),
            Output::Leave { id } => {
                let left = self.members.remove(&id);
                self.expect(left.is_some(), "who leaves was there");
            }
            Output::Told(event) => self.told(&event),
        }
    }

    fn told(&self, event: &FleetEvent) {
        assert!(!event.to_string().is_empty());
        if let FleetEvent::Became { id, stage: Stage::Stopping, reason: Reason::Idle } = event {
            let sessions = self.sessions.get(id).copied().unwrap_or_default();
            let moves = self.settings.on_scale_in == OnScaleIn::Move;
            self.expect(moves || sessions == 0, "who has no more to do has no sessions");
        }
    }

    fn rotate(&mut self, id: &InstanceId, is_in_rotation: bool) {
        let member = self.members.get_mut(id);
        let before = member.map(|it| std::mem::replace(&mut it.is_in_rotation, is_in_rotation));
        self.expect(before == Some(!is_in_rotation), "who enters is out and who drains is in");
    }

    fn answer(&mut self, takes: Duration, input: Input) {
        self.world.plan_after(takes, Event::Hear(self.life, input));
    }

    fn start(&mut self, id: InstanceId, within: Duration) {
        let now = self.world.now();
        self.calls += 1;
        self.launches.push_back(now);
        let disk = self.disk.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        self.expect(disk.contains(id.as_str()), "the name is on the disk before it is used");
        let mut ready = now + Duration::from_millis(1000 + self.below(20_000));
        if self.has_faults() {
            let at = now + Duration::from_millis(self.below(300_000));
            let lasts = Duration::from_millis(self.below(200_000));
            match self.below(10) {
                0 => ready = Instant::NEVER,
                1 if at < FAULTS_END => self.world.plan(at, Event::Die(id.clone())),
                2 if at + lasts < FAULTS_END => {
                    self.world.plan(at, Event::FallIll(id.clone(), lasts));
                }
                _ => {}
            }
        }
        let reply = self.provider.start(&id, ready, within, self.world.chance());
        self.answer(reply.takes, Input::Started(id, reply.result));
    }

    /// Probes all members once; each reports when its state changes.
    fn look(&mut self) {
        let now = self.world.now();
        let machines = self.provider.machines();
        let found = |id: &InstanceId| match machines.get(id) {
            Some(machine) if machine.answers(now) => Availability::Healthy,
            _ => Availability::Unhealthy,
        };
        let changes: Vec<_> = self
            .members
            .iter()
            .filter(|(id, member)| found(id) != member.availability)
            .map(|(id, _)| (id.clone(), found(id)))
            .collect();
        for (id, availability) in changes {
            // One that was told of before may have had this one leave.
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.availability = availability;
            self.hear(Input::Health(id, availability));
        }
        self.measure();
        self.world.plan_after(Duration::from_secs(1), Event::Look);
    }

    /// Sessions come to those in rotation and end everywhere; those that drain are now and then
    /// without a request.
    fn measure(&mut self) {
        for id in self.members.keys().cloned().collect::<Vec<_>>() {
            let (chance, idle) = (self.below(50), self.below(20) == 0);
            let Some(member) = self.members.get(&id) else { continue };
            let sessions = self.sessions.entry(id.clone()).or_default();
            match chance {
                0..4 if member.is_in_rotation => *sessions += 1,
                4..10 => *sessions = sessions.saturating_sub(1),
                _ => continue,
            }
            let load = Input::Load { id, in_flight: u32::from(!idle), sessions: *sessions };
            self.hear(load);
        }
    }

    fn look_at_bounds(&mut self) {
        let minute = Duration::from_secs(60);
        let now = self.world.now();
        let recent = |at: &Instant| now.since(*at) < minute;
        while self.launches.front().is_some_and(|at| !recent(at)) {
            self.launches.pop_front();
        }
        while self.restarts.front().is_some_and(|at| !recent(at)) {
            self.restarts.pop_front();
        }
        let most = self.settings.live_max();
        let running = self.provider.machines().len();
        self.expect(running <= most, "what runs is within the bounds");
        // Halved with each failure, what is asked for at once adds up to its double; a life that
        // began anew knows of no failure yet.
        let failing = 2 * self.settings.pace.calls_max as usize;
        let launches_max = (failing + most) * (1 + self.restarts.len());
        self.expect(self.launches.len() <= launches_max, "there is no storm of launches");
        let in_rotation = self.members.values().filter(|member| member.is_in_rotation).count();
        self.expect(in_rotation <= most, "so is what is given requests");
    }

    /// Everything that runs is known, wanted and in its place.
    pub(crate) fn expect_converged(&self) {
        let Some(fleet) = &self.fleet else { return self.expect(false, "the balancer runs") };
        let known: Vec<_> = fleet.instances().map(|one| one.id.clone()).collect();
        let running: Vec<_> = self.provider.machines().keys().cloned().collect();
        self.expect(known == running, "everything that runs is known, and nothing else is");
        let at = |stage| fleet.instances().filter(|one| one.stage == stage).count() as u32;
        self.expect(at(Stage::Serving) == self.aim.instances, "as many serve as should");
        self.expect(at(Stage::Warm) == self.aim.warm, "as many are warm as should be");
        let in_rotation = self.members.values().filter(|member| member.is_in_rotation).count();
        self.expect(in_rotation as u32 == self.aim.instances, "the pool agrees");
    }

    pub(crate) fn report(&self) -> String {
        let mut report = format!("aim {:?}, {} kills, ", self.aim, self.kills);
        for one in self.fleet.iter().flat_map(Fleet::instances) {
            let (stage, reason) = (one.stage.as_str(), one.reason);
            // Writing to a string does not fail.
            let _ = write!(report, "\n  {} {stage} {:?}: {reason}", one.id, one.standing);
        }
        for (id, machine) in self.provider.machines() {
            let _ = write!(report, "\n  runs: {id} {machine:?}");
        }
        format!("{report}\n{}", self.world.report())
    }

    #[track_caller]
    pub(crate) fn expect(&self, holds: bool, what: &str) {
        assert!(holds, "not so: {what}\n{}", self.report());
    }
}

fn settings(seed: u64) -> Settings {
    let chance = &mut Rng::new(seed ^ 0x5e77);
    let seconds = |chance: &mut Rng, most| Duration::from_secs(chance.below(most));
    Settings {
        pool: PoolName::new("shop"),
        template: 1,
        instances_max: MOST,
        startup: Duration::from_secs(20),
        replace_after: Duration::from_secs(60),
        slow_start: seconds(chance, 30),
        drain: Duration::from_secs(60),
        warm_up: if chance.below(2) == 0 { WarmUp::Requests } else { WarmUp::None },
        on_scale_in: match chance.below(2) {
            0 => OnScaleIn::Move,
            _ => OnScaleIn::Wait(Duration::from_secs(120)),
        },
        pace: Pace { calls_max: 8, ..Pace::default() },
    }
}
