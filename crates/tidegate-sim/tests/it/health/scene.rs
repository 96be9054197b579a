//! The pool and its shell: what the two planes do in production, in one thread and virtual time.

use std::sync::Arc;

use tidegate_core::balance::balancer::{Balancer, PickRequest};
use tidegate_core::balance::plan::Plan;
use tidegate_core::health::active::{self, ActiveHealth};
use tidegate_core::health::outlier::{self, Backup, Outlier};
use tidegate_core::health::probe::ProbeResult;
use tidegate_core::health::verdict::Verdict;
use tidegate_core::model::pool::{Balance, Pool};
use tidegate_core::model::server::{Member, PoolState, ServerId};
use tidegate_core::signal::{FailureReason, Signal};
use tidegate_core::time::{Duration, Instant};
use tidegate_sim::fault::{Change, Season};
use tidegate_sim::server::{Answer, Server};
use tidegate_sim::traffic::Rate;
use tidegate_sim::world::World;

use super::oracle::Oracle;

mod setting;

/// After this no server is faulty any more.
pub(crate) const FAULTS_END: Instant = Instant::from_nanos(60_000_000_000);
const FAULTS_START: Instant = Instant::from_nanos(5_000_000_000);
const RATE: Rate = Rate::Steady(40.0);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
const CORES: u64 = 2;

#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A request arrives.
    Arrive,
    /// A request is over for the balancer.
    Done {
        server: usize,
        failure: Option<FailureReason>,
    },
    /// A server has done its work on a request or probe.
    Worked(usize),
    ProbeDue(usize),
    ProbeDone(usize, ProbeResult),
    EjectionDue,
    Tell(Signal),
    Fault(Change),
    Reload,
}

pub(crate) struct Scene {
    world: World<Event>,
    pool: Pool,
    members: Vec<Member>,
    state: PoolState,
    balancers: Vec<Balancer>,
    servers: Vec<Server>,
    probes: Vec<Option<ActiveHealth>>,
    outlier: Outlier,
    pub(crate) oracle: Oracle,
}

impl Scene {
    pub(crate) fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        let pool = setting::pool(world.chance());
        let members = setting::members(&pool);
        let plan = Arc::new(Plan::build(&pool));
        let ids: Vec<ServerId> = members.iter().map(|member| member.state.id()).collect();
        let probe = |seed| pool.health.as_ref().map(|check| ActiveHealth::new(check, seed));
        let mut scene = Self {
            balancers: (0..CORES).map(|core| Balancer::new(Arc::clone(&plan), core)).collect(),
            servers: members.iter().map(|_| setting::server()).collect(),
            probes: members.iter().map(|_| probe(world.chance().draw())).collect(),
            outlier: Outlier::new(&pool.passive, &ids),
            oracle: Oracle::new(members.len(), pool.health.as_ref()),
            state: PoolState::default(),
            world,
            pool,
            members,
        };
        scene.begin();
        scene
    }

    fn begin(&mut self) {
        (0..self.members.len()).for_each(|server| self.plan_probe(server));
        let servers = self.members.len();
        let season = Season { from: FAULTS_START, until: FAULTS_END, servers, faults_max: 3 };
        for change in season.plan(self.world.chance()) {
            self.world.plan(change.at, Event::Fault(change));
        }
        self.world.plan_after(Duration::from_secs(1), Event::Arrive);
        self.world.plan_after(Duration::from_secs(17), Event::Reload);
    }

    pub(crate) fn now(&self) -> Instant {
        self.world.now()
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(crate) fn balance(&self) -> &Balance {
        &self.pool.balance
    }

    pub(crate) fn report(&self) -> String {
        let states = self.members.iter().map(|member| member.state.availability().as_str());
        let states: Vec<&str> = states.collect();
        format!("{states:?} by {:?}, {}", self.pool.balance, self.world.report())
    }

    #[track_caller]
    pub(crate) fn expect(&self, holds: bool, what: &str) {
        assert!(holds, "not so: {what}\n{}", self.report());
    }

    #[track_caller]
    fn hold(&self, finding: Result<(), &'static str>) {
        if let Err(what) = finding {
            self.expect(false, what);
        }
    }

    /// Lets the next event happen, if it comes before `end`.
    pub(crate) fn step(&mut self, end: Instant) -> bool {
        let Some(event) = self.world.next_until(end) else { return false };
        match event {
            Event::Arrive => self.arrive(),
            Event::Done { server, failure } => self.done(server, failure),
            Event::Worked(server) => self.servers[server].finish(),
            Event::ProbeDue(server) => self.probe_due(server),
            Event::ProbeDone(server, result) => self.probe_done(server, result),
            Event::EjectionDue => self.ejection_due(),
            Event::Tell(signal) => self.hear(&signal),
            Event::Fault(change) => self.fault(&change),
            Event::Reload => self.reload(),
        }
        true
    }

    fn fault(&mut self, change: &Change) {
        let now = self.now();
        self.servers[change.server].become_condition(change.condition, now);
        self.oracle.changed(change, now);
    }

    /// A reload that changes nothing.
    fn reload(&mut self) {
        let ids: Vec<ServerId> = self.members.iter().map(|member| member.state.id()).collect();
        self.outlier.update(&self.pool.passive);
        self.outlier.retain(&ids);
        for (probe, check) in self.probes.iter_mut().flatten().zip(self.pool.health.iter().cycle())
        {
            probe.update(check);
        }
        self.world.plan_after(Duration::from_secs(17), Event::Reload);
    }
}

