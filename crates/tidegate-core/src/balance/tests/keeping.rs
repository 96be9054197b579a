//! Sessions: which server they keep, and when they have to move.

use super::fixture::Fixture;
use crate::balance::balancer::Preference;
use crate::model::ids::ServerIndex;
use crate::model::pool::Balance;
use crate::model::ratio::Weight;
use crate::model::server::Availability::{Ejected, Healthy, Starting, Unhealthy};
use crate::model::server::Rotation;
use crate::model::session::Strength;
use crate::telemetry::session::Moved;
use crate::time::Duration;

fn keep(fixture: &mut Fixture, server: usize, strength: Strength) -> Result<usize, Moved> {
    let preference = Preference { server: ServerIndex::new(server), strength };
    let (epoch, now) = (fixture.state.epoch(), fixture.now);
    let kept = fixture.balancer.keep(&fixture.members, epoch, &preference, now);
    kept.map(ServerIndex::position).map_err(|leave| leave.why)
}

fn soft(fixture: &mut Fixture, server: usize) -> Result<usize, Moved> {
    keep(fixture, server, Strength::Soft)
}

fn pool(weights: &[u16]) -> Fixture {
    Fixture::new(Balance::PowerOfTwo, weights)
}

/// Gives a server so many requests in flight.
fn load(fixture: &Fixture, server: usize, requests: u32) {
    let state = &fixture.members[server].state;
    while state.in_flight() > requests {
        state.end();
    }
    while state.in_flight() < requests {
        state.begin();
    }
}

#[test]
fn a_session_keeps_a_server_that_serves() {
    let mut fixture = pool(&[1, 1, 1]);
    for server in 0..3 {
        assert_eq!(soft(&mut fixture, server), Ok(server));
    }
}

#[test]
fn a_session_moves_when_its_server_cannot_be_had() {
    let mut fixture = pool(&[1, 1, 1]);
    for availability in [Unhealthy, Ejected, Starting] {
        fixture.set(0, availability);
        assert_eq!(soft(&mut fixture, 0), Err(Moved::Unavailable), "{availability:?}");
    }
    fixture.set(0, Healthy);
    fixture.weigh(0, 0);
    assert_eq!(soft(&mut fixture, 0), Err(Moved::Unavailable));
    fixture.weigh(0, 1);
    assert_eq!(soft(&mut fixture, 0), Ok(0));
    fixture.members[0].state.ask_weight(Weight::new(0));
    fixture.state.advance();
    assert_eq!(soft(&mut fixture, 0), Err(Moved::Unavailable), "people ask for it");
    fixture.rotate(1, Rotation::Warm);
    assert_eq!(soft(&mut fixture, 1), Err(Moved::Unavailable));
    assert_eq!(keep(&mut fixture, 1, Strength::Hard), Err(Moved::Unavailable));
}

#[test]
fn a_draining_server_keeps_its_sessions_and_one_that_leaves_does_not() {
    let mut fixture = pool(&[1, 1]);
    fixture.rotate(0, Rotation::Leaving);
    assert_eq!(soft(&mut fixture, 0), Err(Moved::Draining));
    fixture.rotate(0, Rotation::Draining);
    assert_eq!(keep(&mut fixture, 0, Strength::Soft), Ok(0));
    fixture.set(0, Unhealthy);
    assert_eq!(keep(&mut fixture, 0, Strength::Soft), Err(Moved::Unavailable));
}

#[test]
fn while_health_is_disbelieved_sessions_stay() {
    let mut fixture = pool(&[1, 1]);
    fixture.set(0, Unhealthy);
    fixture.set(1, Unhealthy);
    assert_eq!(soft(&mut fixture, 0), Ok(0));
    assert_eq!(soft(&mut fixture, 1), Ok(1));
}

#[test]
fn a_session_stays_on_the_backup_that_it_came_to() {
    let mut fixture = Fixture::with(Balance::PowerOfTwo, &[1, 1, 1], |pool| {
        pool.servers[2].backup = true;
    });
    fixture.set(0, Unhealthy);
    assert_eq!(soft(&mut fixture, 2), Ok(2), "it has stepped in");
    fixture.set(0, Healthy);
    assert_eq!(fixture.tally(100)[2], 0, "primaries are back");
    assert_eq!(soft(&mut fixture, 2), Ok(2));
    assert_eq!(soft(&mut fixture, 1), Ok(1));
}

#[test]
fn load_moves_a_soft_session_only_while_it_lasts_and_is_there() {
    let mut fixture = pool(&[1, 1, 1, 1]);
    (0..4).for_each(|server| load(&fixture, server, 100));
    for _ in 0..100 {
        fixture.wait(Duration::from_millis(100));
        assert_eq!(soft(&mut fixture, 0), Ok(0));
    }
    load(&fixture, 0, 300);
    for _ in 0..5 {
        fixture.wait(Duration::from_millis(100));
        assert_eq!(soft(&mut fixture, 0), Ok(0), "a moment is nothing");
    }
    for _ in 0..100 {
        fixture.wait(Duration::from_millis(100));
        assert_eq!(soft(&mut fixture, 1), Ok(1), "the others have less than their share");
        let _ = soft(&mut fixture, 0);
    }
    load(&fixture, 3, 90);
    assert_eq!(leave(&mut fixture, 0), Some((Moved::Overloaded, Some(3))), "to the emptiest");
    assert_eq!(keep(&mut fixture, 0, Strength::Hard), Ok(0), "it waits");
    load(&fixture, 0, 90);
    assert_eq!(soft(&mut fixture, 0), Ok(0), "enough have left, though the average is late");
}

