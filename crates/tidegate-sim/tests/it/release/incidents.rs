//! What others have seen go wrong between releases and autoscalers, by name:
//! `regress_PROJECT_ISSUE`.
//! Each scenario shows first that what was done there leads into it, and then that ours does not.

use tidegate_core::model::autoscale::Policy;
use tidegate_core::model::rollout::Share;
use tidegate_core::rollout::command::Command;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::rollout::verdict::Outcome;
use tidegate_core::scale::observed::Sample;
use tidegate_core::scale::target;
use tidegate_sim::provider::Mood;
use tidegate_sim::traffic::Rate;

use super::scene::{Release, Seen, canary, shop};
use crate::scale::scene::{Event, Looked};
use crate::scale::shop::{RATE, at, ratio, seconds};

/// More than that is no planner's margin: aiming at 70 % of capacity, and a server beside.
fn at_most(rate: f64) -> u32 {
    target::ceil(rate / RATE / target::UTILIZATION) + 1
}

/// What must hold in every second of every rollout, and what a run came to.
#[derive(Debug, Default)]
struct Run {
    /// The most servers of stable, and of both together.
    stable_most: u32,
    both_most: usize,
    /// The fewest of stable before the bake ends, beyond what all demand takes.
    spare: Option<f64>,
    asked: f64,
    late: f64,
    refused: u32,
    /// The last of each.
    stable: u32,
    candidate: u32,
    share: Share,
    phase: Phase,
}

impl Run {
    fn of(release: &mut Release, until: u64) -> Self {
        let mut run = Self::default();
        release.run(until, |seen| run.see(seen));
        run
    }

    fn see(&mut self, seen: &Seen<'_>) {
        let Seen { stable, candidate, .. } = seen;
        self.stable_most = self.stable_most.max(stable.servers);
        self.both_most = self.both_most.max(seen.instances);
        if seen.phase.is_open() {
            let spare = Seen::room(stable) - seen.all;
            self.spare = Some(self.spare.map_or(spare, |least| least.min(spare)));
        }
        for looked in [stable, candidate] {
            self.count(looked);
        }
        (self.stable, self.candidate) = (stable.servers, candidate.servers);
        (self.share, self.phase) = (seen.share, seen.phase);
    }

    fn count(&mut self, looked: &Looked) {
        let demand = looked.worked.demand;
        self.asked += demand.arrivals;
        self.late += (demand.arrivals - demand.goodput).max(0.0);
        let is_alone = demand.arrivals > 0.0 && looked.observed.fleet.in_rotation() == 0;
        self.refused += u32::from(is_alone || demand.sample == Sample::Disturbed);
    }

    /// Nobody waited for a server, and stable could have taken everybody back.
    #[track_caller]
    fn is_well(&self) {
        assert_eq!(self.refused, 0, "{self:?}");
        assert!(self.late <= self.asked * 0.001, "{self:?}");
        assert!(self.spare.is_none_or(|spare| spare >= 0.0), "{self:?}");
    }
}

/// A shop at its usual demand for ten minutes, and then a rollout.
fn started(mut release: Release) -> Release {
    release.run(600, |_| {});
    release.command(Command::Start);
    release
}

/// Instances that start beside those that serve were counted as servers that are wanted, and the
/// next surge was a quarter of those.
#[test]
fn regress_kubernetes_72775_a_surge_is_not_demand() {
    let mut naive = 383_u32;
    for _ in 0..3 {
        // So busy is each that serves, which is what is aimed at: the product is what there is.
        let counted = target::ceil(f64::from(naive) * 1.25);
        naive = target::ceil(f64::from(counted) * 0.66 / 0.66);
    }
    assert!(naive >= 664, "{naive}");
    let all = 383.0 * RATE * 0.66;
    let mut release =
        started(Release::new(shop(383, 1000), shop(2, 1000), canary(), Rate::Steady(all)));
    let run = Run::of(&mut release, 600 + 1000);
    run.is_well();
    assert_eq!((run.share, run.phase), (Share::ALL, Phase::Baking));
    assert!(run.stable_most <= 383, "{run:?}");
    assert!(run.both_most <= 383 + at_most(all) as usize, "one surge, and no more: {run:?}");
    println!("kubernetes#72775: stable {}, both {}", run.stable_most, run.both_most);
}

