//! How picks spread over a healthy pool.

use super::fixture::{Fixture, assert_shares, hash, rules};
use crate::model::pool::{Balance, HashTable};

const WEIGHTS: [u16; 6] = [1, 2, 3, 5, 10, 100];

fn as_shares(weights: &[u16]) -> Vec<f64> {
    weights.iter().map(|&weight| f64::from(weight)).collect()
}

#[test]
fn an_idle_pool_is_spread_by_weight_by_every_rule_that_knows_weights() {
    for balance in [
        Balance::WeightedRoundRobin,
        Balance::WeightedLeastConnections,
        Balance::Random,
        Balance::PowerOfTwo,
        Balance::PeakEwma,
    ] {
        let tally = Fixture::new(balance.clone(), &WEIGHTS).tally(100_000);
        assert_shares(&tally, &as_shares(&WEIGHTS), &format!("{balance:?}"));
    }
}

#[test]
fn an_idle_pool_is_spread_evenly_by_every_rule_that_does_not() {
    for balance in [Balance::RoundRobin, Balance::LeastConnections] {
        let tally = Fixture::new(balance.clone(), &WEIGHTS).tally(60_000);
        assert_shares(&tally, &[1.0; 6], &format!("{balance:?}"));
    }
}

#[test]
fn a_request_without_a_key_is_hashed_nowhere_but_spread_by_weight() {
    let mut fixture = Fixture::new(hash(HashTable::Maglev, 1.25), &WEIGHTS);
    let mut tally = [0; 6];
    for _ in 0..50_000 {
        tally[fixture.pick().expect("the pool has servers")] += 1;
    }
    assert_shares(&tally, &as_shares(&WEIGHTS), "keyless");
}

#[test]
fn round_robin_visits_everybody_in_order_before_anybody_again() {
    let mut fixture = Fixture::new(Balance::RoundRobin, &[7, 1, 1, 3]);
    let first = fixture.pick().expect("the pool has servers");
    for step in 1..20 {
        assert_eq!(fixture.pick(), Some((first + step) % 4));
    }
}

#[test]
fn cores_with_different_seeds_start_their_rotations_at_different_places() {
    use crate::balance::{balancer::Balancer, plan::Plan};
    for balance in [Balance::RoundRobin, Balance::WeightedRoundRobin] {
        let mut starts: Vec<Option<usize>> = (0..16)
            .map(|seed| {
                let mut fixture = Fixture::new(balance.clone(), &[1; 16]);
                fixture.balancer = Balancer::new(Plan::build(&fixture.pool).into(), seed);
                fixture.pick()
            })
            .collect();
        starts.sort_unstable();
        starts.dedup();
        assert!(starts.len() > 5, "{balance:?}: {starts:?}");
    }
}

#[test]
fn a_rotation_goes_on_where_it_was_when_the_pool_changes() {
    for balance in [Balance::RoundRobin, Balance::WeightedRoundRobin] {
        let mut fixture = Fixture::new(balance.clone(), &[1; 10]);
        let mut picked: Vec<Option<usize>> = Vec::new();
        for _ in 0..10 {
            picked.push(fixture.pick());
            fixture.state.advance();
        }
        picked.sort_unstable();
        picked.dedup();
        assert_eq!(picked.len(), 10, "{balance:?}: {picked:?}");
    }
}

#[test]
fn weighted_round_robin_is_exact_in_every_cycle() {
    let mut fixture = Fixture::new(Balance::WeightedRoundRobin, &[50, 20, 10, 0, 40]);
    for _ in 0..5 {
        assert_eq!(fixture.tally(12), [5, 2, 1, 0, 4]);
    }
}

/// Open-loop traffic: each step begins a request and ends the oldest of a random server, so that
/// `load` stay in flight.
fn work(fixture: &mut Fixture, load: usize, steps: usize) -> Vec<Vec<u32>> {
    let mut open: Vec<usize> = Vec::new();
    let mut samples = Vec::new();
    for step in 0..steps {
        let server = fixture.pick().expect("the pool has servers");
        fixture.members[server].state.begin();
        open.push(server);
        if open.len() > load {
            let place = usize::try_from(fixture.rng.below(open.len() as u64)).expect("fits");
            fixture.members[open.swap_remove(place)].state.end();
        }
        if step > 4 * load {
            samples.push(fixture.members.iter().map(|one| one.state.in_flight()).collect());
        }
    }
    samples
}

