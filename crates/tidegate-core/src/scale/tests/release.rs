//! Two pools that a rollout is between: each sized on its own demand, and on what the rollout
//! needs.

use super::super::capacity::Able;
use super::super::observed::{Hand, HandWants};
use super::super::plan::{Limit, Memory, Plan};
use super::super::release::{Ask, Keeps, Known, Wants, pledges};
use super::super::wish::Source;
use super::fixture::{Pool, settings};
use crate::model::autoscale::{Capacity, Policy, Sale, SaleWants};
use crate::model::ids::{PoolName, RolloutName};
use crate::model::ratio;
use crate::model::rollout::{Share, Side};
use crate::time::UnixTime;

/// A shop in two versions, whose servers do 100 requests a second each.
struct Shop {
    stable: Pool,
    candidate: Pool,
    ask: Ask,
    all: f64,
}

impl Shop {
    fn new(policy: Policy, serving: u32) -> Self {
        let mut candidate = Pool::new(settings(policy), 1);
        candidate.settings.bounds.min = 1;
        Self { stable: Pool::new(settings(policy), serving), candidate, ask: ask(), all: 0.0 }
    }

    /// The share that the candidate has, and the one that it is to have next.
    fn share(&mut self, share: f64, next: f64) {
        (self.ask.share, self.ask.next) = (percent(share), next / 100.0);
    }

    /// The fraction of all demand that so many servers of the candidate can take.
    fn able(&self, servers: u32) -> f64 {
        let Pool { settings, memory, .. } = &self.candidate;
        memory.able(settings, &self.candidate.observed(), servers).expect("demand is known")
    }

    /// Looks at both for so many seconds; the last plans.
    fn run(&mut self, seconds: u64) -> (Plan, Plan) {
        (0..seconds).map(|_| self.look()).last().expect("at least one look")
    }

    fn look(&mut self) -> (Plan, Plan) {
        let to_candidate = self.all * self.ask.share.as_fraction();
        self.stable.arrivals = Some(self.all - to_candidate);
        self.candidate.arrivals = Some(to_candidate);
        let (stable, candidate) = pledges(&self.ask, &known(&self.stable), &known(&self.candidate));
        (self.stable.pledge, self.candidate.pledge) = (Some(stable), Some(candidate));
        (self.stable.look(), self.candidate.look())
    }
}

fn known(pool: &Pool) -> Known {
    let observed = pool.observed();
    Known {
        arrivals: pool.arrivals,
        servers: observed.fleet.in_rotation(),
        instances: observed.fleet.paid(),
        able: Some(Able { rate: 100.0, slots: None, service: None, confidence: 1.0 }),
    }
}

fn percent(percent: f64) -> Share {
    Share::percent(percent).expect("the tests' shares are shares")
}

fn ask() -> Ask {
    Ask {
        rollout: RolloutName::new("shop-v2"),
        stable: PoolName::new("shop"),
        candidate: PoolName::new("shop-v2"),
        share: Share::NONE,
        next: 0.01,
        keeps: Keeps::All,
        max_total: ratio::Limit::Unlimited,
    }
}

fn release() -> Source {
    Source::Release(RolloutName::new("shop-v2"))
}

fn limits(plan: &Plan) -> Vec<Limit> {
    plan.limits.iter().map(|limited| limited.by).collect()
}

#[test]
fn stable_keeps_capacity_for_everybody_and_the_candidate_has_its_share() {
    for (policy, all) in [(Policy::Slo, 11..=13), (Policy::Target, 14..=16)] {
        let mut shop = Shop::new(policy, 15);
        shop.all = 1100.0;
        for (share, next, least, most) in
            [(0.0, 1.0, 1, 1), (1.0, 25.0, 3, 4), (25.0, 50.0, 6, 8), (50.0, 100.0, 11, 15)]
        {
            shop.share(share, next);
            let (stable, candidate) = shop.run(900);
            assert!(stable.servers >= *all.start(), "{policy:?} at {share} %: {stable}");
            assert!(stable.servers <= 15, "{policy:?} at {share} %: {stable}");
            let servers = candidate.servers;
            assert!((least..=most).contains(&servers), "{policy:?} at {share} %: {candidate}");
        }
        assert_eq!(shop.run(1).0.wishes[0].source, release());
    }
}

#[test]
fn a_step_has_its_servers_whole_and_unslowed() {
    let mut shop = Shop::new(Policy::Slo, 40);
    shop.all = 3000.0;
    shop.run(60);
    shop.share(1.0, 100.0);
    let (_, candidate) = shop.look();
    assert!(candidate.servers >= 30, "{candidate}");
    assert_eq!(candidate.wishes[0].source, release());
    let because = &candidate.wishes[0].because;
    assert!(because.starts_with("the candidate is to take 100 % of "), "{because}");
}

