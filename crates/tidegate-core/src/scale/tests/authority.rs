//! Who wins: quota, budget, `max`; a number by hand; a sale; the policy. And what is unknown.

use super::super::observed::{Demand, Hand, HandWants, Sample};
use super::super::plan::{Limit, Plan, plan};
use super::super::wish::Source;
use super::fixture::{Pool, ratio, settings};
use crate::model::autoscale::{
    Budget, Capacity, CustomMetric, OnReach, Per, Policy, Sale, SaleWants, Targets, WarmPool,
};
use crate::time::{Duration, UnixTime};

fn pool(serving: u32) -> Pool {
    Pool::new(settings(Policy::Target), serving)
}

fn limits(plan: &Plan) -> Vec<Limit> {
    plan.limits.iter().map(|limited| limited.by).collect()
}

fn source(plan: &Plan) -> Source {
    plan.wishes.first().expect("there is always a wish").source.clone()
}

fn hand(wants: HandWants, pool: &Pool, seconds: u64) -> Option<Hand> {
    let until = UnixTime::from_millis(pool.at().as_millis() + seconds * 1000);
    Some(Hand { wants, until, by: "alice".to_owned() })
}

fn sale(pool: &Pool, from: u64, to: u64, wants: SaleWants) -> Sale {
    let at = |second: u64| UnixTime::from_millis(pool.at().as_millis() + second * 1000);
    Sale { name: "sale".to_owned(), from: at(from), to: at(to), wants, repeat: None }
}

#[test]
fn max_is_never_passed_whatever_is_wished() {
    let mut pool = pool(6);
    pool.arrivals = Some(1e9);
    let plan = pool.run(600);
    assert_eq!((plan.servers, limits(&plan)), (60, vec![Limit::Max]));
    assert!(plan.to_string().ends_with("held at 60 by max"), "{plan}");
}

#[test]
fn min_holds_when_nothing_is_asked() {
    let mut pool = pool(20);
    let plan = pool.run(3600);
    assert_eq!((plan.servers, limits(&plan)), (6, vec![Limit::Min]));
}

#[test]
fn a_number_by_hand_beats_policy_and_sale_and_ends_by_itself() {
    let mut pool = pool(12);
    pool.arrivals = Some(800.0);
    pool.settings.schedule = vec![sale(&pool, 0, 3600, SaleWants::Min(30))];
    pool.steering.hand = hand(HandWants::Exactly(8), &pool, 60);
    let plan = pool.run(30);
    assert_eq!((plan.servers, source(&plan)), (8, Source::Hand));
    assert_eq!(pool.run(60).servers, 30, "the sale binds again");
}

#[test]
fn a_number_by_hand_does_not_beat_max() {
    let mut pool = pool(6);
    pool.steering.hand = hand(HandWants::Exactly(100), &pool, 60);
    let plan = pool.look();
    assert_eq!((plan.servers, limits(&plan)), (60, vec![Limit::Max]));
}

#[test]
fn a_floor_by_hand_leaves_the_policy_free_above_it() {
    let mut pool = pool(6);
    pool.steering.hand = hand(HandWants::AtLeast(20), &pool, 3600);
    assert_eq!(pool.look().servers, 20);
    pool.arrivals = Some(2100.0);
    assert_eq!(pool.run(120).servers, 30);
}

#[test]
fn a_sale_has_its_capacity_whole_and_early_enough() {
    let mut pool = pool(6);
    pool.settings.schedule = vec![sale(&pool, 600, 1200, SaleWants::Min(40))];
    assert_eq!(pool.run(569).servers, 6);
    assert_eq!(pool.look().servers, 40, "one launch time before, unslowed by the guard");
    pool.run(30);
    assert_eq!(pool.serving, 40, "it serves when the sale begins");
    assert_eq!(pool.run(599).servers, 40);
    assert_eq!(pool.run(301).servers, 6, "and is gone when the sale is over");
}

#[test]
fn a_sale_may_name_its_demand_or_a_factor() {
    for (wants, servers) in [(SaleWants::Demand(2100.0), 30), (SaleWants::Factor(3.0), 24)] {
        let mut pool = pool(8);
        pool.arrivals = Some(560.0);
        pool.settings.schedule = vec![sale(&pool, 0, 600, wants)];
        assert_eq!(pool.run(5).servers, servers, "{wants:?}");
    }
}

#[test]
fn the_provider_s_quota_beats_everything() {
    let mut pool = pool(6);
    pool.quota = Some(9);
    pool.steering.hand = hand(HandWants::Exactly(30), &pool, 60);
    let plan = pool.look();
    assert_eq!((plan.servers, limits(&plan)), (9, vec![Limit::Quota]));
}

