//! Consistent hashing: even shares, few keys moved, bounded load.

use super::fixture::{Fixture, hash};
use crate::balance::key::hash_key;
use crate::model::pool::HashTable;
use crate::model::server::Availability::{Healthy, Unhealthy};

const TABLES: [HashTable; 2] = [HashTable::Maglev, HashTable::Ring];
const KEYS: u64 = 20_000;

fn unbounded(table: HashTable, weights: &[u16]) -> Fixture {
    Fixture::new(hash(table, f64::INFINITY), weights)
}

/// The share of keys whose owner differs.
fn moved(before: &[usize], after: &[usize]) -> f64 {
    let differ = before.iter().zip(after).filter(|(one, other)| one != other).count();
    differ as f64 / before.len() as f64
}

#[test]
fn a_key_stays_with_its_server() {
    for table in TABLES {
        let mut fixture = unbounded(table, &[1; 10]);
        let first = fixture.owners(1_000);
        assert_eq!(fixture.owners(1_000), first);
        let mut other_core = unbounded(table, &[1; 10]);
        other_core.rng.draw();
        assert_eq!(other_core.owners(1_000), first);
    }
}

#[test]
fn a_key_stays_with_its_server_when_the_list_is_shuffled() {
    for table in TABLES {
        let mut fixture = unbounded(table, &[1, 5, 2, 7]);
        let mut shuffled = Fixture::with(hash(table, f64::INFINITY), &[1, 5, 2, 7], |pool| {
            pool.servers.reverse();
        });
        let mirrored: Vec<usize> = shuffled.owners(KEYS).into_iter().map(|at| 3 - at).collect();
        assert_eq!(fixture.owners(KEYS), mirrored);
    }
}

#[test]
fn shares_follow_weights() {
    let weights = [1, 2, 3, 4];
    for (table, tolerance) in [(HashTable::Maglev, 0.03), (HashTable::Ring, 0.25)] {
        let mut tally = [0; 4];
        unbounded(table, &weights).owners(100_000).into_iter().for_each(|at| tally[at] += 1);
        for (count, weight) in tally.into_iter().zip(weights) {
            let fair = f64::from(weight) / 10.0;
            let off = f64::from(count) / 100_000.0 / fair - 1.0;
            assert!(off.abs() < tolerance, "{table:?}: weight {weight} is off by {off:.3}");
        }
    }
}

#[test]
fn the_keys_of_a_failed_server_move_and_no_others() {
    for table in TABLES {
        let mut fixture = unbounded(table, &[1; 10]);
        let before = fixture.owners(KEYS);
        for failed in [3, 7] {
            fixture.set(failed, Unhealthy);
            let after = fixture.owners(KEYS);
            for (was, is) in before.iter().zip(&after) {
                let was_well = fixture.members[*was].state.availability().is_available();
                assert!(if was_well { is == was } else { is != was });
            }
        }
        fixture.set(3, Healthy);
        fixture.set(7, Healthy);
        assert_eq!(fixture.owners(KEYS), before, "they come home");
    }
}

#[test]
fn the_keys_of_a_failed_server_spread_over_all_others() {
    for table in TABLES {
        let mut fixture = unbounded(table, &[1; 10]);
        let before = fixture.owners(KEYS);
        fixture.set(3, Unhealthy);
        let mut heirs = [0; 10];
        for (was, is) in before.into_iter().zip(fixture.owners(KEYS)) {
            heirs[is] += usize::from(was == 3);
        }
        let fair = heirs.iter().sum::<usize>() / 9;
        for (server, &keys) in heirs.iter().enumerate().filter(|&(server, _)| server != 3) {
            assert!(keys > fair / 2 && keys < fair * 2, "{table:?}: {server} inherits: {heirs:?}");
        }
    }
}

#[test]
fn the_keys_of_a_failed_server_go_to_the_backup_that_steps_in() {
    for table in TABLES {
        let backups = |pool: &mut crate::model::pool::Pool| {
            pool.servers[4].backup = true;
            pool.servers[5].backup = true;
        };
        let mut fixture = Fixture::with(hash(table, f64::INFINITY), &[1; 6], backups);
        let before = fixture.owners(KEYS);
        assert!(before.iter().all(|&server| server < 4));
        fixture.set(1, Unhealthy);
        for (was, is) in before.iter().zip(fixture.owners(KEYS)) {
            assert_eq!(is, if *was == 1 { 4 } else { *was }, "{table:?}");
        }
    }
}

