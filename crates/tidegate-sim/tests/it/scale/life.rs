//! What an autoscaler owes besides following demand: sickness, a warm pool, sales, a budget, a
//! quota, and a provider that is down.

use std::collections::BTreeSet;

use tidegate_core::model::autoscale::{Budget, OnReach, Policy, Sale, SaleWants};
use tidegate_core::scale::plan::Limit;
use tidegate_sim::provider::Mood;
use tidegate_sim::traffic::Rate;

use super::scene::{Event, Looked, Scene};
use super::shop::{RATE, Shop, at, seconds};

fn limits(looked: &Looked) -> Vec<Limit> {
    looked.plan.iter().flat_map(|plan| &plan.limits).map(|limit| limit.by).collect()
}

fn serving(looked: &Looked) -> u32 {
    looked.observed.fleet.in_rotation()
}

fn sale(from: u64, to: u64, wants: SaleWants) -> Sale {
    let (from, to) = (Scene::wall(from), Scene::wall(to));
    Sale { name: "sale".to_owned(), from, to, wants, repeat: None }
}

fn last(scene: &mut Scene, until: u64) -> Looked {
    let mut last = None;
    scene.run(until, |_, looked| last = Some(looked.clone()));
    last.expect("there was a look")
}

#[test]
fn the_sick_are_replaced_while_others_serve_and_nothing_is_late() {
    let mut shop = Shop::new(Policy::Slo).booting(20).asked(Rate::Steady(1000.0));
    (shop.running, shop.settings.replace_after) = (15, seconds(30));
    let mut scene = Scene::new(shop, 1);
    scene.plan(at(120), Event::FallIll(1, seconds(10_000)));
    scene.plan(at(300), Event::Die(1));
    let before = scene.names();
    let mut late = 0.0;
    scene.run(600, |_, looked| {
        if looked.at > at(10) {
            let demand = looked.worked.demand;
            late += demand.arrivals - demand.goodput;
        }
    });
    assert_eq!(scene.names() - before, 2, "one for each");
    assert!(late < 1.0, "{late}");
    assert!(scene.has_no_orphans());
}

#[test]
fn warm_instances_enter_at_once_and_are_made_up_for() {
    let mut shop = Shop::new(Policy::Slo).booting(120);
    shop.settings.warm.size = 4;
    shop = shop.asked(Rate::Step { before: 400.0, at: at(300), after: 900.0 });
    let mut scene = Scene::new(shop, 1);
    let calm = last(&mut scene, 299);
    let had = serving(&calm);
    assert_eq!(calm.observed.fleet.warm_ready, 4);
    let soon = last(&mut scene, 305);
    assert!(serving(&soon) >= had + 4, "{:?}", soon.observed.fleet);
    let later = last(&mut scene, 700);
    assert_eq!(later.observed.fleet.warm_ready, 4, "{:?}", later.observed.fleet);
}

#[test]
fn a_sale_has_its_capacity_serving_when_it_begins() {
    let wants = [SaleWants::Min(40), SaleWants::Demand(2800.0), SaleWants::Factor(7.0)];
    for wants in wants {
        let mut shop = Shop::new(Policy::Target).booting(60).asked(Rate::Steady(400.0));
        shop.settings.forecast.ahead = Some(seconds(120));
        shop.settings.schedule = vec![sale(600, 900, wants)];
        let mut scene = Scene::new(shop, 1);
        let early = last(&mut scene, 400);
        assert!(early.servers < 10, "{wants:?}");
        let begins = last(&mut scene, 600);
        assert!(serving(&begins) >= 40, "{wants:?}: {:?}", begins.observed.fleet);
        let over = last(&mut scene, 1500);
        assert!(serving(&over) < 10, "{wants:?}: {:?}", over.observed.fleet);
    }
}

#[test]
fn nor_do_flaky_launches_and_slow_starts_make_a_sale_late() {
    for seed in 0..16 {
        let mut shop = Shop::new(Policy::Slo).booting(40).asked(Rate::Steady(400.0));
        shop.boot.1 = seconds(80);
        shop.settings.forecast.ahead = Some(seconds(1200));
        shop.settings.schedule = vec![sale(2000, 2300, SaleWants::Min(40))];
        let mut scene = Scene::new(shop, seed);
        scene.plan(at(100), Event::Flaky(3, seconds(3000)));
        let begins = last(&mut scene, 2000);
        assert!(serving(&begins) >= 40, "seed {seed}: {:?}", begins.observed.fleet);
    }
}

