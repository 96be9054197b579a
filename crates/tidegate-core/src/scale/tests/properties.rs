//! What holds of every plan, whatever is configured and whatever is measured.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::capacity::Able;
use super::super::observed::{
    Demand, FleetCount, Hand, HandWants, Load, Observed, Sample, Service, Steering,
};
use super::super::plan::{self, Memory, Plan, plan};
use super::super::release::{Ask, Keeps, Known, Wants, pledges};
use super::super::wish::Source;
use super::fixture::{ratio, settings};
use crate::model::autoscale::{
    Autoscale, Bounds, Budget, Capacity, CustomMetric, DownStep, Ladder, OnReach, Per, Policy,
    Sale, SaleWants,
};
use crate::model::ids::{PoolName, RolloutName};
use crate::model::ratio::Limit;
use crate::model::rollout::Share;
use crate::time::{Duration, Instant, UnixTime};

/// A look at a pool, so many seconds after the one before.
type Looks = Vec<(u64, Observed)>;

/// The first look's time on the wall.
const BEGIN: u64 = 1_700_000_000;

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![Just(Policy::Slo), Just(Policy::Levels), Just(Policy::Target)]
}

/// A measure that is finite, and else anything that counting and dividing may come to.
fn measure() -> impl Strategy<Value = f64> {
    let odd = prop_oneof![Just(0.0), Just(f64::MIN_POSITIVE), Just(1e300), Just(f64::MAX)];
    prop_oneof![6 => 0.0..10_000.0, 1 => odd]
}

fn rate() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 1.0..1000.0, 1 => Just(0.001), 1 => Just(1e9)]
}

fn capacity() -> impl Strategy<Value = Capacity> {
    let requests = rate().prop_map(Capacity::Requests);
    let in_flight = rate().prop_map(Capacity::InFlight);
    prop_oneof![Just(Capacity::Learn), requests, in_flight]
}

fn ask() -> impl Strategy<Value = Ask> {
    let keeps = prop_oneof![Just(Keeps::All), (0u32..20).prop_map(Keeps::Servers)];
    let most = option::of(0u32..200);
    (0u32..=1_000_000, 0.0..3.0, keeps, most).prop_map(|(share, next, keeps, most)| Ask {
        rollout: RolloutName::new("shop-v2"),
        stable: PoolName::new("shop"),
        candidate: PoolName::new("shop-v2"),
        share: Share::millionths(share),
        next,
        keeps,
        max_total: most.map_or(Limit::Unlimited, Limit::At),
    })
}

fn known() -> impl Strategy<Value = Known> {
    let able = option::of(rate());
    (option::of(measure()), 0u32..100, 0u32..100, able).prop_map(
        |(arrivals, servers, instances, able)| {
            let able = able.map(|rate| Able { rate, slots: None, service: None, confidence: 1.0 });
            Known { arrivals, servers, instances, able }
        },
    )
}

/// Settings that a configuration may come to.
fn any_settings() -> impl Strategy<Value = Autoscale> {
    let size = (1u32..40, 0u32..100, 0u32..6);
    let guard = (1.0..1000.0, 0u64..900, option::of(1u32..10), 0u64..120);
    let goals = (capacity(), option::of(0.01..1.0), option::of(rate()), option::of(rate()));
    let pace = (0u64..400, 1u64..30, 1u32..4);
    (policy(), size, guard, goals, pace).prop_map(|(policy, size, guard, goals, pace)| {
        let mut settings = settings(policy);
        settings.bounds = Bounds { min: size.0, max: size.0 + size.1 };
        settings.warm.size = size.2;
        settings.guard.max_step = guard.0;
        settings.guard.down_cooldown = Duration::from_secs(guard.1);
        settings.guard.down_step = guard.2.map_or(DownStep::Auto, DownStep::Count);
        settings.guard.down_every = Duration::from_secs(guard.3);
        settings.capacity = goals.0;
        settings.targets.cpu = goals.1.map(ratio);
        settings.targets.requests_per_server = goals.2;
        settings.custom.extend(goals.3.map(custom));
        settings.startup = Duration::from_secs(pace.0);
        settings.levels.period = Duration::from_secs(pace.1);
        settings.levels.periods = pace.2;
        let emergency = Some(200.0);
        let (warn, scale, down) = (Some(50.0), 100.0, 10.0);
        settings.levels.requests =
            Some(Ladder { warn, scale, emergency, target: goals.1.map(|_| 80.0), down });
        settings
    })
}

fn custom(target: f64) -> CustomMetric {
    CustomMetric {
        name: "lag".to_owned(),
        prometheus: "http://127.0.0.1:9090".to_owned(),
        query: "lag".to_owned(),
        target,
        per: Per::Mean,
        every: Duration::from_secs(15),
    }
}