#[test]
fn a_share_goes_by_weight() {
    let mut fixture = pool(&[3, 1]);
    load(&fixture, 0, 300);
    load(&fixture, 1, 100);
    for _ in 0..100 {
        fixture.wait(Duration::from_millis(100));
        assert_eq!(soft(&mut fixture, 0), Ok(0));
        assert_eq!(soft(&mut fixture, 1), Ok(1));
    }
}

#[test]
fn an_idle_pool_moves_nobody() {
    let mut fixture = pool(&[1, 1, 1, 1, 1, 1]);
    for requests in [1, 0, 2, 0, 1, 1, 0, 0] {
        load(&fixture, 0, requests);
        for _ in 0..20 {
            fixture.wait(Duration::from_millis(100));
            assert_eq!(soft(&mut fixture, 0), Ok(0));
        }
    }
}

#[test]
fn a_server_that_is_no_more_is_gone() {
    let mut fixture = pool(&[1, 1]);
    assert_eq!(soft(&mut fixture, 7), Err(Moved::Gone));
}

/// Gives servers so many requests each tenth of a second, and says where sessions go for which
/// those of the first one come.
fn pass(fixture: &mut Fixture, requests: &[usize], seconds: u64) -> Vec<(Moved, Option<usize>)> {
    let mut left = Vec::new();
    for _ in 0..10 * seconds {
        fixture.wait(Duration::from_millis(100));
        left.extend((0..requests[0]).filter_map(|_| leave(fixture, 0)));
        for (server, requests) in requests.iter().enumerate() {
            (0..*requests).for_each(|_| fixture.members[server].state.begin());
            (0..*requests).for_each(|_| fixture.members[server].state.end());
        }
    }
    left
}

#[test]
fn a_server_that_joins_is_given_sessions_until_it_has_enough() {
    let mut fixture = pool(&[1, 1, 1]);
    fixture.rotate(2, Rotation::Warm);
    assert_eq!(pass(&mut fixture, &[6, 6, 0], 120), [], "nobody joined");
    assert_eq!(pass(&mut fixture, &[9, 3, 0], 30), [], "what is answered at once is no overload");
    pass(&mut fixture, &[6, 6, 0], 30);

    fixture.rotate(2, Rotation::In);
    // Half of what it misses: one in six of those of the others.
    let left = pass(&mut fixture, &[6, 6, 0], 10);
    assert!((90..=100).contains(&left.len()), "{} of 600", left.len());
    assert!(left.iter().all(|one| *one == (Moved::Joined, Some(2))));
    // The less it misses the fewer: a sixth of one in eleven.
    pass(&mut fixture, &[11, 11, 8], 20);
    let left = pass(&mut fixture, &[11, 11, 8], 10);
    assert!((48..=52).contains(&left.len()), "{} of 1100", left.len());
    pass(&mut fixture, &[6, 6, 6], 10);
    assert_eq!(pass(&mut fixture, &[6, 6, 6], 10), [], "it has its share");
    assert_eq!(pass(&mut fixture, &[6, 6, 6], 40), []);
    pass(&mut fixture, &[6, 6, 0], 30);
    assert_eq!(pass(&mut fixture, &[6, 6, 0], 10), [], "it is not new any more");
}

#[test]
fn servers_that_join_are_given_sessions_by_what_they_miss() {
    let mut fixture = pool(&[2, 2, 1, 2]);
    (2..4).for_each(|server| fixture.rotate(server, Rotation::Warm));
    pass(&mut fixture, &[7, 7, 0, 0], 120);
    (2..4).for_each(|server| fixture.rotate(server, Rotation::In));
    let left = pass(&mut fixture, &[7, 7, 0, 0], 10);
    let to = |server| left.iter().filter(|(_, towards)| *towards == Some(server)).count();
    let (small, large) = (to(2), to(3));
    assert!(small > 40 && large.abs_diff(2 * small) <= 2, "{small} and {large}");
}

#[test]
fn a_server_that_comes_back_is_given_nobody_s_session() {
    let mut fixture = pool(&[1, 1, 1]);
    pass(&mut fixture, &[6, 6, 6], 120);
    fixture.set(2, Unhealthy);
    pass(&mut fixture, &[9, 9, 0], 30);
    fixture.set(2, Healthy);
    assert_eq!(pass(&mut fixture, &[9, 9, 0], 60), []);
}

fn leave(fixture: &mut Fixture, server: usize) -> Option<(Moved, Option<usize>)> {
    let strength = Strength::Soft;
    let preference = Preference { server: ServerIndex::new(server), strength };
    let (epoch, now) = (fixture.state.epoch(), fixture.now);
    let kept = fixture.balancer.keep(&fixture.members, epoch, &preference, now);
    let left = kept.err()?;
    Some((left.why, left.towards.map(ServerIndex::position)))
}