/// Memory in use is the same with work and without. Counted over both versions it asks for more of
/// one because there are more of the other.
#[test]
fn regress_argo_rollouts_3849_servers_of_the_candidate_do_not_grow_stable() {
    let (mut stable, max) = (12_u32, 42);
    for _ in 0..10 {
        let candidate = target::ceil(f64::from(stable) * 0.65);
        stable = target::ceil(f64::from(stable + candidate) * 0.55 / 0.6).clamp(stable, max);
    }
    assert_eq!(stable, max);
    let with_memory = |running| {
        let mut shop = shop(running, max);
        shop.settings.targets.memory = Some(ratio(0.6));
        shop.memory = Some(0.55);
        shop
    };
    let all = Rate::Steady(800.0);
    let mut release = started(Release::new(with_memory(12), with_memory(2), canary(), all));
    let run = Run::of(&mut release, 600 + 1100);
    run.is_well();
    assert_eq!(run.share, Share::ALL);
    assert!(run.stable_most <= 12, "{run:?}");
    assert!(run.both_most <= 12 + at_most(800.0) as usize, "{run:?}");
    println!("argo-rollouts#3849: stable {}, both {}", run.stable_most, run.both_most);
}

/// The candidate's servers wait for something, and answer late. Their measures are none of
/// stable's; and when they are found worse, nobody who goes back has to wait.
#[test]
fn regress_argo_rollouts_2857_a_candidate_in_trouble_does_not_grow_stable() {
    let mut naive = 12_u32;
    for _ in 0..20 {
        // Half of all servers are as busy as can be, the others are not: more than is aimed at.
        naive = target::ceil(f64::from(naive) * f64::midpoint(1.0, 0.6) / 0.7).min(42);
    }
    assert_eq!(naive, 42);
    let mut candidate = shop(2, 42);
    candidate.behind = 60.0;
    let all = Rate::Steady(800.0);
    let mut release = started(Release::new(shop(12, 42), candidate, canary(), all));
    let before = Run::of(&mut release, 600 + 360);
    assert_eq!(before.share, Share::percent(10.0).expect("it is one"));
    let during = Run::of(&mut release, 600 + 500);
    assert!(during.stable_most <= at_most(800.0), "{during:?}");
    assert!(during.candidate <= 8, "more of them do not help: {during:?}");
    release.verdict = Outcome::Breach("P99".to_owned());
    let _ = Run::of(&mut release, 600 + 502);
    let after = Run::of(&mut release, 600 + 1500);
    assert_eq!((after.phase, after.share), (Phase::Aborted, Share::NONE));
    after.is_well();
    println!("argo-rollouts#2857: stable {}", during.stable_most);
}

/// Demand rises while the rollout goes on. On average servers are as busy as they should be, while
/// those of the candidate have more than they can do.
#[test]
fn regress_argo_rollouts_4607_an_average_hides_no_version() {
    let (stable, candidate) = (12.0, 10.0);
    let average: f64 = (stable * 0.323 + candidate * 1.09) / (stable + candidate);
    let grown = target::servers_for(average * 22.0, 0.7, 22);
    assert_eq!(grown, 22, "{average} is near enough to 0.7");
    let all = Rate::Wave { low: 800.0, high: 1900.0, period: seconds(2 * 1500) };
    let mut release = started(Release::new(shop(12, 60), shop(2, 60), canary(), all));
    let mut busiest: f64 = 0.0;
    release.run(600 + 900, |seen| {
        let come = seen.candidate.worked.demand.arrivals;
        busiest = busiest.max(come / Seen::room(seen.candidate).max(1.0));
    });
    assert!(busiest <= 1.0, "{busiest}");
    let run = Run::of(&mut release, 600 + 1200);
    run.is_well();
    println!("argo-rollouts#4607: the candidate at {:.0} % at its busiest", busiest * 100.0);
}