/// The data plane.
impl Scene {
    fn arrive(&mut self) {
        let now = self.now();
        let next = RATE.next(now, self.world.chance());
        self.world.plan(next, Event::Arrive);
        let core = self.world.chance().below(CORES) as usize;
        let request = PickRequest { key: None, tried: &[], draw: self.world.chance().draw(), now };
        let picked = self.balancers[core].pick(&self.members, self.state.epoch(), &request);
        self.expect(picked.is_some(), "a pool that fails open has a server for every request");
        let Some(server) = picked.map(|index| index.position()) else { return };
        let finding = self.oracle.picked(server, &self.members, now);
        self.hold(finding);
        self.members[server].state.begin();
        self.ask(server);
    }

    fn ask(&mut self, server: usize) {
        let now = self.now();
        let answer = self.servers[server].take(now, self.world.chance());
        self.plan_work(server, answer);
        let (failure, after) = match answer {
            Answer::Refused => (Some(FailureReason::Connect), Duration::ZERO),
            Answer::Status(code, takes) if takes <= RESPONSE_TIMEOUT => {
                (Some(FailureReason::Status(code)), takes)
            }
            Answer::Reset(takes) if takes <= RESPONSE_TIMEOUT => {
                (Some(FailureReason::Reset), takes)
            }
            _ => (Some(FailureReason::Timeout), RESPONSE_TIMEOUT),
        };
        let failure = failure.filter(|reason| reason.counts(&self.pool.passive.failures));
        self.world.plan_after(after, Event::Done { server, failure });
    }

    fn done(&mut self, server: usize, failure: Option<FailureReason>) {
        let state = &self.members[server].state;
        state.end();
        let Some(reason) = failure else { return state.succeed() };
        let run = state.fail();
        self.oracle.failed(server);
        if run >= self.pool.passive.consecutive_failures {
            let (pool, server) = (self.pool.name.clone(), state.id());
            let signal = Signal::FailedRun { pool, server, run, reason };
            let delay = Duration::from_micros(self.world.chance().below(100_000));
            self.world.plan_after(delay, Event::Tell(signal));
        }
    }

    fn plan_work(&mut self, server: usize, answer: Answer) {
        if let Some(takes) = answer.takes() {
            self.world.plan_after(takes, Event::Worked(server));
        }
    }
}

/// The control plane.
impl Scene {
    fn plan_probe(&mut self, server: usize) {
        let due = self.probes[server].as_ref().and_then(ActiveHealth::poll_timeout);
        if let Some(due) = due {
            self.world.plan(due, Event::ProbeDue(server));
        }
    }

    fn probe_due(&mut self, server: usize) {
        let (now, Some(probe)) = (self.world.now(), &mut self.probes[server]) else { return };
        if probe.handle_timeout(now) != Some(active::Output::Probe) {
            return;
        }
        let answer = self.servers[server].take(now, self.world.chance());
        self.plan_work(server, answer);
        let timeout = self.pool.health.as_ref().map_or(Duration::ZERO, |check| check.timeout);
        let (result, after) = setting::probe_result(answer, timeout);
        self.world.plan_after(after, Event::ProbeDone(server, result));
    }

    fn probe_done(&mut self, server: usize, result: ProbeResult) {
        let (now, Some(probe)) = (self.world.now(), &mut self.probes[server]) else { return };
        let output = probe.handle_result(result, now);
        let Some(check) = &self.pool.health else { return };
        self.oracle.probed(server, setting::is_well(&result, check));
        if let Some(active::Output::Became { availability, .. }) = output {
            let finding = self.oracle.judged(server, availability, check);
            self.hold(finding);
            self.publish(server);
        }
        self.plan_probe(server);
    }

    fn hear(&mut self, signal: &Signal) {
        let Signal::FailedRun { server, .. } = signal else { panic!("a run of failures") };
        let run = self.members[self.place(*server)].state.consecutive_failures();
        let available =
            |member: &Member| member.server.backup && member.state.availability().is_available();
        let backup_available = self.members.iter().any(available);
        let backup = if backup_available { Backup::Available } else { Backup::Missing };
        let output = self.outlier.failed_run(*server, run, backup, self.world.now());
        let Some(outlier::Output::Eject { server, ejection }) = output else { return };
        let place = self.place(server);
        let share = (self.outlier.ejected(), self.members.len());
        let finding = self.oracle.ejected(place, share, backup_available);
        self.hold(finding);
        self.world.plan(ejection.until, Event::EjectionDue);
        self.publish(place);
    }

    fn ejection_due(&mut self) {
        while let Some(outlier::Output::Return { server }) =
            self.outlier.handle_timeout(self.world.now())
        {
            let place = self.place(server);
            self.members[place].state.succeed();
            self.oracle.returned(place);
            self.publish(place);
        }
    }

    fn publish(&self, server: usize) {
        let state = &self.members[server].state;
        let verdict = Verdict::new(self.probes[server].as_ref(), self.outlier.ejection(state.id()));
        state.set_availability(verdict.availability);
        self.state.advance();
    }

    fn place(&self, server: ServerId) -> usize {
        let place = self.members.iter().position(|member| member.state.id() == server);
        place.expect("the outlier names members only")
    }
}
