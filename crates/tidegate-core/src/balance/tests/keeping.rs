//! Sessions: which server they keep, and when they have to move.

use super::fixture::Fixture;
use crate::balance::balancer::Preference;
use crate::model::ids::ServerIndex;
use crate::model::pool::Balance;
use crate::model::server::Availability::{Ejected, Healthy, Starting, Unhealthy};
use crate::model::server::Rotation;
use crate::model::session::Strength;
use crate::telemetry::session::Moved;
use crate::time::Duration;

fn keep(fixture: &mut Fixture, server: usize, strength: Strength) -> Result<usize, Moved> {
    let preference = Preference { server: ServerIndex::new(server), strength };
    let (epoch, now) = (fixture.state.epoch(), fixture.now);
    let kept = fixture.balancer.keep(&fixture.members, epoch, &preference, now);
    kept.map(ServerIndex::position)
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
    assert_eq!(soft(&mut fixture, 0), Err(Moved::Overloaded));
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