/// Demand falls and the pool is scaled down while a rollout is under way: what is left is what the
/// candidate has, and stable has nothing.
#[test]
fn regress_argo_rollouts_1415_a_scale_down_leaves_stable_what_all_users_take() {
    let (total, candidate) = (target::ceil(5.0 / target::UTILIZATION), 8_u32);
    assert_eq!(total.saturating_sub(candidate), 0, "the total less what the candidate has");
    for policy in [Policy::Slo, Policy::Target, Policy::Levels] {
        let version = |running| {
            let mut shop = shop(running, 42);
            shop.settings.policy = policy;
            shop
        };
        let all = Rate::Step { before: 1100.0, at: at(600 + 400), after: 500.0 };
        let mut release = started(Release::new(version(18), version(2), canary(), all));
        let run = Run::of(&mut release, 600 + 1150);
        run.is_well();
        // What is asked for again while the candidate has most users.
        release.all = Rate::Steady(550.0);
        release.command(Command::Abort);
        let after = Run::of(&mut release, 600 + 1800);
        after.is_well();
        assert_eq!((after.phase, after.share), (Phase::Aborted, Share::NONE), "{policy:?}");
        println!("argo-rollouts#1415, {policy:?}: at least {:?} to spare", run.spare);
    }
}

/// With the last step the old servers go while requests still come to them. Here they stay until
/// the bake ends, and a few of them longer.
#[test]
fn regress_argo_rollouts_3586_no_request_is_without_a_server_at_the_last_step() {
    let all = 800.0;
    let mut release = started(Release::new(shop(12, 42), shop(2, 42), canary(), Rate::Steady(all)));
    let mut run = Run::default();
    let (mut switched, mut baked) = (None, None);
    release.run(600 + 3000, |seen| {
        run.see(seen);
        if seen.share == Share::ALL && switched.is_none() {
            switched = Some((seen.second, Seen::room(seen.stable), Seen::room(seen.candidate)));
        }
        if seen.phase == Phase::Keeping && baked.is_none() {
            baked = Some(seen.second);
        }
    });
    run.is_well();
    let (switch, of_stable, of_candidate) = switched.expect("it came to the last step");
    assert!(of_stable >= all && of_candidate >= all, "{of_stable} {of_candidate}");
    let baked = baked.expect("the bake ended");
    assert!(baked >= switch + 600, "{switch} {baked}");
    assert_eq!((run.phase, run.stable), (Phase::Done, 0), "none but listed: {run:?}");
    println!("argo-rollouts#3586: {} requests refused of {:.0}", run.refused, run.asked);
}

/// After the bake `keep_size` servers stay, whatever `min` is.
#[test]
fn after_the_bake_a_few_servers_stay() {
    let mut stable = shop(12, 42);
    stable.settings.bounds.min = 6;
    let all = Rate::Steady(800.0);
    let mut release = started(Release::new(stable, shop(2, 42), canary(), all));
    let mut kept = Vec::new();
    release.run(600 + 3000, |seen| {
        if seen.phase == Phase::Keeping {
            kept.push(seen.stable.servers);
        }
    });
    assert!(kept.len() > 500 && kept[2..].iter().all(|servers| *servers == 2), "{kept:?}");
}

/// The candidate's instances take longer to come than a deadline allows, as autoscalers do their
/// work meanwhile. It is no fault of the candidate: the step waits, says for what, and goes on.
#[test]
fn regress_flagger_944_a_step_waits_for_servers_without_a_deadline() {
    const DEADLINE: u64 = 600;
    let all = Rate::Steady(800.0);
    let mut release = started(Release::new(shop(12, 42), shop(2, 42), canary(), all));
    release.run(600 + 200, |_| {});
    release.candidate.plan(at(600 + 200), Event::Mood(Mood::Short));
    let ten = Share::percent(10.0).expect("it is one");
    let mut longest = 0;
    release.run(600 + 200 + 900, |seen| longest += u64::from(seen.share == ten));
    assert!(longest > DEADLINE, "{longest}");
    let waits = release.waits();
    assert!(waits.iter().any(|wait| wait.what == "capacity"), "{waits:?}");
    release.candidate.plan(at(600 + 1101), Event::Mood(Mood::Well));
    let run = Run::of(&mut release, 600 + 2000);
    assert_eq!(run.share, Share::ALL, "{run:?}");
    run.is_well();
    println!("flagger#944: waited {longest} s at 10 %, then went on");
}
