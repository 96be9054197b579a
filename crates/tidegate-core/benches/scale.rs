//! What one plan costs: a pool of 100 servers with two weeks of demand behind it.
//!
//! `cargo bench -p tidegate-core --bench scale`. The bar is 50 µs. A look comes once a second; one
//! in fifteen ends a bin of the forecast, and one a day looks for a period in all of the demand.
//! The planner is a copy in each round, which no cache knows: in a balancer it is as cold.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tidegate_core::model::autoscale::{
    Autoscale, Bounds, Capacity, DownStep, Forecast, Guard, Ladder, Levels, Policy, Slo, Targets,
    WarmPool,
};
use tidegate_core::model::provider::{OnExit, Process, Provider};
use tidegate_core::model::ratio::Ratio;
use tidegate_core::scale::observed::{
    Demand, FleetCount, Load, Observed, Sample, Service, Steering,
};
use tidegate_core::scale::plan::{Memory, plan};
use tidegate_core::time::{Duration, Instant, UnixTime};

const SERVERS: u32 = 100;
const DAYS: u64 = 14;
/// Seconds of a bin of the forecast, by which history is told.
const BIN: u64 = 15;
const DAY: u64 = 86_400;

fn plans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    for policy in [Policy::Slo, Policy::Target, Policy::Levels] {
        let settings = settings(policy);
        let (day, later) = (DAYS * DAY, DAYS * DAY + 600);
        let looks = [("look", later, 1), ("end of a bin", later, BIN), ("end of a day", day, BIN)];
        for (look, known, after) in looks {
            let memory = experienced(&settings, known);
            let second = known + after;
            let name = format!("{}, {look}", policy.as_str());
            group.bench_function(name, |bencher| {
                let observed = observe(second);
                let now = at(second);
                bencher.iter_batched_ref(
                    || memory.clone(),
                    |memory| plan(black_box(&settings), black_box(&observed), memory, now),
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.finish();
}

/// A planner that has seen everything until this second.
fn experienced(settings: &Autoscale, until: u64) -> Memory {
    let mut memory = Memory::default();
    for second in (0..=until).step_by(BIN as usize) {
        plan(settings, &observe(second), &mut memory, at(second));
    }
    memory
}

fn at(second: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(second)
}

/// Days with their shape, for a pool at 60 to 80 % of what it can do.
fn observe(second: u64) -> Observed {
    let phase = (second % DAY) as f64 / DAY as f64 * std::f64::consts::TAU;
    let noise = (second * 7919 % 101) as f64;
    let arrivals = f64::from(SERVERS) * (70.0 + 10.0 * phase.sin()) + noise;
    let demand = Demand {
        arrivals,
        served: arrivals,
        goodput: arrivals,
        in_flight: arrivals * 0.05,
        queued: 0.0,
        service: Some(Service { mean: 0.05, variation: 1.5 }),
        sample: Sample::Fair,
    };
    let fleet = FleetCount { listed: 6, serving: SERVERS - 6, ..FleetCount::default() };
    Observed {
        demand: Some(demand),
        fleet,
        load: Load { cpu: Some(arrivals / 10_000.0), ..Load::default() },
        startup: Some(Duration::from_secs(180)),
        quota: None,
        steering: Steering::default(),
        pledge: None,
        at: UnixTime::from_millis(1_700_000_000_000 + second * 1000),
    }
}

/// The defaults of the configuration.
fn settings(policy: Policy) -> Autoscale {
    let ratio = |ratio| Ratio::new(ratio).expect("it is between 0 and 1");
    let cpu = Ladder { warn: Some(0.6), scale: 0.7, emergency: Some(0.8), target: None, down: 0.3 };
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
        bounds: Bounds { min: 6, max: 300 },
        policy,
        slo: Slo { latency: Duration::from_millis(500), ratio: ratio(0.99) },
        startup: Duration::from_secs(180),
        capacity: Capacity::Learn,
        targets: Targets { cpu: Some(ratio(0.8)), ..Targets::default() },
        custom: Vec::new(),
        replace_after: Duration::from_secs(120),
        dry_run: false,
        guard: Guard {
            max_step: 2.0,
            down_cooldown: Duration::from_secs(300),
            down_step: DownStep::Auto,
            down_every: Duration::from_secs(60),
        },
        levels: Levels {
            cpu: Some(cpu),
            memory: None,
            requests: None,
            connections: None,
            custom: Vec::new(),
            periods: 3,
            period: Duration::from_secs(BIN),
            up_cooldown: Duration::from_secs(300),
        },
        warm: WarmPool::default(),
        forecast: Forecast { ahead: Some(Duration::from_secs(1800)), history: None },
        schedule: Vec::new(),
        budget: None,
    }
}

criterion_group!(benches, plans);
criterion_main!(benches);
