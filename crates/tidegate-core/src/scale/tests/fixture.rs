//! A pool of a shop, and looks at it a second apart.

use std::collections::BTreeMap;

use super::super::observed::{Demand, FleetCount, Load, Observed, Steering};
use super::super::plan::{Memory, Plan, plan};
use super::super::release::Pledge;
use crate::model::autoscale::{
    Autoscale, Bounds, Capacity, DownStep, Forecast, Guard, Ladder, Levels, Policy, Slo, Targets,
    WarmPool,
};
use crate::model::provider::{OnExit, Process, Provider};
use crate::model::ratio::Ratio;
use crate::time::{Duration, Instant, UnixTime};

/// Six to sixty servers by arrivals, with the defaults of the configuration; a server can do 100
/// requests a second.
pub(in crate::scale) fn settings(policy: Policy) -> Autoscale {
    Autoscale {
        provider: Provider::Process(Process {
            command: vec!["shop".to_owned()],
            ports: (9100, 9199),
            env: BTreeMap::new(),
            directory: None,
            logs: None,
            cpus: None,
            memory: None,
            stop_timeout: Duration::from_secs(10),
            on_exit: OnExit::Keep,
        }),
        bounds: Bounds { min: 6, max: 60 },
        policy,
        slo: Slo { latency: Duration::from_millis(500), ratio: ratio(0.99) },
        startup: Duration::from_secs(30),
        capacity: Capacity::Requests(100.0),
        targets: Targets::default(),
        custom: Vec::new(),
        replace_after: Duration::from_secs(120),
        dry_run: false,
        guard: Guard {
            max_step: 2.0,
            down_cooldown: Duration::from_secs(if policy == Policy::Levels { 600 } else { 300 }),
            down_step: match policy {
                Policy::Levels => DownStep::Count(1),
                Policy::Slo | Policy::Target => DownStep::Auto,
            },
            down_every: Duration::from_secs(60),
        },
        levels: levels(),
        warm: WarmPool::default(),
        forecast: Forecast { ahead: None, history: None },
        schedule: Vec::new(),
        budget: None,
    }
}

pub(in crate::scale) fn levels() -> Levels {
    let ladder = |scale, down| Ladder { warn: None, scale, emergency: None, target: None, down };
    Levels {
        cpu: Some(Ladder { warn: Some(0.6), emergency: Some(0.8), ..ladder(0.7, 0.3) }),
        memory: None,
        requests: None,
        connections: None,
        custom: Vec::new(),
        periods: 3,
        period: Duration::from_secs(15),
        up_cooldown: Duration::from_secs(300),
    }
}

pub(in crate::scale) fn ratio(ratio: f64) -> Ratio {
    Ratio::new(ratio).expect("the tests' ratios are ratios")
}

/// A pool whose launches arrive after 30 s and whose surplus is gone at once.
pub(in crate::scale) struct Pool {
    pub(in crate::scale) settings: Autoscale,
    pub(in crate::scale) memory: Memory,
    pub(in crate::scale) second: u64,
    pub(in crate::scale) listed: u32,
    pub(in crate::scale) serving: u32,
    pub(in crate::scale) warm: u32,
    starting: Vec<(u64, u32)>,
    /// Seconds from a launch to a server that serves.
    pub(in crate::scale) startup: u64,
    /// What the pool is asked for a second; `None`: unknown.
    pub(in crate::scale) arrivals: Option<f64>,
    pub(in crate::scale) load: Load,
    pub(in crate::scale) steering: Steering,
    pub(in crate::scale) quota: Option<u32>,
    pub(in crate::scale) pledge: Option<Pledge>,
}

impl Pool {
    pub(in crate::scale) fn new(settings: Autoscale, serving: u32) -> Self {
        Self {
            settings,
            memory: Memory::default(),
            second: 0,
            listed: 0,
            serving,
            warm: 0,
            starting: Vec::new(),
            startup: 30,
            arrivals: Some(0.0),
            load: Load::default(),
            steering: Steering::default(),
            quota: None,
            pledge: None,
        }
    }

    /// A look a second for so long; the last plan.
    pub(in crate::scale) fn run(&mut self, seconds: u64) -> Plan {
        (0..seconds).map(|_| self.look()).last().expect("at least one look")
    }

    /// A moment later.
    pub(in crate::scale) fn look(&mut self) -> Plan {
        self.second += 1;
        let second = self.second;
        let (arrived, coming): (Vec<_>, Vec<_>) =
            self.starting.drain(..).partition(|(due, _)| *due <= second);
        self.starting = coming;
        self.serving += sum(&arrived);
        let observed = self.observed();
        let now = self.now();
        let plan = plan(&self.settings, &observed, &mut self.memory, now);
        self.follow(&plan);
        plan
    }

    pub(in crate::scale) fn now(&self) -> Instant {
        Instant::ZERO + Duration::from_secs(1000 + self.second)
    }

    pub(in crate::scale) fn at(&self) -> UnixTime {
        UnixTime::from_millis(1_700_000_000_000 + self.second * 1000)
    }

    fn ordered(&self) -> u32 {
        sum(&self.starting)
    }

    pub(in crate::scale) fn observed(&self) -> Observed {
        let fleet = FleetCount {
            listed: self.listed,
            serving: self.serving,
            starting: self.ordered(),
            warm: self.warm,
            warm_ready: self.warm,
            draining: 0,
        };
        let capacity = f64::from(fleet.in_rotation()) * 100.0;
        let demand = self.arrivals.map(|arrivals| {
            let served = arrivals.min(capacity);
            Demand { arrivals, served, goodput: served, ..Demand::default() }
        });
        Observed {
            demand,
            fleet,
            load: self.load.clone(),
            startup: None,
            quota: self.quota,
            steering: self.steering.clone(),
            pledge: self.pledge.clone(),
            at: self.at(),
        }
    }

    fn follow(&mut self, plan: &Plan) {
        self.warm = plan.warm;
        let have = self.serving + self.ordered();
        if plan.instances > have {
            self.starting.push((self.second + self.startup, plan.instances - have));
        }
        let mut surplus = have.saturating_sub(plan.instances);
        while let (true, Some((_, count))) = (surplus > 0, self.starting.last_mut()) {
            let cancelled = surplus.min(*count);
            *count -= cancelled;
            surplus -= cancelled;
            if *count == 0 {
                self.starting.pop();
            }
        }
        self.serving -= surplus;
    }
}

fn sum(launches: &[(u64, u32)]) -> u32 {
    launches.iter().map(|(_, count)| count).sum()
}