fn demand() -> impl Strategy<Value = Demand> {
    let service = option::of((measure(), measure()));
    let flow = (measure(), measure(), measure(), measure(), measure());
    (flow, service, any::<bool>()).prop_map(|(flow, service, fair)| Demand {
        arrivals: flow.0,
        served: flow.1,
        goodput: flow.2.min(flow.1),
        in_flight: flow.3,
        queued: flow.4,
        service: service
            .filter(|(mean, _)| *mean > 0.0)
            .map(|(mean, variation)| Service { mean, variation }),
        sample: if fair { Sample::Fair } else { Sample::Disturbed },
    })
}

fn fleet() -> impl Strategy<Value = FleetCount> {
    let count = || 0u32..60;
    (0u32..4, count(), count(), count(), count()).prop_map(
        |(listed, serving, starting, warm, draining)| FleetCount {
            listed,
            serving,
            starting,
            warm,
            warm_ready: warm / 2,
            draining,
        },
    )
}

fn observed() -> impl Strategy<Value = Observed> {
    let load = (option::of(0.0..1.0), option::of(measure()));
    let startup = option::of(0u64..600);
    (option::of(demand()), fleet(), load, startup).prop_map(|(demand, fleet, load, startup)| {
        Observed {
            demand,
            fleet,
            load: Load { cpu: load.0, custom: vec![load.1], ..Load::default() },
            startup: startup.map(Duration::from_secs),
            quota: None,
            steering: Steering::default(),
            pledge: None,
            at: UnixTime::default(),
        }
    })
}

fn looks() -> impl Strategy<Value = Looks> {
    vec((1u64..120, observed()), 1..24)
}

/// Plans look by look.
fn follow(settings: &Autoscale, looks: &Looks) -> Vec<Plan> {
    let (mut memory, mut second) = (Memory::default(), BEGIN);
    let plans = looks.iter().map(|(wait, observed)| {
        second += wait;
        let at = UnixTime::from_millis(second * 1000);
        let now = Instant::ZERO + Duration::from_secs(second);
        plan(settings, &Observed { at, ..observed.clone() }, &mut memory, now)
    });
    plans.collect()
}

