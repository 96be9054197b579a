//! Slow start: a server that joins a running pool takes its share step by step.

use super::fixture::{Fixture, assert_shares, hash, rules};
use crate::model::pool::{Balance, HashTable};
use crate::time::Duration;

/// The progress of a ramp of 30 seconds, by seconds.
const STEPS: [(u64, f64); 5] = [(0, 0.1), (3, 0.1), (15, 0.5), (27, 0.9), (30, 1.0)];

#[test]
fn a_ramping_server_gets_the_share_that_its_progress_says() {
    for balance in [
        Balance::RoundRobin,
        Balance::WeightedRoundRobin,
        Balance::LeastConnections,
        Balance::WeightedLeastConnections,
        Balance::Random,
        Balance::PowerOfTwo,
        Balance::PeakEwma,
        hash(HashTable::Maglev, f64::INFINITY),
    ] {
        for (seconds, progress) in STEPS {
            let mut fixture = Fixture::new(balance.clone(), &[1; 10]);
            fixture.join(4);
            fixture.wait(Duration::from_secs(seconds));
            let share = fixture.tally(50_000)[4] as f64 / 50_000.0;
            let fair = progress / (9.0 + progress);
            let what = format!("{balance:?} after {seconds} s: {share:.4}, fair {fair:.4}");
            assert!((fair * 0.85..fair * 1.15).contains(&share), "{what}");
        }
    }
}

#[test]
fn neighbours_of_a_ramping_server_get_no_more_than_anybody() {
    for balance in [Balance::RoundRobin, Balance::WeightedRoundRobin] {
        let mut fixture = Fixture::new(balance.clone(), &[1; 5]);
        fixture.join(1);
        fixture.wait(Duration::from_secs(6));
        assert_shares(&fixture.tally(42_000), &[1.0, 0.2, 1.0, 1.0, 1.0], &format!("{balance:?}"));
    }
}

#[test]
fn weights_follow_the_ramp_within_a_second_without_a_new_epoch() {
    let mut fixture = Fixture::new(Balance::Random, &[1, 1]);
    fixture.join(1);
    for second in 0..32_u64 {
        let progress = (second as f64 / 30.0).clamp(0.1, 1.0);
        let what = format!("after {second} s");
        assert_shares(&fixture.tally(10_000), &[1.0, progress], &what);
        fixture.wait(Duration::from_secs(1));
    }
}

#[test]
fn servers_that_join_all_at_once_are_not_held_back() {
    for balance in rules() {
        let mut fixture = Fixture::new(balance.clone(), &[1; 4]);
        (0..4).for_each(|server| fixture.join(server));
        fixture.wait(Duration::from_secs(3));
        let tally = fixture.tally(8_000);
        assert!(tally.iter().all(|&count| count > 1_500), "{balance:?}: {tally:?}");
    }
}

#[test]
fn a_ramping_server_serves_when_it_is_all_there_is() {
    for balance in rules() {
        let mut fixture = Fixture::new(balance.clone(), &[1; 3]);
        fixture.join(2);
        let all = (0..100).all(|key| fixture.pick_with(Some(key), &[0, 1]) == Some(2));
        assert!(all, "{balance:?}");
    }
}

#[test]
fn least_connections_bounds_how_much_a_ramping_server_works_on_at_once() {
    for balance in [Balance::LeastConnections, Balance::WeightedLeastConnections] {
        let mut fixture = Fixture::new(balance.clone(), &[1; 5]);
        fixture.join(0);
        fixture.wait(Duration::from_secs(3));
        for _ in 0..82 {
            let server = fixture.pick().expect("the pool has servers");
            fixture.members[server].state.begin();
        }
        let loads: Vec<u32> = fixture.members.iter().map(|one| one.state.in_flight()).collect();
        assert!((1..=3).contains(&loads[0]), "{balance:?}: a tenth of 20 is 2: {loads:?}");
    }
}

#[test]
fn with_hashing_a_ramping_server_only_ever_gains_keys_of_its_own() {
    for table in [HashTable::Maglev, HashTable::Ring] {
        let mut fixture = Fixture::new(hash(table, f64::INFINITY), &[1; 5]);
        let settled = fixture.owners(5_000);
        fixture.join(2);
        let mut before: Vec<usize> = Vec::new();
        for _ in 0..31 {
            let owners = fixture.owners(5_000);
            for (key, (&now, &at_last)) in owners.iter().zip(&settled).enumerate() {
                assert!(now == at_last || at_last == 2, "key {key} moved between others");
                assert!(before.get(key) != Some(&2) || now == 2, "key {key} was taken back");
            }
            before = owners;
            fixture.wait(Duration::from_secs(1));
        }
        assert_eq!(before, settled, "{table:?}");
    }
}
