//! The machine driven by a scripted shell, and by any sequence of results.

use proptest::prelude::*;

use super::*;
use crate::model::pool::Probe;

fn check() -> HealthCheck {
    HealthCheck {
        probe: Probe::Tcp,
        interval: Duration::from_secs(5),
        interval_changing: Duration::from_millis(500),
        timeout: Duration::from_secs(3),
        unhealthy_after: 3,
        healthy_after: 2,
        slow_after: Duration::from_millis(500),
        fail_after: Duration::from_secs(2),
        initial: InitialHealth::FirstProbe,
        port: None,
    }
}

fn success(millis: u64) -> ProbeResult {
    ProbeResult::Success { latency: Duration::from_millis(millis), status: Some(200) }
}

/// Plays the shell: sends each probe when it is due and answers at once.
struct Shell {
    machine: ActiveHealth,
    now: Instant,
}

impl Shell {
    fn new(check: &HealthCheck) -> Self {
        Self { machine: ActiveHealth::new(check, 7), now: Instant::ZERO }
    }

    /// The next probe finds `result`; returns what it changed and how long the wait for it was.
    fn step(&mut self, result: ProbeResult) -> (Option<Output>, Duration) {
        let due = self.machine.poll_timeout().expect("no probe is out");
        let waited = due.since(self.now);
        self.now = self.now.max(due);
        assert_eq!(self.machine.handle_timeout(self.now), Some(Output::Probe));
        assert_eq!(self.machine.poll_timeout(), None, "nothing is due while a probe is out");
        (self.machine.handle_result(result, self.now), waited)
    }

    /// The state after each of these results.
    fn states(&mut self, results: &[ProbeResult]) -> Vec<Availability> {
        results
            .iter()
            .map(|result| {
                self.step(*result);
                self.machine.availability()
            })
            .collect()
    }
}

const HEALTHY: Availability = Availability::Healthy;
const UNHEALTHY: Availability = Availability::Unhealthy;

#[test]
fn a_server_that_is_coming_up_is_probed_until_it_succeeds_once() {
    let check = HealthCheck { initial: InitialHealth::FirstSuccess, ..check() };
    let mut shell = Shell::new(&check);
    let states = shell.states(&[ProbeResult::Refused; 20]);
    assert_eq!(states, [Availability::Starting; 20]);
    let (_, waited) = shell.step(success(5));
    assert!(waited < Duration::from_secs(1), "it is looked for often: {waited:?}");
    assert_eq!(shell.machine.availability(), HEALTHY);
    let states = shell.states(&[ProbeResult::Refused; 3]);
    assert_eq!(states, [HEALTHY, HEALTHY, UNHEALTHY], "it has been up");
}

#[test]
fn the_first_probe_is_due_at_once_and_decides_alone() {
    let mut shell = Shell::new(&check());
    assert_eq!(shell.machine.availability(), Availability::Starting);
    assert_eq!(shell.machine.poll_timeout(), Some(Instant::ZERO));
    let (became, _) = shell.step(success(3));
    let reason = Reason::First(success(3), Grade::Ok);
    assert_eq!(became, Some(Output::Became { availability: HEALTHY, reason }));

    let mut shell = Shell::new(&check());
    let (became, _) = shell.step(ProbeResult::Refused);
    let reason = Reason::First(ProbeResult::Refused, Grade::Failed);
    assert_eq!(became, Some(Output::Became { availability: UNHEALTHY, reason }));
}

#[test]
fn the_initial_state_may_be_assumed_and_then_takes_a_full_run() {
    let assumed = |initial| Shell::new(&HealthCheck { initial, ..check() });
    let failures = [ProbeResult::Timeout; 3];
    let mut shell = assumed(InitialHealth::Healthy);
    assert_eq!(shell.machine.availability(), HEALTHY);
    assert_eq!(shell.states(&failures), [HEALTHY, HEALTHY, UNHEALTHY]);
    let mut shell = assumed(InitialHealth::Unhealthy);
    assert_eq!(shell.states(&[success(1); 2]), [UNHEALTHY, HEALTHY]);
}

