//! What holds for every rule, whatever the pool looks like.

use std::sync::Arc;

use proptest::prelude::*;

use super::fixture::{Fixture, rules};
use crate::balance::balancer::Balancer;
use crate::balance::plan::Plan;
use crate::model::pool::{BackupWhen, WhenAllDown};
use crate::model::server::Availability::{self, Ejected, Healthy, Starting, Unhealthy};
use crate::time::Duration;

/// One server of a made-up pool.
#[derive(Clone, Debug)]
struct Made {
    weight: u16,
    backup: bool,
    availability: Availability,
    in_flight: u32,
    joined: bool,
    tried: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let weight = prop_oneof![1 => Just(0_u16), 4 => Just(1), 4 => 2..=9_u16];
    let down = prop_oneof![Just(Starting), Just(Unhealthy), Just(Ejected)];
    let availability = prop_oneof![4 => Just(Healthy), 3 => down];
    let load = (0..5_u32, prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    (weight, prop::bool::weighted(0.3), availability, load).prop_map(
        |(weight, backup, availability, (in_flight, joined, tried))| Made {
            weight,
            backup,
            availability,
            in_flight,
            joined,
            tried,
        },
    )
}

fn build(balance: crate::model::pool::Balance, made: &[Made], empty: bool, open: bool) -> Fixture {
    let weights: Vec<u16> = made.iter().map(|one| one.weight).collect();
    let mut fixture = Fixture::with(balance, &weights, |pool| {
        pool.backup_when = if empty { BackupWhen::Empty } else { BackupWhen::Short };
        pool.when_all_down = if open { WhenAllDown::FailOpen } else { WhenAllDown::Refuse };
        for (server, made) in pool.servers.iter_mut().zip(made) {
            server.backup = made.backup;
        }
    });
    for (server, one) in made.iter().enumerate() {
        fixture.set(server, one.availability);
        (0..one.in_flight).for_each(|_| fixture.members[server].state.begin());
        if one.joined {
            fixture.join(server);
        }
    }
    fixture.wait(Duration::from_secs(4));
    fixture
}

/// Whether a server may ever be offered, by what the documentation says and not how it is done.
fn may_serve(made: &[Made], server: &Made, open: bool) -> bool {
    let is_up = |one: &Made| one.weight > 0 && one.availability == Healthy;
    server.weight > 0 && (is_up(server) || (open && !made.iter().any(is_up)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_pick_is_allowed_untried_and_made_whenever_there_is_one(
        made in prop::collection::vec(made(), 0..12),
        (empty, open) in any::<(bool, bool)>(),
        keys in prop::collection::vec(prop::option::of(any::<u64>()), 1..8),
    ) {
        let tried: Vec<usize> = (0..made.len()).filter(|&at| made[at].tried).collect();
        let left = made.iter().any(|one| !one.tried && may_serve(&made, one, open));
        for balance in rules() {
            let mut fixture = build(balance.clone(), &made, empty, open);
            for key in &keys {
                match fixture.pick_with(*key, &tried) {
                    Some(server) => {
                        prop_assert!(may_serve(&made, &made[server], open), "{balance:?}");
                        prop_assert!(!tried.contains(&server), "{balance:?}");
                    }
                    None => prop_assert!(!left, "{balance:?} gave up early"),
                }
            }
        }
    }

    #[test]
    fn backups_are_offered_only_in_place_of_primaries(
        made in prop::collection::vec(made(), 1..10),
        empty in any::<bool>(),
        keys in prop::collection::vec(any::<u64>(), 20),
    ) {
        let primaries = made.iter().filter(|one| !one.backup && one.weight > 0);
        let missing = primaries.clone().filter(|one| one.availability != Healthy).count();
        let left = primaries.count() - missing;
        prop_assume!(left > 0);
        let backups_max = if empty { 0 } else { missing };
        for balance in rules() {
            let mut fixture = build(balance.clone(), &made, empty, true);
            let mut seen: Vec<usize> =
                keys.iter().filter_map(|&key| fixture.pick_with(Some(key), &[])).collect();
            seen.sort_unstable();
            seen.dedup();
            let backups = seen.iter().filter(|&&at| made[at].backup).count();
            prop_assert!(backups <= backups_max, "{balance:?}: {seen:?}");
        }
    }

    #[test]
    fn the_same_seed_draws_and_loads_give_the_same_picks(
        made in prop::collection::vec(made(), 1..10),
        keys in prop::collection::vec(any::<u64>(), 20),
    ) {
        for balance in rules() {
            let picks = |mut fixture: Fixture| -> Vec<Option<usize>> {
                keys.iter().map(|&key| fixture.pick_with(Some(key), &[])).collect()
            };
            let one = picks(build(balance.clone(), &made, false, true));
            let mut other = build(balance.clone(), &made, false, true);
            other.balancer = Balancer::new(Arc::new(Plan::build(&other.pool)), 1);
            prop_assert_eq!(one, picks(other));
        }
    }
}