#[test]
fn users_who_change_sides_are_no_fall_of_demand() {
    let mut shop = Shop::new(Policy::Slo, 12);
    shop.all = 1000.0;
    shop.run(1200);
    let before = shop.run(1).0.servers;
    shop.share(100.0, 100.0);
    shop.run(3600);
    let forecast = |pool: &Pool| {
        let listen = super::super::forecast::foresight::Listen::All;
        pool.memory.policy.slo.forecast.upper(0.0, listen).expect("demand came").level
    };
    for pool in [&shop.stable, &shop.candidate] {
        let level = forecast(pool);
        assert!((level - 1000.0).abs() < 1.0, "both foresee the demand of both: {level}");
    }
    assert!(shop.stable.serving >= before - 1, "{} of {before}", shop.stable.serving);
}

#[test]
fn a_look_after_an_abort_shrinks_nothing() {
    for policy in [Policy::Slo, Policy::Target, Policy::Levels] {
        let mut shop = Shop::new(policy, 16);
        shop.all = 1100.0;
        shop.share(50.0, 100.0);
        shop.stable.load.cpu = Some(0.2);
        let (before, _) = shop.run(1800);
        shop.stable.pledge = None;
        shop.stable.arrivals = Some(1100.0);
        shop.stable.load.cpu = Some(0.5);
        let least = (0..300).map(|_| shop.stable.look().servers).min();
        assert!(least >= Some(before.servers), "{policy:?}: {least:?} of {}", before.servers);
    }
}

#[test]
fn at_rest_a_pool_is_as_small_as_it_is_said_to_be_even_below_min() {
    for policy in [Policy::Slo, Policy::Target, Policy::Levels] {
        let mut shop = Shop::new(policy, 12);
        shop.stable.settings.warm.size = 2;
        shop.all = 900.0;
        shop.share(100.0, 100.0);
        shop.run(600);
        shop.ask.keeps = Keeps::Servers(2);
        let (stable, candidate) = shop.run(1);
        assert_eq!((stable.servers, stable.warm), (2, 0), "{policy:?}: {stable}");
        assert!(candidate.servers >= 8, "{policy:?}: {candidate}");
        shop.ask.keeps = Keeps::Servers(0);
        assert_eq!(shop.run(1).0.servers, 0, "{policy:?}");
        shop.stable.listed = 1;
        let (stable, _) = shop.run(1);
        assert_eq!(stable.instances, 0, "{policy:?}");
    }
}

#[test]
fn a_pool_at_rest_that_is_still_asked_serves() {
    let mut shop = Shop::new(Policy::Slo, 12);
    shop.all = 1000.0;
    // Some routes take no part.
    shop.share(60.0, 60.0);
    shop.run(600);
    shop.ask.keeps = Keeps::Servers(0);
    let (stable, _) = shop.run(900);
    assert!((4..=8).contains(&stable.servers), "{stable}");
}

#[test]
fn at_the_ceiling_the_side_waits_that_users_are_not_on() {
    let mut shop = Shop::new(Policy::Slo, 12);
    shop.ask.max_total = ratio::Limit::At(20);
    shop.all = 1000.0;
    shop.share(25.0, 100.0);
    let (stable, candidate) = shop.run(60);
    assert!(stable.servers >= 10, "{stable}");
    assert_eq!((candidate.servers, limits(&candidate)), (8, vec![Limit::Release]));
    assert_eq!(candidate.strain(), None, "it may do");
    let able = shop.able(8);
    assert!((0.25..1.0).contains(&able), "{able}");
    // Users who are there are served: what they need does not wait, and nothing of it is stopped.
    shop.share(100.0, 100.0);
    let (before, candidate) = shop.run(60);
    assert!(candidate.servers >= 10, "{candidate}");
    shop.all = 1500.0;
    let (stable, candidate) = shop.run(120);
    assert!(candidate.servers >= 15, "{candidate}");
    assert_eq!((stable.servers, limits(&stable)), (before.servers, vec![Limit::Release]));
}

#[test]
fn a_number_by_hand_beats_a_rollout_which_beats_a_sale() {
    let mut shop = Shop::new(Policy::Slo, 12);
    shop.all = 900.0;
    let at = |seconds: u64| UnixTime::from_millis(shop.stable.at().as_millis() + seconds * 1000);
    let (from, to) = (at(0), at(10_000));
    let sale = Sale { name: "sale".to_owned(), from, to, wants: SaleWants::Min(5), repeat: None };
    shop.stable.settings.schedule = vec![sale];
    shop.share(100.0, 100.0);
    assert!(shop.run(600).0.servers >= 9);
    shop.ask.keeps = Keeps::Servers(1);
    assert_eq!(shop.run(1).0.servers, 1);
    shop.stable.settings.bounds.min = 1;
    shop.ask.keeps = Keeps::All;
    let hand = Hand { wants: HandWants::Exactly(3), until: to, by: "alice".to_owned() };
    shop.stable.steering.hand = Some(hand);
    assert_eq!(shop.run(1).0.servers, 3);
}

