//! More servers will not help: an origin that waits for its database.

use tidegate_core::model::autoscale::{Bounds, Capacity, Policy};
use tidegate_core::scale::plan::Limit;
use tidegate_sim::traffic::Rate;

use super::scene::{Looked, Scene};
use super::shop::{Clients, RATE, Shop, at};

const POLICIES: [Policy; 3] = [Policy::Slo, Policy::Target, Policy::Levels];

/// A shop of six servers whose database does no more than they.
fn shop(policy: Policy, clients: Clients) -> Shop {
    let mut shop = Shop::new(policy).booting(40);
    shop.settings.bounds = Bounds { min: 6, max: 100 };
    shop.behind = 6.0 * RATE;
    shop.clients = clients;
    shop
}

fn is_held(looked: &Looked) -> bool {
    let limits = looked.plan.iter().flat_map(|plan| &plan.limits);
    limits.into_iter().any(|limit| limit.by == Limit::Bottleneck)
}

/// The most servers, and whether the plan said why there were no more.
fn run(scene: &mut Scene, until: u64) -> (u32, bool) {
    let (mut most, mut held) = (0, false);
    scene.run(until, |_, looked| {
        most = most.max(looked.servers);
        held |= is_held(looked);
    });
    (most, held)
}

#[test]
fn growth_that_brings_nothing_ends_after_two_steps_and_says_why() {
    for policy in POLICIES {
        let rate = Rate::Step { before: 400.0, at: at(60), after: 4000.0 };
        let mut scene = Scene::new(shop(policy, Clients::Open(rate)), 1);
        let (before, _) = run(&mut scene, 59);
        let (most, held) = run(&mut scene, 500);
        // CPU is idle while everybody waits for the database, and asks for nothing.
        let held = held || policy == Policy::Levels;
        assert!(held && most <= 4 * before, "{policy:?}: {before}, {most}, held: {held}");
    }
}

#[test]
fn clients_that_wait_for_their_answers_are_no_proof_that_servers_are_too_few() {
    for capacity in [Capacity::Requests(RATE), Capacity::Learn, Capacity::InFlight(5.0)] {
        let clients = Clients::Closed(Rate::Step { before: 300.0, at: at(60), after: 6000.0 });
        let mut shop = shop(Policy::Slo, clients);
        shop.settings.capacity = capacity;
        let mut scene = Scene::new(shop, 1);
        let (before, _) = run(&mut scene, 59);
        let (most, _) = run(&mut scene, 500);
        assert!(most <= 4 * before, "{capacity:?}: {before}, then {most}");
    }
}

#[test]
fn a_pool_that_is_merely_far_too_small_is_not_held() {
    for policy in POLICIES {
        let rate = Rate::Step { before: 400.0, at: at(60), after: 4500.0 };
        let mut shop = shop(policy, Clients::Open(rate));
        shop.behind = f64::INFINITY;
        let mut scene = Scene::new(shop, 1);
        let (most, held) = run(&mut scene, 500);
        assert!(!held && most >= 45, "{policy:?}: {most} servers, held: {held}");
    }
}

#[test]
fn a_hold_ends_when_demand_is_met_and_growth_goes_on_where_it_helps() {
    let from = at(60);
    let rate = Rate::Spike { usual: 400.0, height: 4000.0, from, to: at(400) };
    let mut scene = Scene::new(shop(Policy::Slo, Clients::Open(rate)), 1);
    let (_, held) = run(&mut scene, 399);
    assert!(held);
    let mut last = None;
    scene.run(450, |_, looked| last = Some(looked.clone()));
    assert!(last.is_some_and(|looked| !is_held(&looked)), "demand is met");
    // The database is given the machine it needs, and the shop its next sale.
    scene.shop.behind = f64::INFINITY;
    let rate = Rate::Step { before: 400.0, at: at(500), after: 4000.0 };
    scene.shop.clients = Clients::Open(rate);
    let (most, held) = run(&mut scene, 700);
    assert!(!held && most >= 40, "{most} servers, held: {held}");
}
