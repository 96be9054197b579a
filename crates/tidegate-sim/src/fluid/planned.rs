//! The production planner as a scaler: the same function that runs in the balancer, on what the
//! fluid shows it.

use std::collections::BTreeMap;

use tidegate_core::model::autoscale::{
    Autoscale, Capacity, DownStep, Forecast, Guard, Ladder, Levels, Policy, Slo, Targets, WarmPool,
};
use tidegate_core::model::provider::{OnExit, Process, Provider};
use tidegate_core::model::ratio::Ratio;
use tidegate_core::scale::observed::{Demand, Load, Observed, Sample, Steering};
use tidegate_core::scale::plan::{Memory, plan};
use tidegate_core::time::{Duration, Instant};

use super::fleet::Size;
use super::replay::{Scaler, Scenario, Seen, TICK};

/// The planner with its settings and what it remembers.
#[derive(Debug)]
pub struct Planned {
    settings: Autoscale,
    memory: Memory,
    now: Instant,
}

impl Planned {
    /// The planner with these settings.
    #[must_use]
    pub fn new(settings: Autoscale) -> Self {
        Self { settings, memory: Memory::default(), now: Instant::ZERO }
    }
}

impl Scaler for Planned {
    fn size(&mut self, seen: &Seen<'_>) -> Size {
        self.now = self.now + TICK;
        let observed = observe(seen, self.settings.policy);
        let plan = plan(&self.settings, &observed, &mut self.memory, self.now);
        Size { servers: plan.instances, warm: plan.warm }
    }
}

/// What a pool is set to that says nothing but its policy, the capacity of a server, how long it
/// takes to start and how many there may be: the defaults of the configuration.
#[must_use]
pub fn settings(policy: Policy, scenario: &Scenario<'_>) -> Autoscale {
    let steps = policy == Policy::Levels;
    Autoscale {
        provider: nobody(),
        bounds: scenario.bounds,
        policy,
        slo: Slo { latency: Duration::from_millis(500), ratio: ratio(0.99) },
        startup: scenario.startup,
        capacity: Capacity::Requests(scenario.capacity),
        targets: Targets::default(),
        custom: Vec::new(),
        replace_after: Duration::from_secs(120),
        dry_run: false,
        guard: Guard {
            max_step: 2.0,
            down_cooldown: Duration::from_secs(if steps { 600 } else { 300 }),
            down_step: if steps { DownStep::Count(1) } else { DownStep::Auto },
            down_every: Duration::from_secs(60),
        },
        levels: levels(),
        warm: WarmPool::default(),
        forecast: Forecast { ahead: Some(Duration::from_secs(1800)), history: None },
        schedule: Vec::new(),
        budget: None,
    }
}

/// The ladder of CPU; the fluid has no other metric.
fn levels() -> Levels {
    let cpu = Ladder { warn: Some(0.6), scale: 0.7, emergency: Some(0.8), target: None, down: 0.3 };
    Levels {
        cpu: Some(cpu),
        memory: None,
        requests: None,
        connections: None,
        custom: Vec::new(),
        periods: 3,
        period: TICK,
        up_cooldown: Duration::from_secs(300),
    }
}

/// The fluid launches by itself; nobody runs this.
fn nobody() -> Provider {
    Provider::Process(Process {
        command: Vec::new(),
        ports: (0, 0),
        env: BTreeMap::new(),
        directory: None,
        logs: None,
        cpus: None,
        memory: None,
        stop_timeout: Duration::ZERO,
        on_exit: OnExit::Stop,
    })
}

fn ratio(ratio: f64) -> Ratio {
    Ratio::new(ratio).expect("every ratio above is between 0 and 1")
}

/// What the planner is shown. Queueing noise inside a tick does not exist here, so a service time
/// is not among it.
fn observe(seen: &Seen<'_>, policy: Policy) -> Observed {
    let rotation = f64::from(seen.fleet.in_rotation());
    let demand = seen.demand.map(|arrivals| Demand {
        arrivals,
        served: seen.served,
        goodput: seen.goodput,
        in_flight: 0.0,
        queued: seen.queued,
        service: None,
        sample: Sample::Fair,
    });
    let busy = |arrivals: f64| (arrivals / (f64::from(seen.served_by) * seen.capacity)).min(1.0);
    let cpu = seen.demand.map(busy).filter(|_| policy == Policy::Levels && rotation > 0.0);
    Observed {
        demand,
        fleet: *seen.fleet,
        load: Load { cpu, ..Load::default() },
        startup: None,
        quota: None,
        steering: Steering::default(),
        pledge: None,
        at: seen.at,
    }
}