#[test]
fn a_spent_budget_stops_growth_and_no_server() {
    for (on_reach, servers) in [(OnReach::Hold, 10), (OnReach::Alert, 30)] {
        let mut pool = pool(10);
        pool.settings.budget = Some(Budget { server_hour: 3600.0, per_day: 50.0, on_reach });
        pool.arrivals = Some(700.0);
        pool.run(30);
        pool.arrivals = Some(2100.0);
        assert_eq!(pool.run(120).servers, servers, "{on_reach:?}");
    }
}

#[test]
fn a_frozen_pool_stays() {
    let mut pool = pool(10);
    pool.arrivals = Some(5000.0);
    pool.steering.frozen = Some(UnixTime::from_millis(pool.at().as_millis() + 60_000));
    let plan = pool.run(59);
    assert_eq!((plan.servers, limits(&plan).last()), (10, Some(&Limit::Freeze)));
    assert!(pool.run(120).servers > 10);
}

#[test]
fn unknown_demand_is_not_zero() {
    let mut pool = pool(20);
    pool.arrivals = Some(1400.0);
    pool.run(400);
    pool.arrivals = None;
    let plan = pool.run(3600);
    assert_eq!((plan.servers, source(&plan)), (20, Source::Hold));
}

#[test]
fn a_missing_metric_never_shrinks_a_pool() {
    let mut pool = pool(20);
    pool.settings.targets = Targets { cpu: Some(ratio(0.7)), ..Targets::default() };
    assert_eq!(pool.run(3600).servers, 20, "nobody knows how busy they are");
    pool.load.cpu = Some(0.1);
    assert_eq!(pool.run(3600).servers, 6);
}

#[test]
fn the_highest_wish_wins() {
    let mut pool = pool(10);
    pool.arrivals = Some(700.0);
    pool.settings.targets = Targets { cpu: Some(ratio(0.5)), ..Targets::default() };
    pool.settings.custom = vec![CustomMetric {
        name: "orders".to_owned(),
        prometheus: "http://127.0.0.1:9090".to_owned(),
        query: "orders".to_owned(),
        target: 50.0,
        per: Per::Server,
        every: Duration::from_secs(15),
    }];
    pool.load.cpu = Some(0.6);
    pool.load.custom = vec![Some(650.0)];
    let plan = pool.look();
    assert_eq!((plan.servers, source(&plan)), (13, Source::Custom("orders".to_owned())));
    pool.load.cpu = Some(0.9);
    assert_eq!((pool.look().servers, 18), (18, 18), "10 servers at 90 % are 18 at half");
}

#[test]
fn what_runs_at_a_start_may_only_grow_for_one_cooldown() {
    let mut pool = pool(30);
    assert_eq!(pool.run(300).servers, 30, "an adopted fleet is not judged by a quiet moment");
    assert_eq!(pool.run(2).servers, 6);
}

#[test]
fn listed_servers_count_and_are_never_stopped() {
    let mut pool = pool(0);
    pool.listed = 6;
    pool.arrivals = Some(840.0);
    let plan = pool.look();
    assert_eq!((plan.servers, plan.instances), (12, 6));
    pool.settings.bounds.min = 1;
    pool.settings.bounds.max = 4;
    let plan = pool.run(3600);
    assert_eq!((plan.servers, plan.instances), (6, 0), "max below what is listed stops none");
}

#[test]
fn the_warm_pool_is_on_top_and_within_max() {
    let mut pool = pool(10);
    pool.arrivals = Some(700.0);
    pool.settings.warm = WarmPool { size: 3, requests: Vec::new() };
    assert_eq!((pool.look().servers, pool.warm), (10, 3));
    pool.settings.bounds.max = 11;
    pool.look();
    assert_eq!(pool.warm, 1);
}

#[test]
fn where_all_is_late_a_pool_grows_though_it_knows_not_what_a_server_can_do() {
    for policy in [Policy::Slo, Policy::Target] {
        let mut pool = Pool::new(settings(policy), 6);
        pool.settings.capacity = Capacity::Learn;
        pool.arrivals = Some(2000.0);
        let mut plan_when = |late: f64, serving: u32| {
            pool.second += 60;
            pool.serving = serving;
            let mut observed = pool.observed();
            observed.demand = observed.demand.map(|demand| {
                let goodput = demand.served * (1.0 - late);
                Demand { goodput, sample: Sample::Disturbed, ..demand }
            });
            let now = pool.now();
            plan(&pool.settings, &observed, &mut pool.memory, now).servers
        };
        assert_eq!(plan_when(0.4, 6), 6, "some answers may be late by chance");
        assert_eq!(plan_when(1.0, 6), 12, "{policy:?}");
        assert_eq!(plan_when(1.0, 6), 12, "the next step waits for the servers of this one");
        let seen = [plan_when(1.0, 12), plan_when(1.0, 12)];
        assert_eq!(seen[1], 24, "they have shown that they help");
    }
}