/// A hand, a quota, a freeze: what people and providers add to a look.
fn steered() -> impl Strategy<Value = (Option<HandWants>, Option<u32>, bool)> {
    let exactly = (0u32..1000).prop_map(HandWants::Exactly);
    let at_least = (0u32..1000).prop_map(HandWants::AtLeast);
    (option::of(prop_oneof![exactly, at_least]), option::of(0u32..100), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_stays_within_its_bounds(settings in any_settings(), looks in looks()) {
        for (plan, (_, observed)) in follow(&settings, &looks).iter().zip(&looks) {
            let Bounds { min, max } = settings.bounds;
            prop_assert!(plan.servers >= min, "{plan}");
            prop_assert!(plan.servers <= max.max(observed.fleet.listed), "{plan}");
            prop_assert!(plan.warm == 0 || plan.servers + plan.warm <= max, "{plan}");
            prop_assert_eq!(plan.instances, plan.servers.saturating_sub(observed.fleet.listed));
            prop_assert!(!plan.to_string().contains("NaN"), "{plan}");
        }
    }

    #[test]
    fn no_voice_passes_max_quota_or_a_spent_budget(
        mut settings in any_settings(),
        mut looks in looks(),
        steered in vec(steered(), 24),
        sale in prop_oneof![
            (0u32..1000).prop_map(SaleWants::Min),
            measure().prop_map(SaleWants::Demand),
            (0.0..1e6).prop_map(SaleWants::Factor),
        ],
    ) {
        let (from, to) = (UnixTime::from_millis(0), UnixTime::from_millis(u64::MAX / 2));
        let name = "sale".to_owned();
        settings.schedule.push(Sale { name, from, to, wants: sale, repeat: None });
        settings.budget =
            Some(Budget { server_hour: 60.0, per_day: 100.0, on_reach: OnReach::Hold });
        for ((_, observed), (hand, quota, frozen)) in looks.iter_mut().zip(steered) {
            let until = UnixTime::from_millis(u64::MAX);
            observed.steering = Steering {
                hand: hand.map(|wants| Hand { wants, until, by: "alice".to_owned() }),
                frozen: frozen.then_some(until),
            };
            observed.quota = quota;
        }
        let mut before: Option<u32> = None;
        for (plan, (_, observed)) in follow(&settings, &looks).iter().zip(&looks) {
            let max = settings.bounds.max.max(observed.fleet.listed);
            let frozen = plan.limits.iter().any(|limited| limited.by == plan::Limit::Freeze);
            prop_assert!(frozen || plan.servers <= max, "{plan}");
            if let Some(quota) = observed.quota.filter(|_| !frozen) {
                prop_assert!(plan.servers <= observed.fleet.listed + quota, "{plan}");
            }
            if plan.limits.iter().any(|limited| limited.by == plan::Limit::Budget) && !frozen {
                prop_assert!(before.is_none_or(|before| plan.servers <= before), "{plan}");
            }
            before = Some(plan.servers);
        }
    }

    #[test]
    fn what_a_rollout_asks_keeps_within_max_and_what_both_may_have(
        settings in any_settings(),
        looks in looks(),
        asks in vec((ask(), known(), known(), any::<bool>()), 24),
    ) {
        let pledged = looks.into_iter().zip(asks).map(|((wait, observed), asked)| {
            let (ask, stable, candidate, is_stable) = asked;
            let (kept, taken) = pledges(&ask, &stable, &candidate);
            (wait, Observed { pledge: Some(if is_stable { kept } else { taken }), ..observed })
        });
        let looks: Looks = pledged.collect();
        let mut before = None;
        for (plan, (_, observed)) in follow(&settings, &looks).iter().zip(&looks) {
            let pledge = observed.pledge.as_ref().expect("there is one in each");
            let listed = observed.fleet.listed;
            prop_assert!(plan.servers <= settings.bounds.max.max(listed), "{plan}");
            let rests = matches!(pledge.wants, Wants::Rest(_));
            let before = before.replace(plan.servers).unwrap_or_else(|| observed.fleet.committed());
            let most = pledge.most.map_or(u32::MAX, |most| before.max(listed.saturating_add(most)));
            prop_assert!(plan.servers <= most, "{plan}");
            let least = if rests { 0 } else { settings.bounds.min };
            prop_assert!(plan.servers >= least.min(most), "{plan}");
            prop_assert!(!rests || plan.warm == 0, "{plan}");
            prop_assert!(!plan.to_string().contains("NaN"), "{plan}");
        }
    }

    #[test]
    fn what_is_unknown_never_shrinks_a_pool(
        settings in any_settings(),
        known in looks(),
        waits in vec(1u64..600, 1..24),
        fleet in fleet(),
    ) {
        let dark = |wait: u64| {
            let (demand, load, startup, quota) = (None, Load::default(), None, None);
            let (steering, pledge, at) = (Steering::default(), None, UnixTime::default());
            (wait, Observed { demand, fleet, load, startup, quota, steering, pledge, at })
        };
        let mut looks = known.clone();
        // What was known counts for one period.
        looks.push(dark(60));
        let from = looks.len();
        looks.extend(waits.into_iter().map(dark));
        let plans = follow(&settings, &looks);
        for pair in plans[from - 1..].windows(2) {
            let is_above = pair[0].servers > settings.bounds.max;
            prop_assert!(is_above || pair[1].servers >= pair[0].servers, "{} {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn one_launch_time_sees_one_step(
        settings in any_settings(),
        mut looks in looks(),
        startup in 0u64..600,
    ) {
        for (_, observed) in &mut looks {
            observed.startup = Some(Duration::from_secs(startup));
        }
        let plans = follow(&settings, &looks);
        let mut second = 0;
        let mut past: Vec<(u64, u32)> = Vec::new();
        for (plan, (wait, _)) in plans.iter().zip(&looks) {
            second += wait;
            let before = past.last().map(|(_, servers)| *servers);
            // A count is there until the look at which it changes.
            let ends = past.iter().skip(1).map(|(at, _)| *at).chain([second]);
            let recent = past.iter().zip(ends).filter(|(_, end)| second - end < startup.max(1));
            let base = recent.map(|((_, servers), _)| *servers).min();
            if let (Some(before), Some(base)) = (before, base)
                && plan.servers > before
            {
                let most = (f64::from(base) * settings.guard.max_step).floor();
                let most = most.max(f64::from(base + 4)).max(f64::from(settings.bounds.min));
                prop_assert!(f64::from(plan.servers) <= most, "{base} {plan}");
            }
            past.push((second, plan.servers));
        }
    }

    #[test]
    fn who_leaves_or_waits_is_no_demand(
        settings in any_settings(),
        observed in observed(),
        (draining, warm, starting) in (0u32..100, 0u32..100, 0u32..100),
    ) {
        let planned = |fleet: FleetCount| {
            let looks = vec![(1, Observed { fleet, ..observed.clone() })];
            follow(&settings, &looks).remove(0)
        };
        let plain = FleetCount { draining: 0, warm: 0, warm_ready: 0, ..observed.fleet };
        let others = FleetCount { draining, warm, ..plain };
        prop_assert_eq!(planned(plain).servers, planned(others).servers);
        // What was ordered may stay; it calls for no more.
        let wished = |fleet| planned(fleet).wishes.first().map_or(0, |wish| wish.servers);
        let alone = wished(FleetCount { starting: 0, ..plain });
        let coming = FleetCount { starting, ..plain };
        let bound = alone.max(coming.committed());
        prop_assert!(wished(coming) <= bound, "{} > {bound}", planned(coming));
    }

    #[test]
    fn the_same_looks_give_the_same_plans(settings in any_settings(), looks in looks()) {
        let plans = follow(&settings, &looks);
        prop_assert_eq!(&plans, &follow(&settings, &looks));
        for plan in plans {
            prop_assert!(!plan.wishes.is_empty());
            let held = plan.wishes[0].source == Source::Hold;
            prop_assert!(!held || !plan.wishes[0].because.is_empty());
        }
    }
}