#[test]
fn a_run_that_is_broken_starts_again() {
    let mut shell = Shell::new(&check());
    shell.step(success(1));
    let bad = ProbeResult::BadStatus(503);
    let results = [bad, bad, success(1), bad, bad, bad, success(1), bad, success(1), success(1)];
    let expected = [
        HEALTHY, HEALTHY, HEALTHY, HEALTHY, HEALTHY, UNHEALTHY, UNHEALTHY, UNHEALTHY, UNHEALTHY,
        HEALTHY,
    ];
    assert_eq!(shell.states(&results), expected);
    assert_eq!(shell.machine.reason(), Reason::Successes(2));
}

#[test]
fn probes_come_faster_while_a_run_is_under_way() {
    let mut shell = Shell::new(&check());
    let slow = Duration::from_millis(4500)..=Duration::from_millis(5500);
    let fast = Duration::from_millis(450)..=Duration::from_millis(550);
    shell.step(success(1));
    for (result, expected) in [
        (success(1), &slow),
        (ProbeResult::Reset, &slow),
        (ProbeResult::Reset, &fast),
        (ProbeResult::Reset, &fast),
        (ProbeResult::Reset, &slow),
        (success(1), &slow),
        (success(1), &fast),
        (success(1), &slow),
    ] {
        let (_, waited) = shell.step(result);
        assert!(expected.contains(&waited), "{result:?} after {waited:?}");
    }
}

#[test]
fn latency_bands_note_and_fail() {
    let mut shell = Shell::new(&check());
    for (millis, grade) in
        [(500, Grade::Ok), (501, Grade::Degraded), (2000, Grade::Degraded), (2001, Grade::Failed)]
    {
        shell.step(success(millis));
        let last = shell.machine.history().newest_first().next().expect("one was just sent");
        assert_eq!((last.grade, last.took), (grade, Duration::from_millis(millis)));
        assert_eq!(shell.machine.is_degraded(), grade == Grade::Degraded);
    }
    assert_eq!(shell.machine.availability(), HEALTHY, "one slow probe is not three");
}

#[test]
fn a_probe_that_was_not_sent_decides_nothing() {
    let mut shell = Shell::new(&check());
    let unsent = ProbeResult::Local("no descriptors");
    assert_eq!(shell.states(&[unsent, success(1)]), [Availability::Starting, HEALTHY]);
    let results =
        [ProbeResult::Refused, unsent, ProbeResult::Refused, unsent, ProbeResult::Refused];
    assert_eq!(shell.states(&results), [HEALTHY, HEALTHY, HEALTHY, HEALTHY, UNHEALTHY]);
}

#[test]
fn a_result_that_was_not_asked_for_is_not_counted() {
    let mut machine = ActiveHealth::new(&check(), 1);
    assert_eq!(machine.handle_result(success(1), Instant::ZERO), None);
    assert_eq!(machine.availability(), Availability::Starting);
    assert_eq!(machine.history().newest_first().count(), 0);
}

#[test]
fn a_slow_probe_is_followed_at_once_never_overtaken() {
    let mut machine = ActiveHealth::new(&check(), 1);
    machine.handle_timeout(Instant::ZERO);
    let much_later = Instant::ZERO + Duration::from_secs(60);
    machine.handle_result(ProbeResult::Timeout, much_later);
    assert_eq!(machine.poll_timeout(), Some(much_later));
    let took = machine.history().newest_first().next().map(|record| record.took);
    assert_eq!(took, Some(Duration::from_secs(60)));
}

#[test]
fn a_reload_keeps_state_run_and_history() {
    let mut shell = Shell::new(&check());
    shell.states(&[success(1), ProbeResult::Refused, ProbeResult::Refused]);
    shell.machine.update(&HealthCheck { unhealthy_after: 5, ..check() });
    assert_eq!(shell.machine.history().newest_first().count(), 3);
    let refused = [ProbeResult::Refused; 3];
    assert_eq!(shell.states(&refused), [HEALTHY, HEALTHY, UNHEALTHY], "two came before");
}

#[test]
fn a_reload_with_a_lower_threshold_waits_for_one_more_result() {
    let mut shell = Shell::new(&check());
    shell.states(&[success(1), ProbeResult::Refused, ProbeResult::Refused]);
    shell.machine.update(&HealthCheck { unhealthy_after: 1, ..check() });
    assert_eq!(shell.machine.availability(), HEALTHY);
    assert_eq!(shell.states(&[ProbeResult::Refused]), [UNHEALTHY]);
}

