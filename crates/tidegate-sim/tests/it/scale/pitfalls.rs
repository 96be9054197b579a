//! What autoscalers are known to do wrong, by name. Each scenario shows first that an honest, naive
//! policy falls into it, and then that ours do not. `regress_PROJECT_ISSUE` is a report of others.

use std::collections::BTreeMap;

use tidegate_core::model::autoscale::{Bounds, Capacity, Policy, Targets};
use tidegate_core::model::server::ServerId;
use tidegate_core::scale::meter::{Meter, Reading, ServerReading};
use tidegate_core::scale::observed::{Demand, FleetCount, Load, Observed, Sample, Steering};
use tidegate_core::scale::plan::{Memory, plan};
use tidegate_core::scale::target;
use tidegate_core::telemetry::histogram::Histogram;
use tidegate_core::time::Duration;
use tidegate_sim::traffic::Rate;

use super::scene::{Event, Scene, Sight};
use super::shop::{RATE, Shop, at, ratio, seconds};

const POLICIES: [Policy; 3] = [Policy::Slo, Policy::Target, Policy::Levels];

/// What a run came to.
#[derive(Debug, Default)]
struct Run {
    most: u32,
    least: Option<u32>,
    /// Changes of direction.
    turns: u32,
    /// The shortest time from a growth to a shrinking.
    hasty: Option<Duration>,
    /// Requests that were not answered in time, of all.
    late: f64,
    asked: f64,
    /// The last number.
    last: u32,
}

impl Run {
    /// Runs a scene from one second to another; what was before is not looked at.
    fn of(scene: &mut Scene, from: u64, until: u64) -> Self {
        let (mut run, mut rising, mut grown) = (Self::default(), None, None);
        scene.run(until, |_, looked| {
            let servers = looked.servers;
            let before = std::mem::replace(&mut run.last, servers);
            if looked.at < at(from) {
                return;
            }
            run.most = run.most.max(servers);
            run.least = Some(run.least.map_or(servers, |least| least.min(servers)));
            let demand = looked.worked.demand;
            run.asked += demand.arrivals;
            run.late += (demand.arrivals - demand.goodput).max(0.0);
            if servers == before || before == 0 {
                return;
            }
            run.turns += u32::from(rising.replace(servers > before) == Some(servers < before));
            if servers > before {
                grown = Some(looked.at);
            } else if let Some(grown) = grown {
                let since: Duration = looked.at.since(grown);
                run.hasty = Some(run.hasty.map_or(since, |hasty| hasty.min(since)));
            }
        });
        run
    }

    fn late_share(&self) -> f64 {
        self.late / self.asked.max(1.0)
    }
}