#[test]
fn a_spent_budget_stops_growth_and_no_server() {
    for (on_reach, held) in [(OnReach::Hold, true), (OnReach::Alert, false)] {
        let mut shop = Shop::new(Policy::Slo).booting(20);
        shop.settings.budget = Some(Budget { server_hour: 3600.0, per_day: 2000.0, on_reach });
        shop.running = 8;
        shop = shop.asked(Rate::Step { before: 500.0, at: at(400), after: 2000.0 });
        let mut scene = Scene::new(shop, 1);
        let before = last(&mut scene, 399);
        let after = last(&mut scene, 600);
        assert_eq!(limits(&after).contains(&Limit::Budget), held, "{on_reach:?}");
        assert_eq!(after.servers == before.servers, held, "{on_reach:?}: {}", after.servers);
        assert!(serving(&after) >= serving(&before), "nobody is stopped for it");
    }
}

#[test]
fn a_quota_is_where_growth_ends() {
    let shop = Shop::new(Policy::Slo).booting(20);
    let rate = Rate::Step { before: 400.0, at: at(60), after: 3000.0 };
    let mut scene = Scene::new(shop.asked(rate), 1);
    scene.quota = Some(12);
    let after = last(&mut scene, 600);
    assert_eq!((after.servers, scene.names()), (12, 12));
    assert_eq!(limits(&after).last(), Some(&Limit::Quota));
}

/// For ten minutes the provider answers nothing, and demand doubles meanwhile: what was asked for
/// is asked for again under its name, and none comes twice.
#[test]
fn a_provider_that_is_down_for_ten_minutes_leads_to_no_swaying_and_no_double_launch() {
    for policy in [Policy::Slo, Policy::Target, Policy::Levels] {
        let rate = Rate::Step { before: 400.0, at: at(500), after: 800.0 };
        let mut scene = Scene::new(Shop::new(policy).booting(20).asked(rate), 1);
        scene.plan(at(400), Event::Mood(Mood::Down));
        scene.plan(at(1000), Event::Mood(Mood::Well));
        scene.run(399, |_, _| {});
        let before = scene.names();
        let (mut planned, mut warm) = (Vec::new(), 0);
        scene.run(1100, |_, looked| {
            planned.push(looked.servers);
            warm = warm.max(looked.plan.as_ref().map_or(0, |plan| plan.warm));
        });
        assert!(planned.is_sorted(), "{policy:?}: {planned:?}");
        let (least, most) = (planned.first().copied(), planned.last().copied());
        let grown = most.zip(least).map_or(0, |(most, least)| most - least);
        let late = |looked: &Looked| looked.worked.demand.arrivals > looked.worked.demand.goodput;
        assert!(grown > 0 && !late(&last(&mut scene, 1101)), "{policy:?}: {grown}");
        let launched = scene.names() - before;
        assert!(launched <= (grown + warm) as usize, "{policy:?}: {launched} for {grown}");
        assert!(scene.has_no_orphans());
    }
}

/// Case L8 of docs/security-cases.md: whoever sends ever more requests buys the shop no more
/// servers than `max`, no faster than the guard allows, and none once the budget is spent.
#[test]
fn l8_an_attack_costs_no_more_than_max_step_and_budget_allow() {
    let attack = Rate::Step { before: 400.0, at: at(100), after: 1e6 };
    let shop = || Shop::new(Policy::Slo).booting(30).asked(attack);
    let mut scene = Scene::new(shop(), 1);
    let mut counts = BTreeSet::new();
    scene.run(900, |_, looked| {
        counts.insert(looked.servers);
    });
    assert_eq!(counts.last(), Some(&60), "`max` holds");
    let steep = counts.iter().zip(counts.iter().skip(1)).find(|(low, high)| **high > 2 * **low);
    assert_eq!(steep, None, "one step at a time");
    let mut poor = shop();
    let on_reach = OnReach::Hold;
    poor.settings.budget = Some(Budget { server_hour: 3600.0, per_day: 1500.0, on_reach });
    let mut scene = Scene::new(poor, 1);
    let spent = last(&mut scene, 900);
    assert!(spent.servers < 30 && limits(&spent).contains(&Limit::Budget), "{}", spent.servers);
}

/// Case L9: metrics that are taken away, by whomever, are not the absence of load.
#[test]
fn l9_the_loss_of_metrics_shrinks_nothing() {
    for policy in [Policy::Slo, Policy::Target, Policy::Levels] {
        let mut shop = Shop::new(policy).booting(30).asked(Rate::Steady(12.0 * RATE));
        shop.running = 20;
        let mut scene = Scene::new(shop, 1);
        scene.plan(at(120), Event::Blind(seconds(7200)));
        let before = last(&mut scene, 119).servers;
        let mut least = u32::MAX;
        scene.run(7200, |_, looked| least = least.min(looked.servers));
        assert!(least >= before, "{policy:?}: {least} of {before}");
    }
}