#[test]
fn least_connections_keeps_loads_within_a_few_requests_of_each_other() {
    let mut fixture = Fixture::new(Balance::LeastConnections, &[1, 9, 1, 1, 1, 1, 1, 1, 1, 1]);
    for loads in work(&mut fixture, 200, 3_000) {
        let (least, most) = (loads.iter().min(), loads.iter().max());
        assert!(most.expect("ten") - least.expect("ten") <= 5, "{loads:?}");
    }
}

#[test]
fn weighted_least_connections_keeps_loads_in_proportion_to_weights() {
    let weights = [1, 2, 4, 8];
    let mut fixture = Fixture::new(Balance::WeightedLeastConnections, &weights);
    let samples = work(&mut fixture, 300, 4_000);
    for (server, weight) in weights.into_iter().enumerate() {
        let sum: f64 = samples.iter().map(|loads| f64::from(loads[server])).sum();
        let mean = sum / samples.len() as f64;
        let fair = 300.0 * f64::from(weight) / 15.0;
        assert!((mean - fair).abs() < 0.05 * fair + 1.0, "server {server}: {mean}, fair {fair}");
    }
}

#[test]
fn the_least_loaded_is_found_wherever_it_is() {
    for balance in [Balance::LeastConnections, Balance::WeightedLeastConnections] {
        for least in [0, 17, 99] {
            let mut fixture = Fixture::new(balance.clone(), &[3; 100]);
            for (server, member) in fixture.members.iter().enumerate() {
                (0..if server == least { 1 } else { 2 }).for_each(|_| member.state.begin());
            }
            assert_eq!(fixture.pick(), Some(least));
        }
    }
}

#[test]
fn ties_between_busy_servers_are_broken_by_weight_or_evenly() {
    let weights = [1, 2, 4, 3];
    for (balance, shares) in [
        (Balance::LeastConnections, [1.0, 1.0, 1.0, 0.0]),
        (Balance::WeightedLeastConnections, [1.0, 2.0, 4.0, 0.0]),
    ] {
        let mut fixture = Fixture::new(balance.clone(), &weights);
        let is_weighted = balance == Balance::WeightedLeastConnections;
        for (member, weight) in fixture.members.iter().zip([1, 2, 4, 30]) {
            (0..if is_weighted { 2 * weight } else { 2 }).for_each(|_| member.state.begin());
        }
        (0..100).for_each(|_| fixture.members[3].state.begin());
        assert_shares(&fixture.tally(20_000), &shares, &format!("{balance:?}"));
    }
}

#[test]
fn of_two_choices_the_less_loaded_wins_and_the_fullest_never() {
    let mut fixture = Fixture::new(Balance::PowerOfTwo, &[1; 10]);
    for (load, member) in fixture.members.iter().enumerate() {
        (0..load).for_each(|_| member.state.begin());
    }
    // Of the 45 pairs, server `i` is the less loaded in 9 - i.
    let shares: Vec<f64> = (0..10).rev().map(f64::from).collect();
    assert_shares(&fixture.tally(90_000), &shares, "pairs");
}

#[test]
fn two_choices_keep_the_fullest_server_far_closer_to_the_average_than_one() {
    let fullest = |balance| {
        let mut fixture = Fixture::new(balance, &[1; 100]);
        let samples = work(&mut fixture, 1_000, 20_000);
        samples.iter().flatten().copied().max().expect("there are samples")
    };
    let (two, one) = (fullest(Balance::PowerOfTwo), fullest(Balance::Random));
    assert!(two <= 16 && one >= 22, "two choices {two}, one choice {one}, average 10");
}

#[test]
fn a_thousand_servers_all_get_their_share_by_every_rule() {
    for balance in rules() {
        let tally = Fixture::new(balance.clone(), &[1; 1_000]).tally(200_000);
        let (least, most) = (tally.iter().min(), tally.iter().max());
        let (least, most) = (*least.expect("many"), *most.expect("many"));
        // A ring's shares deviate by 8 %, and 200 picks each by 7 %.
        assert!(least > 110 && most < 310, "{balance:?}: {least} to {most}");
    }
}