#[test]
fn a_shorter_interval_counts_at_once_and_a_longer_one_after_the_next_probe() {
    let mut shell = Shell::new(&check());
    shell.step(success(1));
    shell.machine.update(&HealthCheck { interval: Duration::from_secs(1), ..check() });
    let (_, waited) = shell.step(success(1));
    assert!(waited <= Duration::from_millis(1100), "{waited:?}");
    shell.machine.update(&HealthCheck { interval: Duration::from_secs(60), ..check() });
    let (_, waited) = shell.step(success(1));
    assert!(waited <= Duration::from_millis(1100), "{waited:?}");
}

#[test]
fn reasons_read_as_sentences() {
    let failed = |last| Reason::Failures(3, last).to_string();
    assert_eq!(failed(ProbeResult::Refused), "3 failed probes in a row, last: connection refused");
    let slow = "3 failed probes in a row, last: too slow, status 200 in 2.1s";
    assert_eq!(failed(success(2100)), slow);
    let single = "a failed probe: connection closed before a whole answer";
    assert_eq!(Reason::Failures(1, ProbeResult::Reset).to_string(), single);
    let first = Reason::First(success(3), Grade::Ok).to_string();
    assert_eq!(first, "first probe: status 200 in 3.0ms");
    let first = Reason::First(ProbeResult::BodyMismatch, Grade::Failed).to_string();
    assert_eq!(first, "first probe failed: body lacks the expected text");
}

fn any_result() -> impl Strategy<Value = ProbeResult> {
    prop_oneof![
        3 => (0u64..3000).prop_map(success),
        1 => Just(ProbeResult::Refused),
        1 => Just(ProbeResult::Timeout),
        1 => (500u16..505).prop_map(ProbeResult::BadStatus),
        1 => Just(ProbeResult::Local("no descriptors")),
    ]
}

proptest! {
    /// A plain reference: the state changes exactly when the last results that count are a full
    /// run.
    #[test]
    fn the_state_is_what_the_last_run_says(
        results in prop::collection::vec(any_result(), 1..60),
        unhealthy_after in 1u32..5,
        healthy_after in 1u32..5,
    ) {
        let check = HealthCheck { unhealthy_after, healthy_after, ..check() };
        let mut shell = Shell::new(&check);
        let (mut state, mut run) = (Availability::Starting, 0);
        for result in results {
            shell.step(result);
            let well = match result {
                ProbeResult::Local(_) => None,
                ProbeResult::Success { latency, .. } => Some(latency <= check.fail_after),
                _ => Some(false),
            };
            if let Some(well) = well {
                let target = if well { HEALTHY } else { UNHEALTHY };
                run = if state == target { 0 } else { run + 1 };
                let needed = match state {
                    HEALTHY => unhealthy_after,
                    UNHEALTHY => healthy_after,
                    _ => 1,
                };
                if run >= needed {
                    (state, run) = (target, 0);
                }
            }
            prop_assert_eq!(shell.machine.availability(), state);
            prop_assert!(shell.machine.history().newest_first().count() <= History::LENGTH);
        }
    }

    #[test]
    fn any_order_of_calls_keeps_the_invariants(
        calls in prop::collection::vec((0u8..4, any_result(), 0u64..8000), 0..80),
        seed in any::<u64>(),
    ) {
        let mut machine = ActiveHealth::new(&check(), seed);
        let mut now = Instant::ZERO;
        for (call, result, pause) in calls {
            now = now + Duration::from_millis(pause);
            match call {
                0 => { machine.handle_timeout(now); }
                1 => { machine.handle_result(result, now); }
                2 => {
                    let unhealthy_after = 1 + (pause % 4) as u32;
                    machine.update(&HealthCheck { unhealthy_after, ..check() });
                }
                _ => {
                    let latest = now + Duration::from_millis(5500);
                    prop_assert!(machine.poll_timeout().is_none_or(|due| due <= latest));
                }
            }
        }
    }

    #[test]
    fn jitter_stays_within_a_tenth(nanos in 0..u64::MAX / 2, draw in any::<u64>()) {
        let interval = Duration::from_nanos(nanos);
        let jittered = jittered(interval, draw);
        let tenth = Duration::from_nanos(nanos / 10);
        prop_assert!(jittered >= interval - tenth && jittered <= interval + tenth);
    }
}
