//! Who serves: availability, backups, fail-open, and what a retry may still try.

use super::fixture::{Fixture, rules};
use crate::model::pool::{BackupWhen, Balance, Pool, WhenAllDown};
use crate::model::server::Availability::{Ejected, Healthy, Starting, Unhealthy};

/// Three primaries, then two backups.
fn with_backups(balance: Balance, change: impl FnOnce(&mut Pool)) -> Fixture {
    Fixture::with(balance, &[1; 5], |pool| {
        pool.servers[3].backup = true;
        pool.servers[4].backup = true;
        change(pool);
    })
}

/// The servers that are picked at all, in a few hundred picks.
fn picked(fixture: &mut Fixture) -> Vec<usize> {
    let tally = fixture.tally(400);
    (0..tally.len()).filter(|&server| tally[server] > 0).collect()
}

#[test]
fn backups_step_in_one_for_each_missing_primary() {
    for balance in rules() {
        let mut fixture = with_backups(balance.clone(), |_| {});
        let steps = [
            (0, Healthy, vec![0, 1, 2]),
            (1, Ejected, vec![0, 2, 3]),
            (0, Unhealthy, vec![2, 3, 4]),
            (2, Starting, vec![3, 4]),
            (3, Unhealthy, vec![4]),
            (2, Healthy, vec![2, 4]),
            (1, Healthy, vec![1, 2, 4]),
            (0, Healthy, vec![0, 1, 2]),
        ];
        for (server, availability, expected) in steps {
            fixture.set(server, availability);
            assert_eq!(picked(&mut fixture), expected, "{balance:?}: {server} {availability:?}");
        }
    }
}

#[test]
fn backups_may_wait_until_no_primary_is_left() {
    for balance in rules() {
        let empty = |pool: &mut Pool| pool.backup_when = BackupWhen::Empty;
        let mut fixture = with_backups(balance.clone(), empty);
        fixture.set(0, Unhealthy);
        fixture.set(1, Unhealthy);
        assert_eq!(picked(&mut fixture), [2], "{balance:?}");
        fixture.set(2, Unhealthy);
        assert_eq!(picked(&mut fixture), [3, 4], "{balance:?}");
    }
}

#[test]
fn when_all_are_down_fail_open_believes_in_the_primaries() {
    for balance in rules() {
        let mut fixture = with_backups(balance.clone(), |_| {});
        (0..5).for_each(|server| fixture.set(server, Unhealthy));
        assert_eq!(picked(&mut fixture), [0, 1, 2], "{balance:?}");
        fixture.set(4, Healthy);
        assert_eq!(picked(&mut fixture), [4], "{balance:?}: one is up again");
    }
}

#[test]
fn when_all_are_down_refuse_offers_nobody() {
    for balance in rules() {
        let refuse = |pool: &mut Pool| pool.when_all_down = WhenAllDown::Refuse;
        let mut fixture = with_backups(balance.clone(), refuse);
        (0..5).for_each(|server| fixture.set(server, Unhealthy));
        assert_eq!(fixture.pick_with(Some(1), &[]), None, "{balance:?}");
        fixture.set(1, Healthy);
        assert_eq!(fixture.pick_with(Some(1), &[]), Some(1), "{balance:?}: one is up again");
    }
}

#[test]
fn a_pool_of_backups_alone_uses_all_of_them() {
    for backup_when in [BackupWhen::Short, BackupWhen::Empty] {
        for balance in rules() {
            let mut fixture = Fixture::with(balance.clone(), &[1; 3], |pool| {
                pool.servers.iter_mut().for_each(|server| server.backup = true);
                pool.backup_when = backup_when;
            });
            assert_eq!(picked(&mut fixture), [0, 1, 2], "{balance:?}");
            (0..3).for_each(|server| fixture.set(server, Unhealthy));
            assert_eq!(picked(&mut fixture), [0, 1, 2], "{balance:?}: fail-open");
        }
    }
}

#[test]
fn a_retry_walks_through_every_server_once_and_backups_last() {
    for balance in rules() {
        let mut fixture = with_backups(balance.clone(), |_| {});
        let mut tried = Vec::new();
        while let Some(server) = fixture.pick_with(Some(77), &tried) {
            assert!(!tried.contains(&server), "{balance:?}: {server} again after {tried:?}");
            tried.push(server);
        }
        assert!(tried[..3].iter().all(|&server| server < 3), "{balance:?}: {tried:?}");
        assert_eq!(tried.len(), 5, "{balance:?}: {tried:?}");
    }
}

#[test]
fn a_retry_leaves_unavailable_servers_alone() {
    for balance in rules() {
        let mut fixture = with_backups(balance.clone(), |_| {});
        fixture.set(1, Ejected);
        fixture.set(3, Unhealthy);
        assert_eq!(fixture.pick_with(Some(5), &[0, 2, 4]), None, "{balance:?}");
    }
}

#[test]
fn fail_open_lets_a_retry_reach_the_backups_too() {
    for balance in rules() {
        let mut fixture = with_backups(balance.clone(), |_| {});
        (0..5).for_each(|server| fixture.set(server, Unhealthy));
        let backup = fixture.pick_with(Some(5), &[0, 1, 2]);
        assert!(matches!(backup, Some(3 | 4)), "{balance:?}: {backup:?}");
    }
}

#[test]
fn a_single_server_is_picked_until_it_was_tried() {
    for balance in rules() {
        let mut fixture = Fixture::new(balance.clone(), &[1]);
        (0..50).for_each(|_| fixture.members[0].state.begin());
        assert!((0..20).all(|key| fixture.pick_with(Some(key), &[]) == Some(0)), "{balance:?}");
        assert_eq!(fixture.pick(), Some(0), "{balance:?}");
        assert_eq!(fixture.pick_with(Some(1), &[0]), None, "{balance:?}");
    }
}

#[test]
fn a_pool_without_members_offers_nobody() {
    for balance in rules() {
        let mut fixture = Fixture::new(balance.clone(), &[]);
        assert_eq!(fixture.pick_with(Some(1), &[]), None, "{balance:?}");
        assert_eq!(fixture.pick(), None, "{balance:?}");
    }
}
