//! Weight 0, and weights that change while the pool runs.

use super::fixture::{Fixture, assert_shares, rules};
use crate::model::pool::Balance;
use crate::model::server::Availability::Unhealthy;
use crate::model::server::Rotation;

#[test]
fn a_server_of_weight_0_takes_nothing_not_even_when_all_are_down() {
    for balance in rules() {
        let mut fixture = Fixture::new(balance.clone(), &[1, 0, 1]);
        assert_eq!(fixture.tally(300)[1], 0, "{balance:?}");
        assert_eq!(fixture.pick_with(Some(1), &[0, 2]), None, "{balance:?}");
        (0..3).for_each(|server| fixture.set(server, Unhealthy));
        assert_eq!(fixture.tally(300)[1], 0, "{balance:?}");
        assert_eq!(fixture.pick_with(Some(1), &[0, 2]), None, "{balance:?}");
    }
}

#[test]
fn a_server_out_of_rotation_takes_nothing_and_is_not_missed() {
    for balance in rules() {
        for out in [Rotation::Warm, Rotation::Draining, Rotation::Leaving] {
            let mut fixture = Fixture::with(balance.clone(), &[1, 1, 1], |pool| {
                pool.servers[2].backup = true;
            });
            fixture.rotate(1, out);
            assert_eq!(fixture.tally(100), [100, 0, 0], "{balance:?}: no backup steps in");
            fixture.set(0, Unhealthy);
            assert_eq!(fixture.tally(100), [0, 0, 100], "{balance:?}");
            fixture.set(2, Unhealthy);
            assert_eq!(fixture.tally(100), [100, 0, 0], "{balance:?}: fail-open spares it too");
            fixture.rotate(1, Rotation::In);
            assert_eq!(fixture.tally(100), [0, 100, 0], "{balance:?}");
        }
    }
}

#[test]
fn a_pool_of_weights_0_offers_nobody() {
    for balance in rules() {
        let mut fixture = Fixture::new(balance.clone(), &[0, 0]);
        assert_eq!(fixture.pick_with(Some(1), &[]), None, "{balance:?}");
    }
}

#[test]
fn a_primary_of_weight_0_is_not_missed_unless_it_was_the_last() {
    for balance in rules() {
        let mut fixture = Fixture::with(balance.clone(), &[1, 0, 1], |pool| {
            pool.servers[2].backup = true;
        });
        assert_eq!(fixture.tally(100), [100, 0, 0], "{balance:?}");
        fixture.weigh(0, 0);
        assert_eq!(fixture.tally(100), [0, 0, 100], "{balance:?}");
    }
}

#[test]
fn a_server_whose_weight_drops_to_0_is_drained_at_the_next_pick() {
    for balance in rules() {
        let mut fixture = Fixture::new(balance.clone(), &[1, 1, 1]);
        assert!(fixture.tally(600)[2] > 0, "{balance:?}");
        fixture.weigh(2, 0);
        assert_eq!(fixture.tally(600)[2], 0, "{balance:?}");
        fixture.weigh(2, 1);
        assert!(fixture.tally(600)[2] > 0, "{balance:?}");
    }
}

#[test]
fn a_changed_weight_counts_from_the_next_pick() {
    for balance in [Balance::WeightedRoundRobin, Balance::Random, Balance::PowerOfTwo] {
        let mut fixture = Fixture::new(balance.clone(), &[1, 1]);
        assert_shares(&fixture.tally(10_000), &[1.0, 1.0], "before");
        fixture.weigh(1, 4);
        assert_shares(&fixture.tally(10_000), &[1.0, 4.0], "after");
    }
}

#[test]
fn a_change_without_a_new_epoch_costs_no_look_at_the_members() {
    let mut fixture = Fixture::new(Balance::RoundRobin, &[1, 1]);
    fixture.tally(2);
    fixture.members[0].state.set_availability(Unhealthy);
    assert_eq!(fixture.tally(10), [5, 5]);
    fixture.state.advance();
    assert_eq!(fixture.tally(10), [0, 10]);
}
