//! The policies on months of demand: on generated shapes always, on real traces when the variable
//! `TIDEGATE_TRACES` names the folder that has them.
//!
//! A server can do a seventy-fifth of the peak. One model with one set of defaults runs on all.

use std::io::Read;
use std::path::PathBuf;

use tidegate_core::model::autoscale::{Bounds, Policy};
use tidegate_core::time::{Duration, UnixTime};
use tidegate_sim::fluid::generated::{self, Shape};
use tidegate_sim::fluid::planned::settings;
use tidegate_sim::fluid::policy::{Choice, simulate};
use tidegate_sim::fluid::replay::{Outcome, Scenario};
use tidegate_sim::fluid::trace::{self, Reading, Trace};

const SLO: Choice = Choice::Planner(Policy::Slo);
const TARGET: Choice = Choice::Planner(Policy::Target);

fn scenario(demand: &[f64], startup: u64) -> Scenario<'_> {
    Scenario {
        demand,
        begins: UnixTime::from_millis(900_000_000_000),
        capacity: demand.iter().copied().fold(0.0, f64::max) / 75.0,
        startup: Duration::from_secs(startup),
        bounds: Bounds { min: 1, max: 300 },
    }
}

#[expect(clippy::print_stdout, reason = "figures for whoever reads the test")]
fn run(choice: Choice, scenario: &Scenario<'_>) -> Outcome {
    let policy = if let Choice::Planner(policy) = choice { policy } else { Policy::Slo };
    let outcome = simulate(choice, scenario, settings(policy, scenario));
    println!(
        "{choice:8} {:9.4} % {:9.1} h {:6} changes",
        outcome.violations_percent(),
        outcome.server_hours,
        outcome.direction_changes
    );
    outcome
}

#[test]
fn on_no_shape_of_demand_is_slo_worse_than_target_in_both_figures() {
    for shape in [Shape::DaysWithBursts, Shape::Weeks, Shape::Step, Shape::Flash, Shape::Sparse] {
        for startup in [30, 180] {
            println!("{shape:?}, {startup} s");
            let demand = generated::demand(shape, 6, 1);
            let scenario = scenario(&demand, startup);
            let (slo, target) = (run(SLO, &scenario), run(TARGET, &scenario));
            let dearer = slo.server_hours > target.server_hours * 1.05;
            let later = slo.late > target.late * 1.05;
            assert!(!(dearer && later), "{shape:?}, {startup} s");
        }
    }
}

#[test]
fn on_days_with_bursts_slo_costs_less_than_kubernetes_and_breaks_fewer_promises() {
    let demand = generated::demand(Shape::DaysWithBursts, 8, 2);
    let scenario = scenario(&demand, 30);
    let (slo, hpa) = (run(SLO, &scenario), run(Choice::Hpa, &scenario));
    let oracle = run(Choice::Oracle, &scenario);
    assert!(slo.late <= hpa.late * 0.7);
    assert!(slo.server_hours <= hpa.server_hours * 0.85);
    assert!(oracle.server_hours < slo.server_hours && oracle.late < 1.0);
}

#[test]
fn bounds_hold_and_every_tick_has_its_row() {
    let demand = generated::demand(Shape::DaysWithBursts, 2, 3);
    let bounds = Bounds { min: 3, max: 20 };
    let scenario = Scenario { bounds, ..scenario(&demand, 180) };
    let policies = [Policy::Slo, Policy::Levels, Policy::Target].map(Choice::Planner);
    for choice in policies.into_iter().chain([Choice::Hpa, Choice::Oracle, Choice::Fixed(99)]) {
        let outcome = run(choice, &scenario);
        assert_eq!(outcome.rows.len(), demand.len());
        assert!(outcome.rows.iter().all(|row| (3..=20).contains(&row.paid)), "{choice}");
        assert!(outcome.late >= outcome.shed && outcome.late <= outcome.requests * 1.000_001);
    }
}

/// A real trace; `None`: there is none here.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn real(file: &str, reading: Reading) -> Option<Trace> {
    let Some(folder) = std::env::var_os("TIDEGATE_TRACES") else {
        println!("SKIPPED: TIDEGATE_TRACES names no folder with {file}");
        return None;
    };
    let bytes = std::fs::read(PathBuf::from(folder).join(file)).expect("the trace is there");
    let mut text = String::new();
    let read = flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text);
    read.expect("the trace is gzipped text");
    Some(trace::read(&text, reading).expect("the trace is sound"))
}

/// Bridges collection holes: zeros for ten minutes and more, between demand.
fn bridge(demand: &mut [f64]) {
    let mut from = 0;
    while from < demand.len() {
        let Some(length) = demand[from..].iter().position(|rate| *rate > 1.0) else { return };
        if length >= 40 && from > 0 {
            let (before, after) = (demand[from - 1], demand[from + length]);
            for place in 0..length {
                let part = (place + 1) as f64 / (length + 1) as f64;
                demand[from + place] = before * (1.0 - part) + after * part;
            }
        }
        from += length + 1;
    }
}

#[test]
fn world_cup() {
    let Some(trace) = real("worldcup98_per_minute.csv.gz", Reading::default()) else { return };
    // The last eleven days, and all of it: two crowds in May, of thirty times the demand within
    // three minutes, are beyond any start-up of 180 s and make 0.06 % of the requests late.
    let late = &trace.demand[trace.demand.len() - 60_480..];
    for (demand, violations) in [(late, 0.01), (&trace.demand[..], 0.08)] {
        let scenario = scenario(demand, 180);
        let (slo, hpa) = (run(SLO, &scenario), run(Choice::Hpa, &scenario));
        let oracle = run(Choice::Oracle, &scenario);
        assert!(slo.violations_percent() <= violations);
        assert!(slo.server_hours <= hpa.server_hours);
        let gap =
            (slo.server_hours - oracle.server_hours) / (hpa.server_hours - oracle.server_hours);
        println!("gap to the oracle {gap:.3}");
        assert!(gap <= 0.61);
    }
}

#[test]
fn twitter() {
    let reading = Reading { step: Some(Duration::from_secs(1)), column: None };
    let Some(mut trace) = real("twitter_2021_per_second.csv.gz", reading) else { return };
    bridge(&mut trace.demand);
    let scenario = scenario(&trace.demand, 30);
    let (slo, hpa) = (run(SLO, &scenario), run(Choice::Hpa, &scenario));
    assert!(slo.late <= hpa.late / 3.0);
    assert!(slo.server_hours <= hpa.server_hours);
    assert!(slo.direction_changes <= hpa.direction_changes);
}

#[test]
fn nasa() {
    let Some(trace) = real("nasa_july95_per_minute.csv.gz", Reading::default()) else { return };
    let scenario = scenario(&trace.demand, 180);
    let (slo, target) = (run(SLO, &scenario), run(TARGET, &scenario));
    assert!(slo.late <= target.late * 1.05);
    assert!(slo.server_hours <= target.server_hours * 1.05);
}

#[test]
fn mentions() {
    let Some(trace) = real("nab_amzn_per_5min.csv.gz", Reading::default()) else { return };
    let scenario = scenario(&trace.demand, 180);
    let (slo, target) = (run(SLO, &scenario), run(TARGET, &scenario));
    let dearer = slo.server_hours > target.server_hours * 1.05;
    assert!(!(dearer && slo.late > target.late * 1.05));
}