#[test]
fn where_nothing_is_known_of_servers_the_candidate_has_its_share_of_them() {
    let mut shop = Shop::new(Policy::Levels, 12);
    for pool in [&mut shop.stable, &mut shop.candidate] {
        pool.settings.capacity = Capacity::Learn;
    }
    // Nothing is asked, so nothing is learned.
    shop.share(0.0, 50.0);
    let (stable, candidate) = pledges(&shop.ask, &known(&shop.stable), &Known::default());
    let unknown = |known: Known| Known { able: None, ..known };
    shop.candidate.pledge =
        Some(super::super::release::Pledge { stable: unknown(candidate.stable), ..candidate });
    assert_eq!(stable.wants, Wants::Demand(1.0));
    assert_eq!(shop.candidate.look().servers, 6);
}

#[test]
fn the_candidate_is_taken_for_what_stable_is_until_it_shows_what_it_can() {
    let mut shop = Shop::new(Policy::Slo, 14);
    shop.candidate.settings.capacity = Capacity::Learn;
    shop.all = 1000.0;
    shop.share(1.0, 50.0);
    let (_, candidate) = shop.run(60);
    assert!(
        (5..=8).contains(&candidate.servers),
        "ten requests a second show nothing: {candidate}"
    );
}

#[test]
fn what_a_pool_was_made_able_to_take_it_can_take() {
    for policy in [Policy::Slo, Policy::Target] {
        let mut shop = Shop::new(policy, 15);
        shop.all = 1100.0;
        for next in [1.0, 5.0, 25.0, 50.0, 100.0, 130.0] {
            shop.share(0.0, next);
            let (_, candidate) = shop.run(60);
            let able = shop.able(candidate.servers);
            assert!(able >= next / 100.0, "{policy:?}: {able} of {next} %");
            let fewer = shop.able(candidate.servers - 1);
            assert!(fewer < next / 100.0, "{policy:?}: {fewer} of {next} %");
        }
    }
}

#[test]
fn the_candidate_foresees_as_far_back_as_stable_has_seen() {
    let mut shop = Shop::new(Policy::Slo, 15);
    shop.all = 1000.0;
    shop.run(3600);
    let known = shop.stable.memory.policy.slo.forecast.known();
    let mut young = Memory::default();
    young.share_past(&shop.stable.memory);
    assert_eq!(young.policy.slo.forecast.known(), known);
    young.share_past(&Memory::default());
    assert_eq!(young.policy.slo.forecast.known(), known, "nobody forgets");
}

#[test]
fn an_emergency_and_a_limit_are_strain() {
    let mut shop = Shop::new(Policy::Levels, 12);
    shop.all = 500.0;
    shop.stable.load.cpu = Some(0.5);
    assert_eq!(shop.run(60).0.strain(), None);
    shop.stable.load.cpu = Some(0.9);
    let strain = shop.run(16).0.strain();
    assert_eq!(strain.as_deref(), Some("a threshold of emergency is passed"));
    let mut full = Shop::new(Policy::Slo, 60);
    full.all = 9000.0;
    assert_eq!(full.run(60).0.strain().as_deref(), Some("held at 60 by max"));
}

#[test]
fn what_is_asked_of_each_side() {
    let (stable, candidate) = (
        Known { arrivals: Some(90.0), servers: 9, instances: 9, able: None },
        Known { arrivals: Some(10.0), servers: 1, instances: 2, able: None },
    );
    for (share, next, keeps, wants, most) in [
        (1.0, 5.0, Keeps::All, (1.0, 0.05), (None, Some(11))),
        (50.0, 50.0, Keeps::All, (1.0, 0.5), (None, Some(11))),
        (100.0, 130.0, Keeps::All, (1.0, 1.3), (Some(18), None)),
    ] {
        let ask = Ask {
            share: percent(share),
            next: next / 100.0,
            keeps,
            max_total: ratio::Limit::At(20),
            ..ask()
        };
        let (kept, taken) = pledges(&ask, &stable, &candidate);
        assert_eq!((kept.side, taken.side), (Side::Stable, Side::Candidate));
        assert_eq!((kept.wants, taken.wants), (Wants::Demand(wants.0), Wants::Demand(wants.1)));
        assert_eq!((kept.most, taken.most), most, "at {share} %");
        assert_eq!((kept.all, taken.all), (Some(100.0), Some(100.0)));
    }
    let unknown = Known { arrivals: None, ..candidate };
    assert_eq!(pledges(&ask(), &stable, &unknown).0.all, None, "unknown is not zero");
}