#[test]
fn a_server_more_or_less_in_the_configuration_moves_its_share_and_little_else() {
    for (table, slack) in [(HashTable::Maglev, 0.02), (HashTable::Ring, 0.02)] {
        for count in [2, 5, 10, 50, 200] {
            let before = unbounded(table, &vec![1; count]).owners(KEYS);
            let after = unbounded(table, &vec![1; count + 1]).owners(KEYS);
            let share = 1.0 / (count as f64 + 1.0);
            let moved = moved(&before, &after);
            assert!(moved <= share * 1.15 + slack, "{table:?}, {count} and one: {moved:.4}");
            assert!(moved >= share * 0.7, "{table:?}, {count} and one: {moved:.4}");
        }
    }
}

#[test]
fn on_a_ring_no_key_moves_between_servers_that_stay() {
    let before = unbounded(HashTable::Ring, &[1; 10]).owners(KEYS);
    let after = unbounded(HashTable::Ring, &[1; 11]).owners(KEYS);
    assert!(before.iter().zip(&after).all(|(was, is)| was == is || *is == 10));
}

#[test]
fn seeds_place_servers_and_keys_differently() {
    let of = |seed| hash_key(seed, b"/cart/17");
    assert_ne!(of(1), of(2));
    for table in TABLES {
        let other = Fixture::with(hash(table, f64::INFINITY), &[1; 10], |pool| {
            if let crate::model::pool::Balance::Hash { policy, .. } = &mut pool.balance {
                policy.seed += 1;
            }
        });
        let (mut one, mut other) = (unbounded(table, &[1; 10]), other);
        let moved = moved(&one.owners(KEYS), &other.owners(KEYS));
        assert!((0.85..0.95).contains(&moved), "{table:?}: {moved}");
    }
}

#[test]
fn hashes_of_keys_are_the_published_ones() {
    // What rapidhash gives for no bytes under seed 0.
    assert_eq!(hash_key(0, b""), 0x0338_dc4b_e2ce_cdae);
}

/// Opens `total` requests drawn from `keys` keys; the loads that result.
fn load(fixture: &mut Fixture, total: usize, keys: u64) -> Vec<u32> {
    for _ in 0..total {
        let key = crate::rng::mix(1 + fixture.rng.below(keys));
        let server = fixture.pick_with(Some(key), &[]).expect("the pool has servers");
        fixture.members[server].state.begin();
    }
    fixture.members.iter().map(|member| member.state.in_flight()).collect()
}

#[test]
fn no_server_takes_more_than_its_bound_however_few_the_keys_are() {
    for table in TABLES {
        for (factor, keys) in [(1.0, 1), (1.25, 1), (1.25, 3), (1.25, 10_000), (2.0, 1)] {
            let mut fixture = Fixture::new(hash(table, factor), &[1; 10]);
            for total in (100..=1_000).step_by(100) {
                let loads = load(&mut fixture, 100, keys);
                let bound = (factor * total as f64 / 10.0).ceil();
                let most = f64::from(*loads.iter().max().expect("ten"));
                assert!(most <= bound, "{table:?} x {factor}, {keys} keys: {loads:?}");
            }
        }
    }
}

#[test]
fn the_bound_is_by_weight() {
    let mut fixture = Fixture::new(hash(HashTable::Maglev, 1.5), &[1, 2, 7]);
    for (load, fair) in load(&mut fixture, 1_000, 1).into_iter().zip([100.0, 200.0, 700.0]) {
        assert!(f64::from(load) <= 1.5 * fair + 1.0);
    }
}

#[test]
fn the_bound_holds_in_pools_too_large_to_sum_up_for_each_pick() {
    let mut fixture = Fixture::new(hash(HashTable::Maglev, 1.25), &[1; 500]);
    let loads = load(&mut fixture, 10_000, 1);
    let bound = (1.25_f64 * 10_000.0 / 500.0).ceil() + 1.0;
    assert!(f64::from(*loads.iter().max().expect("many")) <= bound, "{loads:?}");
}

#[test]
fn a_key_comes_home_when_its_server_has_room_again() {
    for table in TABLES {
        let mut fixture = Fixture::new(hash(table, 1.25), &[1; 4]);
        let home = fixture.pick_with(Some(99), &[]).expect("the pool has servers");
        (0..10).for_each(|_| fixture.members[home].state.begin());
        assert_ne!(fixture.pick_with(Some(99), &[]), Some(home));
        (0..10).for_each(|_| fixture.members[home].state.end());
        assert_eq!(fixture.pick_with(Some(99), &[]), Some(home));
    }
}
