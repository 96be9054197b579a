//! Peak EWMA: what an exchange teaches, and where traffic goes for it.

use super::fixture::{Fixture, assert_shares};
use crate::balance::peak_ewma::observe;
use crate::model::pool::Balance;
use crate::model::ratio::Weight;
use crate::model::server::{Availability, ServerId, ServerState};
use crate::time::{Duration, Instant};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn state() -> ServerState {
    ServerState::new(ServerId(1), Availability::Healthy, Weight::ONE)
}

fn average(state: &ServerState) -> Duration {
    state.latency().expect("was measured").0
}

/// Lets an exchange that took `latency` end as the data plane does.
fn exchange(state: &ServerState, latency: Duration, failed: bool, now: Instant) {
    if failed {
        state.fail();
    } else {
        state.succeed();
    }
    observe(state, latency, failed, now);
}

#[test]
fn an_average_jumps_up_at_once_and_comes_down_with_time() {
    let (state, start) = (state(), Instant::from_nanos(1));
    observe(&state, millis(20), false, start);
    assert_eq!(average(&state), millis(20));
    observe(&state, millis(500), false, start);
    assert_eq!(average(&state), millis(500));
    observe(&state, millis(20), false, start);
    assert_eq!(average(&state), millis(500), "no time has passed");
    observe(&state, millis(20), false, start + Duration::from_secs(10));
    let expected = 20.0 + 480.0 * (-1.0_f64).exp();
    assert!((average(&state).as_secs_f64() * 1e3 - expected).abs() < 0.01);
    observe(&state, millis(20), false, start + Duration::from_secs(200));
    assert!(average(&state) < millis(21));
}

#[test]
fn a_failure_counts_as_a_second_and_twice_as_much_for_each_that_follows() {
    let (state, now) = (state(), Instant::from_nanos(1));
    exchange(&state, millis(20), false, now);
    let seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
    for expected in seconds.map(Duration::from_secs) {
        exchange(&state, millis(1), true, now);
        assert_eq!(average(&state), expected);
    }
}

#[test]
fn a_failure_that_took_longer_counts_as_long_as_it_took() {
    let (state, now) = (state(), Instant::from_nanos(1));
    exchange(&state, Duration::from_secs(900), true, now);
    assert_eq!(average(&state), Duration::from_secs(900));
    exchange(&state, Duration::MAX, true, now);
    assert_eq!(average(&state), Duration::from_nanos(u64::MAX));
}

#[test]
fn a_fast_failure_of_a_slow_server_does_not_make_it_look_fast() {
    let (state, start) = (state(), Instant::from_nanos(1));
    exchange(&state, Duration::from_secs(30), false, start);
    exchange(&state, millis(1), true, start + Duration::from_secs(60));
    assert_eq!(average(&state), Duration::from_secs(30));
}

/// One request after the other, each of which takes what `serve` says, with so many at once.
fn run(
    fixture: &mut Fixture,
    requests: usize,
    pace: Duration,
    serve: impl Fn(usize) -> (Duration, bool),
) -> Vec<usize> {
    let mut open: Vec<(Instant, usize)> = Vec::new();
    let mut tally = vec![0; fixture.members.len()];
    for _ in 0..requests {
        fixture.wait(pace);
        let now = fixture.now;
        open.retain(|&(done, server)| {
            if done <= now {
                let (latency, failed) = serve(server);
                fixture.members[server].state.end();
                exchange(&fixture.members[server].state, latency, failed, done);
            }
            done > now
        });
        let server = fixture.pick().expect("the pool has servers");
        fixture.members[server].state.begin();
        open.push((now + serve(server).0, server));
        tally[server] += 1;
    }
    tally
}

#[test]
fn the_faster_server_gets_most_of_the_traffic() {
    let mut fixture = Fixture::new(Balance::PeakEwma, &[1; 2]);
    let tally = run(&mut fixture, 20_000, millis(5), |server| {
        (if server == 0 { millis(10) } else { millis(100) }, false)
    });
    assert!(tally[0] > 4 * tally[1], "{tally:?}");
    assert!(tally[1] > 5, "the slow one is looked at now and then: {tally:?}");
}

#[test]
fn equally_fast_servers_share_by_weight() {
    let mut fixture = Fixture::new(Balance::PeakEwma, &[1, 1, 2]);
    let tally = run(&mut fixture, 20_000, millis(4), |_| (millis(10), false));
    for (count, fair) in tally.iter().zip([5_000.0, 5_000.0, 10_000.0]) {
        assert!((*count as f64 - fair).abs() < 0.15 * fair, "{tally:?}");
    }
}

#[test]
fn a_server_that_fails_at_once_gets_next_to_nothing() {
    let mut fixture = Fixture::new(Balance::PeakEwma, &[1; 5]);
    let serve = |server| if server == 2 { (millis(1), true) } else { (millis(20), false) };
    run(&mut fixture, 250, millis(4), serve);
    let tally = run(&mut fixture, 10_000, millis(4), serve);
    assert!(tally[2] <= 100, "at most 1 % from the first second on: {tally:?}");
}

#[test]
fn without_the_penalty_the_failing_server_would_win() {
    let mut fixture = Fixture::new(Balance::PeakEwma, &[1; 5]);
    let tally = run(&mut fixture, 10_000, millis(4), |server| {
        (if server == 2 { millis(1) } else { millis(20) }, false)
    });
    assert!(tally[2] > 3_000, "{tally:?}");
}

#[test]
fn a_server_that_has_recovered_gets_its_share_again() {
    let mut fixture = Fixture::new(Balance::PeakEwma, &[1; 5]);
    run(&mut fixture, 1_000, millis(4), |server| {
        if server == 2 { (millis(1), true) } else { (millis(20), false) }
    });
    run(&mut fixture, 30_000, millis(4), |_| (millis(20), false));
    let tally = run(&mut fixture, 5_000, millis(4), |_| (millis(20), false));
    assert!(tally[2] > 700, "two minutes on: {tally:?}");
}

#[test]
fn unmeasured_servers_count_as_the_median() {
    let mut fixture = Fixture::new(Balance::PeakEwma, &[1; 4]);
    for (server, latency) in [(0, 10), (1, 20), (2, 90)] {
        observe(&fixture.members[server].state, millis(latency), false, fixture.now);
    }
    // Of six pairs, servers win 3, 1 and a tie, none, and 1 and a tie.
    let tally = fixture.tally(60_000);
    assert_shares(&tally, &[3.0, 1.5, 0.0, 1.5], "median");
}

#[test]
fn what_was_measured_long_ago_moves_towards_the_median() {
    let mut fixture = Fixture::new(Balance::PeakEwma, &[1; 2]);
    observe(&fixture.members[0].state, millis(1), false, fixture.now);
    observe(&fixture.members[1].state, millis(20), false, fixture.now);
    assert_eq!(fixture.tally(1_000), [1_000, 0]);
    fixture.wait(Duration::from_secs(120));
    observe(&fixture.members[1].state, millis(20), false, fixture.now);
    fixture.members[0].state.begin();
    assert_eq!(fixture.tally(1_000), [0, 1_000], "an old average bears no load");
}