/// Asks a policy once in so many looks; between them its word stands.
fn every(
    looks: u32,
    mut says: impl FnMut(&Sight<'_>) -> u32 + 'static,
) -> impl FnMut(&Sight<'_>) -> u32 {
    let (mut look, mut word) = (0, 0);
    move |sight| {
        if look % looks == 0 {
            word = says(sight);
        }
        look += 1;
        word
    }
}

fn committed(sight: &Sight<'_>) -> u32 {
    sight.observed.fleet.committed()
}

/// Servers by arrivals at seven tenths, where unknown is taken for none.
fn by_arrivals(sight: &Sight<'_>) -> u32 {
    let arrivals = sight.observed.demand.map_or(0.0, |demand| demand.arrivals);
    target::ceil(arrivals / (0.7 * RATE))
}

/// CPU is a minute old when it is seen, an instance needs three to start, and demand goes a little
/// up and down: "from 5 to 30 servers on a ripple".
#[test]
fn old_metrics_and_slow_starts_do_not_multiply_servers() {
    let shop = |policy| {
        let mut shop = Shop::new(policy).booting(180);
        shop.settings.bounds = Bounds { min: 5, max: 30 };
        (shop.running, shop.delay) = (5, 60);
        let period = seconds(600);
        shop.asked(Rate::Wave { low: 300.0, high: 390.0, period })
    };
    let naive = every(60, |sight| match sight.observed.load.cpu {
        Some(cpu) if cpu > 0.7 => 2 * committed(sight),
        _ => committed(sight),
    });
    let naive = Run::of(&mut Scene::naive(shop(Policy::Levels), naive), 0, 1800);
    assert_eq!(naive.most, 30, "it grows again before what it ordered has come");
    for policy in POLICIES {
        let ours = Run::of(&mut Scene::new(shop(policy), 1), 0, 1800);
        assert!(ours.most <= 10, "one step, {policy:?}: {ours:?}");
    }
}

/// With one server fewer CPU is above the one threshold, with one more below the other.
#[test]
fn a_pool_does_not_sway_around_a_threshold() {
    let shop = |policy| {
        let shop = Shop::new(policy).booting(20);
        shop.asked(Rate::Steady(650.0))
    };
    let naive = every(30, |sight| match sight.observed.load.cpu {
        Some(cpu) if cpu > 0.8 => committed(sight) + 1,
        Some(cpu) if cpu < 0.75 => committed(sight) - 1,
        _ => committed(sight),
    });
    let naive = Run::of(&mut Scene::naive(shop(Policy::Levels), naive), 600, 3600);
    assert!(naive.turns >= 20, "{naive:?}");
    for policy in POLICIES {
        let ours = Run::of(&mut Scene::new(shop(policy), 1), 600, 3600);
        assert!(ours.turns <= 1, "{policy:?}: {ours:?}");
    }
}

/// Demand swells every four minutes, and falls when what was launched for it has just arrived.
#[test]
fn nothing_shrinks_right_after_it_grew() {
    let shop = |policy| {
        let shop = Shop::new(policy).booting(30);
        shop.asked(Rate::Wave { low: 300.0, high: 1200.0, period: seconds(240) })
    };
    let naive = every(15, by_arrivals);
    let naive = Run::of(&mut Scene::naive(shop(Policy::Target), naive), 300, 2400);
    assert!(naive.hasty < Some(seconds(60)) && naive.turns >= 10, "{naive:?}");
    for policy in POLICIES {
        let ours = Run::of(&mut Scene::new(shop(policy), 1), 300, 2400);
        assert!(ours.hasty.is_none_or(|hasty| hasty >= seconds(300)), "{policy:?}: {ours:?}");
        assert!(ours.turns <= 2, "{policy:?}: {ours:?}");
    }
}

/// A balancer that begins finds twenty servers, no memory of why, and clients that are not back.
#[test]
fn regress_kubernetes_68826_a_start_without_history_shrinks_nothing() {
    let shop = |policy| {
        let mut shop = Shop::new(policy).booting(180);
        shop.running = 20;
        shop.asked(Rate::Step { before: 50.0, at: at(60), after: 1350.0 })
    };
    let naive = every(15, by_arrivals);
    let naive = Run::of(&mut Scene::naive(shop(Policy::Target), naive), 10, 600);
    assert!(naive.least < Some(10) && naive.late_share() > 0.1, "{naive:?}");
    for policy in POLICIES {
        let mut scene = Scene::new(shop(policy), 1);
        let ours = Run::of(&mut scene, 10, 300);
        assert!(ours.least >= Some(20), "{policy:?}: {ours:?}");
        assert!(ours.late_share() < 0.01, "{policy:?}: {ours:?}");
    }
}

/// The source of metrics is down for ten minutes.
#[test]
fn regress_keda_1850_an_outage_of_metrics_is_not_the_absence_of_demand() {
    let scene = |mut scene: Scene| {
        scene.plan(at(600), Event::Blind(seconds(600)));
        scene
    };
    let shop = |policy| {
        let mut shop = Shop::new(policy).booting(30);
        shop.running = 20;
        shop.settings.targets.cpu = Some(ratio(0.8));
        shop.asked(Rate::Steady(1300.0))
    };
    let naive = every(15, by_arrivals);
    let naive = Run::of(&mut scene(Scene::naive(shop(Policy::Target), naive)), 600, 1200);
    assert_eq!(naive.least, Some(6), "{naive:?}");
    for policy in POLICIES {
        let mut scene = scene(Scene::new(shop(policy), 1));
        let before = Run::of(&mut scene, 0, 600).last;
        let ours = Run::of(&mut scene, 615, 1199);
        assert!(ours.least >= Some(before), "{policy:?}: {before} {ours:?}");
        assert!(ours.late_share() < 0.01, "{policy:?}: {ours:?}");
    }
}

/// For ten minutes no instance that is launched ever answers. Whoever asks for what does not answer
/// once more asks for ever more.
#[test]
fn regress_kubernetes_76187_launches_that_fail_do_not_pile_up() {
    let scene = |mut scene: Scene| {
        scene.plan(at(100), Event::Flaky(10, seconds(600)));
        scene
    };
    let shop = |policy| {
        let shop = Shop::new(policy).booting(20);
        shop.asked(Rate::Step { before: 350.0, at: at(120), after: 1000.0 })
    };
    let mut asked = 0;
    let naive = every(30, move |sight| {
        let missing = by_arrivals(sight).saturating_sub(sight.observed.fleet.in_rotation());
        asked = asked.max(committed(sight)) + missing;
        asked
    });
    let mut naive_scene = scene(Scene::naive(shop(Policy::Target), naive));
    let naive = Run::of(&mut naive_scene, 0, 700);
    assert_eq!(naive.most, 60, "{naive:?}");
    for policy in POLICIES {
        let mut scene = scene(Scene::new(shop(policy), 1));
        let ours = Run::of(&mut scene, 0, 700);
        // What thresholds on CPU ask for is a share of what there is, and not of demand.
        let most = if policy == Policy::Levels { 24 } else { 16 };
        assert!(ours.most <= most, "{policy:?}: {ours:?}");
        assert!(scene.names() <= 60, "{policy:?}: {} launches", scene.names());
        let after = Run::of(&mut scene, 1100, 1400);
        assert!(after.late_share() < 0.01, "{policy:?}: and then it gets what it needs: {after:?}");
    }
}

/// Instances that start keep a CPU busy. Counted as load, they call for more of their kind.
#[test]
fn regress_kubernetes_28692_the_work_of_starting_is_not_load() {
    let shop = |policy| {
        let mut shop = Shop::new(policy).booting(120);
        shop.settings.targets = Targets { cpu: Some(ratio(0.7)), ..Targets::default() };
        shop.asked(Rate::Step { before: 400.0, at: at(60), after: 560.0 })
    };
    let naive = every(15, |sight| {
        let busy = sight.cpu.map_or(0.0, |cpu| cpu * f64::from(sight.running));
        target::ceil(busy / 0.7)
    });
    let naive = Run::of(&mut Scene::naive(shop(Policy::Target), naive), 0, 900);
    assert!(naive.most >= 30, "for a demand of eight: {naive:?}");
    for policy in POLICIES {
        let ours = Run::of(&mut Scene::new(shop(policy), 1), 0, 900);
        assert!((8..=16).contains(&ours.most), "{policy:?}: {ours:?}");
    }
}

/// Instances fall ill one after the other, and for a while each has its successor beside it.
/// Counted as servers that are wanted, surplus breeds surplus.
#[test]
fn regress_kubernetes_72775_replacements_are_not_demand() {
    let scene = |mut scene: Scene| {
        for minute in 5..35 {
            scene.plan(at(minute * 60), Event::FallIll(1, seconds(900)));
        }
        scene
    };
    let shop = |policy| {
        let mut shop = Shop::new(policy).booting(60);
        shop.running = 20;
        shop.settings.replace_after = seconds(30);
        shop.asked(Rate::Steady(1320.0))
    };
    let naive = every(15, |sight| {
        let cpu = sight.observed.load.cpu.unwrap_or(0.7);
        let running = f64::from(sight.running);
        if cpu > 0.6 { target::ceil(running * cpu / 0.66) } else { sight.running }
    });
    let naive = Run::of(&mut scene(Scene::naive(shop(Policy::Target), naive)), 0, 2100);
    assert!(naive.most >= 30, "{naive:?}");
    for policy in POLICIES {
        let ours = Run::of(&mut scene(Scene::new(shop(policy), 1)), 0, 2100);
        assert!(ours.most <= 24, "{policy:?}: {ours:?}");
        assert!(ours.late_share() < 0.02, "{policy:?}: {ours:?}");
    }
}

/// Five times the demand within a second. Until more servers have come, answers take ten seconds
/// because requests wait; a server works on one for 50 ms as ever.
#[test]
fn a_backlog_does_not_make_work_look_long() {
    for capacity in [Capacity::Requests(RATE), Capacity::InFlight(5.0)] {
        let mut shop = Shop::new(Policy::Slo);
        shop.settings.capacity = capacity;
        let rate = Rate::Step { before: 400.0, at: at(60), after: 2000.0 };
        let run = Run::of(&mut Scene::new(shop.asked(rate), 1), 0, 600);
        assert!((20..=31).contains(&run.most), "{capacity:?}: {run:?}");
    }
}

/// One of ten servers answers 503 within a millisecond, and as it has nothing to do it is given
/// half of all requests. The mean of what was measured says that work has become short.
#[test]
fn a_black_hole_does_not_make_servers_look_able_to_do_more() {
    let (mut memory, mut meter) = (Memory::default(), Meter::default());
    let mut shop = Shop::new(Policy::Slo);
    shop.settings.capacity = Capacity::InFlight(5.0);
    let mut floor = Floor::default();
    let (mut naive, mut ours) = (u32::MAX, u32::MAX);
    for second in 0..900 {
        let mean = floor.work(second >= 300);
        let demand = meter.take(floor.reading(second), shop.settings.slo.latency, at(second));
        let plan = plan(&shop.settings, &look(&shop, demand, second), &mut memory, at(second));
        if second >= 300 {
            naive = naive.min(target::ceil(Floor::ARRIVALS as f64 / (5.0 / mean) / 0.7));
            ours = ours.min(plan.servers);
        }
    }
    assert!(naive <= 5, "{naive}");
    assert!(ours >= 8, "{ours}");
}

/// Ten servers, each of whose requests is counted.
#[derive(Default)]
struct Floor {
    servers: [Histogram; 10],
    failures: u64,
}

impl Floor {
    /// Requests a second.
    const ARRIVALS: u64 = 400;

    /// A second of work, and how long requests took in it on average. With a hole every other
    /// request goes there.
    fn work(&mut self, has_hole: bool) -> f64 {
        let mut seconds = 0.0;
        for request in 0..Self::ARRIVALS as usize {
            let falls = has_hole && request % 2 == 0;
            let server = if falls { 0 } else { request % 9 + 1 };
            let took = Duration::from_millis(if falls { 1 } else { 80 });
            self.failures += u64::from(falls);
            self.servers[server].observe(took);
            seconds += took.as_secs_f64();
        }
        seconds / Self::ARRIVALS as f64
    }

    fn reading(&self, second: u64) -> Reading {
        let counted = |(place, histogram): (usize, &Histogram)| {
            let failures = if place == 0 { self.failures } else { 0 };
            let (duration, sample) = (histogram.totals(), Sample::Fair);
            (ServerId(place as u64), ServerReading { failures, duration, sample })
        };
        let servers: BTreeMap<_, _> = self.servers.iter().enumerate().map(counted).collect();
        Reading { arrivals: Self::ARRIVALS * second, in_flight: 32, servers }
    }
}

fn look(shop: &Shop, demand: Option<Demand>, second: u64) -> Observed {
    Observed {
        demand,
        fleet: FleetCount { serving: 10, ..FleetCount::default() },
        load: Load::default(),
        startup: Some(shop.settings.startup),
        quota: None,
        steering: Steering::default(),
        pledge: None,
        at: Scene::wall(second),
    }
}
