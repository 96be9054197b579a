//! Drawn shops under drawn faults: the provider is slow, short, down or lying, launches never
//! answer, instances die and fall ill, nothing can be measured, the balancer is killed. Afterwards
//! all is well, and the pool has what it needs, no more, and stays as it is.

use tidegate_core::model::autoscale::{Bounds, Capacity, DownStep, Policy};
use tidegate_core::rng::Rng;
use tidegate_core::time::{Duration, Instant};
use tidegate_sim::check;
use tidegate_sim::provider::Mood;
use tidegate_sim::traffic::Rate;

use super::oracle::Oracle;
use super::scene::{Event, Looked, Scene};
use super::shop::{Clients, RATE, Shop, at, ratio, seconds};

/// After this second nothing fails any more, and demand is steady.
const FAULTS_END: u64 = 420;
/// By when a pool has what it needs: the longest back-off, a launch that never answers and is given
/// up, and four steps.
const ENOUGH: u64 = FAULTS_END + 400;
/// By when it has no more than it needs.
const CALM: u64 = ENOUGH + 300;

#[test]
fn shops_under_faults_keep_their_promises() {
    check::seeds(std::env::var("TIDEGATE_SEED").ok().as_deref(), |seed| {
        let mut scene = draw(seed);
        let mut oracle = Oracle::default();
        let mut last: Vec<Looked> = Vec::new();
        scene.run(CALM, |scene, looked| {
            let found = oracle.see(scene, looked);
            assert!(found.is_ok(), "not so: {found:?}\n{looked:#?}\n{}", scene.report());
            if looked.at > at(ENOUGH) {
                last.push(looked.clone());
            }
        });
        let told = |what: &str| format!("not so: {what}\n{:#?}\n{}", last.last(), scene.report());
        assert!(scene.has_no_orphans(), "{}", told("what runs is known"));
        let served = |looked: &Looked| {
            let demand = looked.worked.demand;
            demand.goodput >= 0.95 * demand.arrivals
        };
        assert!(last.iter().all(served), "{}", told("demand is met"));
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let (mut scene, mut plans) = (draw(seed), Vec::new());
        scene.run(300, |_, looked| plans.push(looked.plan.clone()));
        (plans, scene.report())
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

fn draw(seed: u64) -> Scene {
    let chance = &mut Rng::new(seed ^ 0x5ca1e);
    let shop = draw_shop(chance);
    let mut scene = Scene::new(shop, seed);
    draw_faults(&mut scene, chance);
    scene
}

/// A shop whose clients end with what its `max` can bear.
fn draw_shop(chance: &mut Rng) -> Shop {
    let policy = [Policy::Slo, Policy::Target, Policy::Levels][chance.below(3) as usize];
    let mut shop = Shop::new(policy);
    let max = 8 + chance.below(16) as u32;
    let min = 1 + chance.below(4) as u32;
    shop.listed = chance.below(3) as u32;
    shop.running = min.max(1 + chance.below(6) as u32);
    let (boot, spread) = (2 + chance.below(30), chance.below(15));
    shop.boot = (seconds(boot), seconds(boot + spread));
    let settings = &mut shop.settings;
    settings.bounds = Bounds { min: min.max(shop.listed), max };
    settings.startup = seconds(boot + chance.below(30));
    settings.warm.size = chance.below(3) as u32;
    settings.replace_after = seconds(30);
    settings.guard.max_step = 1.5 + chance.ratio() * 1.5;
    settings.guard.down_cooldown = seconds(30 + chance.below(90));
    settings.guard.down_every = seconds(5 + chance.below(30));
    settings.levels.up_cooldown = seconds(chance.below(40));
    settings.levels.period = seconds(1 + chance.below(10));
    if chance.below(3) == 0 {
        settings.guard.down_step = DownStep::Count(1 + chance.below(3) as u32);
    }
    if policy == Policy::Slo && chance.below(3) == 0 {
        settings.capacity = Capacity::Learn;
    }
    if chance.below(3) == 0 {
        settings.targets.cpu = Some(ratio(0.7));
    }
    // What CPU needs, with its tolerance, has to fit below `max`.
    let able = f64::from(max) * RATE * 0.6;
    shop.clients = Clients::Open(draw_rate(able, chance));
    shop
}

/// Demand that changes while faults last, and is steady after.
fn draw_rate(able: f64, chance: &mut Rng) -> Rate {
    let mut rate = || able * (0.1 + 0.9 * chance.ratio());
    let (before, after) = (rate(), rate());
    let from = at(30 + chance.below(FAULTS_END - 60));
    match chance.below(4) {
        0 => Rate::Steady(after),
        1 => Rate::Step { before, at: from, after },
        2 => Rate::Spike { usual: after, height: before * 3.0, from, to: from + seconds(60) },
        _ => {
            let (low, high) = (before.min(after), before.max(after));
            Rate::Wave { low, high, period: seconds(400 + chance.below(400)) }
        }
    }
}

fn draw_faults(scene: &mut Scene, chance: &mut Rng) {
    // A third of all shops have nothing but their clients.
    if chance.below(3) == 0 {
        return;
    }
    let some_time = |chance: &mut Rng| at(20 + chance.below(FAULTS_END - 20));
    let until = |from: Instant, chance: &mut Rng| {
        let left = at(FAULTS_END).since(from).as_secs();
        seconds(chance.below(left.max(1)).min(200))
    };
    let moods = [Mood::Slow, Mood::Short, Mood::Down, Mood::Lying, Mood::Well];
    for _ in 0..chance.below(5) {
        let (from, mood) = (some_time(chance), moods[chance.below(5) as usize]);
        scene.plan(from, Event::Mood(mood));
    }
    for _ in 0..chance.below(5) {
        let from = some_time(chance);
        let lasts: Duration = until(from, chance);
        let count = 1 + chance.below(3) as u32;
        let event = match chance.below(5) {
            0 => Event::Blind(lasts),
            1 => Event::Flaky(1 + chance.below(9), lasts),
            2 => Event::FallIll(count, lasts),
            3 => Event::Kill,
            _ => Event::Die(count),
        };
        scene.plan(from, event);
    }
    scene.plan(at(FAULTS_END), Event::Mood(Mood::Well));
}
