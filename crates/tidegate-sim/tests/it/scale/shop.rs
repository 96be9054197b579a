//! A shop whose pool is scaled: its settings, its clients, and its servers at work.
//!
//! Requests are a fluid that flows through one line in front of the servers in rotation, a second
//! at a time. Each server does [`RATE`] a second; a database behind all of them may do less.

use std::collections::BTreeMap;

use tidegate_core::model::autoscale::{
    Autoscale, Bounds, Capacity, DownStep, Forecast, Guard, Ladder, Levels, Policy, Slo, Targets,
    WarmPool,
};
use tidegate_core::model::provider::{OnExit, Process, Provider};
use tidegate_core::model::ratio::Ratio;
use tidegate_core::rng::Rng;
use tidegate_core::scale::observed::{Demand, Sample, Service};
use tidegate_core::time::{Duration, Instant};
use tidegate_sim::fluid::queue::Queue;
use tidegate_sim::traffic::Rate;

/// What a server does, in requests a second.
pub(crate) const RATE: f64 = 100.0;
/// How long it works on one, in seconds.
const SERVICE: f64 = 0.05;

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn at(second: u64) -> Instant {
    Instant::ZERO + seconds(second)
}

/// Who sends requests.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clients {
    /// Many that do not wait for each other.
    Open(Rate),
    /// So many that wait for each answer, and then a second.
    Closed(Rate),
}

/// A shop as it is set up.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) settings: Autoscale,
    pub(crate) clients: Clients,
    /// Servers that are listed, and always well.
    pub(crate) listed: u32,
    /// Instances that run when the balancer begins.
    pub(crate) running: u32,
    /// What one needs until it answers, at least and at most.
    pub(crate) boot: (Duration, Duration),
    /// What the database does, in requests a second.
    pub(crate) behind: f64,
    /// How old the measure of CPU is when it is seen.
    pub(crate) delay: usize,
    /// The share of memory in use, with work or without.
    pub(crate) memory: Option<f64>,
    /// In what time an instance grows to its full weight.
    pub(crate) slow_start: Duration,
}

impl Shop {
    /// Six servers of six to sixty, that launch in 30 seconds and have nothing to do.
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            settings: settings(policy),
            clients: Clients::Open(Rate::Steady(0.0)),
            listed: 0,
            running: 6,
            boot: (seconds(20), seconds(30)),
            behind: f64::INFINITY,
            delay: 0,
            memory: None,
            slow_start: Duration::ZERO,
        }
    }

    /// One that launches in this time, and is known to.
    pub(crate) fn booting(mut self, boot: u64) -> Self {
        self.boot = (seconds(boot), seconds(boot));
        self.settings.startup = seconds(boot);
        self
    }

    pub(crate) fn asked(mut self, rate: Rate) -> Self {
        self.clients = Clients::Open(rate);
        self
    }
}

/// The defaults of the configuration.
fn settings(policy: Policy) -> Autoscale {
    let cpu = Ladder { warn: Some(0.6), scale: 0.7, emergency: Some(0.8), target: None, down: 0.3 };
    let steps = policy == Policy::Levels;
    Autoscale {
        provider: Provider::Process(Process {
            command: vec!["shop".to_owned()],
            ports: (9100, 9199),
            env: BTreeMap::new(),
            directory: None,
            logs: None,
            cpus: None,
            memory: None,
            stop_timeout: seconds(10),
            on_exit: OnExit::Keep,
        }),
        bounds: Bounds { min: 6, max: 60 },
        policy,
        slo: Slo { latency: Duration::from_millis(500), ratio: ratio(0.99) },
        startup: seconds(30),
        capacity: Capacity::Requests(RATE),
        targets: Targets::default(),
        custom: Vec::new(),
        replace_after: seconds(120),
        dry_run: false,
        guard: Guard {
            max_step: 2.0,
            down_cooldown: seconds(if steps { 600 } else { 300 }),
            down_step: if steps { DownStep::Count(1) } else { DownStep::Auto },
            down_every: seconds(60),
        },
        levels: Levels {
            cpu: Some(cpu),
            memory: None,
            requests: None,
            connections: None,
            custom: Vec::new(),
            periods: 3,
            period: seconds(15),
            up_cooldown: seconds(300),
        },
        warm: WarmPool::default(),
        forecast: Forecast { ahead: Some(seconds(1800)), history: None },
        schedule: Vec::new(),
        budget: None,
    }
}

pub(crate) fn ratio(ratio: f64) -> Ratio {
    Ratio::new(ratio).expect("the tests' ratios are ratios")
}

/// What a second of work came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worked {
    pub(crate) demand: Demand,
    /// The mean share of CPU in use, of the servers in rotation.
    pub(crate) cpu: Option<f64>,
}

/// The line in front of the servers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Floor {
    queue: Queue,
}

impl Floor {
    /// Lets a second pass in which `servers` work.
    pub(crate) fn work(
        &mut self,
        shop: &Shop,
        servers: u32,
        now: Instant,
        chance: &mut Rng,
    ) -> Worked {
        let own = f64::from(servers) * RATE;
        let able = own.min(shop.behind);
        let before = self.queue.waiting();
        let arrivals = match shop.clients {
            Clients::Open(rate) => noisy(rate.at(now), chance),
            Clients::Closed(count) => (count.at(now) - before).max(0.0),
        };
        let passed = self.queue.pass(1.0, arrivals, able);
        let waiting = self.queue.waiting();
        let served = (before + arrivals - passed.shed - waiting).clamp(0.0, able.max(0.0));
        let mean = SERVICE + self.queue.wait(able);
        let demand = Demand {
            arrivals,
            served,
            goodput: (arrivals - passed.late).clamp(0.0, served),
            in_flight: served * SERVICE + waiting,
            queued: 0.0,
            service: (served > 0.0).then_some(Service { mean, variation: 1.0 }),
            sample: if passed.shed > 0.0 { Sample::Disturbed } else { Sample::Fair },
        };
        Worked { demand, cpu: (servers > 0).then(|| (served / own).min(1.0)) }
    }
}

/// What comes in a second at this rate: a sum of three draws is nearly normal.
fn noisy(rate: f64, chance: &mut Rng) -> f64 {
    let normal = (0..3).map(|_| chance.ratio() * 2.0 - 1.0).sum::<f64>();
    (rate + normal * rate.sqrt()).max(0.0)
}
