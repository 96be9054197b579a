//! The policy `levels`: the ladder of 60, 70 and 80 %.

use super::super::plan::Plan;
use super::fixture::{Pool, levels, settings};
use crate::model::autoscale::{Ladder, Levels, Policy};
use crate::time::Duration;

fn pool(serving: u32) -> Pool {
    Pool::new(settings(Policy::Levels), serving)
}

fn run(pool: &mut Pool, seconds: u64, cpu: f64) -> Plan {
    pool.load.cpu = Some(cpu);
    pool.run(seconds)
}

#[test]
fn a_threshold_counts_after_three_periods_in_a_row() {
    let mut pool = pool(10);
    assert_eq!(run(&mut pool, 30, 0.75).servers, 10, "two periods");
    assert_eq!(run(&mut pool, 15, 0.65).servers, 10, "a dip between");
    assert_eq!(run(&mut pool, 30, 0.75).servers, 10);
    assert_eq!(run(&mut pool, 15, 0.75).servers, 13, "three in a row: three tenths more");
}

#[test]
fn a_warning_starts_instances_and_keeps_them_out_of_rotation() {
    let mut pool = pool(20);
    let plan = run(&mut pool, 45, 0.65);
    assert_eq!((plan.servers, plan.warm), (20, 2));
    let plan = run(&mut pool, 15, 0.5);
    assert_eq!((plan.servers, plan.warm), (20, 0));
}

#[test]
fn an_emergency_waits_for_nothing_and_takes_one_whole_step() {
    let mut pool = pool(10);
    run(&mut pool, 45, 0.75);
    assert_eq!(run(&mut pool, 1, 0.85).servers, 20, "no cooldown, one step from the ten before");
    assert_eq!(run(&mut pool, 14, 0.85).servers, 20, "the period is not over");
    assert_eq!(run(&mut pool, 1, 0.85).servers, 26, "only thirteen have had a launch time");
    assert_eq!(run(&mut pool, 15, 0.85).servers, 40, "and now twenty");
}

#[test]
fn growth_waits_for_the_cooldown_after_growth() {
    let mut pool = pool(10);
    run(&mut pool, 45, 0.75);
    assert_eq!(run(&mut pool, 285, 0.75).servers, 13);
    assert_eq!(run(&mut pool, 30, 0.75).servers, 17);
}

#[test]
fn one_goes_at_a_time_and_none_for_ten_minutes_after_a_growth() {
    let mut pool = pool(10);
    run(&mut pool, 45, 0.75);
    assert_eq!(run(&mut pool, 570, 0.1).servers, 13, "not yet");
    assert_eq!(run(&mut pool, 45, 0.1).servers, 12);
    assert_eq!(run(&mut pool, 60, 0.1).servers, 11, "a minute between");
}

#[test]
fn the_highest_metric_wins_and_a_missing_one_holds() {
    let requests =
        Ladder { warn: None, scale: 1000.0, emergency: None, target: Some(800.0), down: 400.0 };
    let mut pool = pool(10);
    pool.settings.levels = Levels { requests: Some(requests), ..levels() };
    pool.arrivals = Some(12_000.0);
    assert_eq!(run(&mut pool, 45, 0.2).servers, 15, "to 800 a second each");
    pool.arrivals = None;
    assert_eq!(run(&mut pool, 3600, 0.1).servers, 15, "requests are unknown");
    pool.arrivals = Some(500.0);
    assert_eq!(run(&mut pool, 45, 0.1).servers, 14);
}

#[test]
fn what_is_on_its_way_is_part_of_the_step() {
    for (value, servers) in [(0.75, 13), (0.95, 20)] {
        let mut pool = pool(10);
        // The launches take longer than expected, and than the cooldown.
        pool.settings.levels.up_cooldown = Duration::from_secs(5);
        pool.settings.startup = Duration::from_secs(5);
        pool.startup = 600;
        assert_eq!(run(&mut pool, 300, value).servers, servers, "at {value}");
    }
}
