//! Ejections by example, and bounds that hold for any sequence of calls.

use proptest::prelude::*;

use super::*;
use crate::model::pool::Failures;

fn passive(max_ejected: f64) -> PassiveHealth {
    PassiveHealth {
        consecutive_failures: 5,
        eject_for: Duration::from_secs(10),
        max_ejected: Ratio::new(max_ejected).expect("tests use ratios"),
        failures: Failures { connect: true, reset: true, timeout: true, status: vec![503] },
    }
}

fn ids(count: u64) -> Vec<ServerId> {
    (1..=count).map(ServerId).collect()
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn eject(pool: &mut Outlier, server: u64, now: Instant) -> Option<Ejection> {
    match pool.failed_run(ServerId(server), 5, Backup::Missing, now) {
        Some(Output::Eject { server: ejected, ejection }) => {
            assert_eq!(ejected, ServerId(server));
            Some(ejection)
        }
        _ => None,
    }
}

#[test]
fn a_full_run_ejects_and_the_server_returns_by_itself() {
    let mut pool = Outlier::new(&passive(0.5), &ids(4));
    assert_eq!(pool.failed_run(ServerId(2), 4, Backup::Missing, at(1)), None);
    let ejection = eject(&mut pool, 2, at(1)).expect("one of four may go");
    assert_eq!((ejection.until, ejection.nth, ejection.run), (at(11), 1, 5));
    assert_eq!(pool.poll_timeout(), Some(at(11)));
    assert_eq!(pool.handle_timeout(at(10)), None);
    assert_eq!(pool.handle_timeout(at(11)), Some(Output::Return { server: ServerId(2) }));
    assert_eq!((pool.poll_timeout(), pool.ejection(ServerId(2))), (None, None));
}

#[test]
fn failures_of_a_server_that_is_out_change_nothing() {
    let mut pool = Outlier::new(&passive(0.5), &ids(4));
    let first = eject(&mut pool, 2, at(0));
    assert_eq!(pool.failed_run(ServerId(2), 6, Backup::Available, at(5)), None);
    assert_eq!(pool.ejection(ServerId(2)), first);
}

#[test]
fn zero_turns_ejection_off_and_strangers_are_not_members() {
    let never = PassiveHealth { consecutive_failures: 0, ..passive(1.0) };
    let mut pool = Outlier::new(&never, &ids(4));
    assert_eq!(pool.failed_run(ServerId(1), 99, Backup::Available, at(0)), None);
    let mut pool = Outlier::new(&passive(1.0), &ids(4));
    assert_eq!(pool.failed_run(ServerId(9), 99, Backup::Available, at(0)), None);
}

/// How many of `members` can be ejected at once.
#[track_caller]
fn check_cap(max_ejected: f64, members: u64, expected: usize) {
    let mut pool = Outlier::new(&passive(max_ejected), &ids(members));
    for server in 1..=members {
        eject(&mut pool, server, at(0));
    }
    assert_eq!(pool.ejected(), expected, "{max_ejected} of {members}");
}

#[test]
fn the_cap_is_counted_after_the_ejection() {
    check_cap(0.5, 1, 0);
    check_cap(0.5, 2, 1);
    check_cap(0.5, 3, 1);
    check_cap(0.5, 4, 2);
    check_cap(0.7, 10, 7);
    check_cap(0.29, 100, 29);
    check_cap(0.0, 10, 0);
    check_cap(1.0, 3, 3);
}

#[test]
fn who_is_spared_is_told_and_a_backup_lifts_the_cap() {
    let mut pool = Outlier::new(&passive(0.5), &ids(1));
    let spared = pool.failed_run(ServerId(1), 5, Backup::Missing, at(0));
    let expected = Spared { run: 5, ejected: 0, members: 1 };
    assert_eq!(spared, Some(Output::Spare { server: ServerId(1), spared: expected }));
    let text = "kept after 5 failures in a row: 0 of 1 servers are ejected already";
    assert_eq!(expected.to_string(), text);
    let ejected = pool.failed_run(ServerId(1), 6, Backup::Available, at(1));
    assert!(matches!(ejected, Some(Output::Eject { .. })));
}

/// Seconds of each of `count` ejections that follow at once upon the return.
fn growth(pool: &mut Outlier, count: usize, now: &mut Instant) -> Vec<u64> {
    let again = |_| {
        let ejection = eject(pool, 1, *now).expect("it is in");
        *now = ejection.until;
        assert!(pool.handle_timeout(*now).is_some());
        ejection.lasts.as_secs()
    };
    (0..count).map(again).collect()
}

#[test]
fn ejections_double_up_to_five_minutes_and_quiet_times_halve_them() {
    let mut pool = Outlier::new(&passive(0.5), &ids(2));
    let mut now = at(0);
    assert_eq!(growth(&mut pool, 8, &mut now), [10, 20, 40, 80, 160, 300, 300, 300]);
    now = now + Duration::from_secs(99);
    assert_eq!(growth(&mut pool, 1, &mut now), [300], "just short of the quiet time");
    now = now + Duration::from_secs(100);
    assert_eq!(growth(&mut pool, 1, &mut now), [300], "one forgotten, one more");
    now = now + Duration::from_secs(300);
    assert_eq!(growth(&mut pool, 2, &mut now), [80, 160]);
    now = now + Duration::from_secs(3600);
    assert_eq!(growth(&mut pool, 1, &mut now), [10], "all forgotten");
}

#[test]
fn a_long_first_ejection_is_honored_and_does_not_grow() {
    let long = PassiveHealth { eject_for: Duration::from_secs(600), ..passive(0.5) };
    let mut pool = Outlier::new(&long, &ids(2));
    assert_eq!(growth(&mut pool, 3, &mut at(0)), [600, 600, 600]);
}

#[test]
fn what_is_due_together_returns_in_the_order_of_ids() {
    let mut pool = Outlier::new(&passive(1.0), &[ServerId(3), ServerId(1), ServerId(2)]);
    for server in [2, 3, 1] {
        eject(&mut pool, server, at(0));
    }
    let returned: Vec<Output> = std::iter::from_fn(|| pool.handle_timeout(at(10))).collect();
    let expected: Vec<Output> =
        ids(3).into_iter().map(|server| Output::Return { server }).collect();
    assert_eq!(returned, expected);
}

#[test]
fn a_reload_keeps_the_ejections_of_those_who_stay() {
    let mut pool = Outlier::new(&passive(0.5), &ids(4));
    let (_, two) = (eject(&mut pool, 1, at(0)), eject(&mut pool, 2, at(0)));
    pool.retain(&[ServerId(2), ServerId(3), ServerId(9)]);
    pool.update(&PassiveHealth { eject_for: Duration::from_secs(1), ..passive(0.5) });
    assert_eq!((pool.ejected(), pool.ejection(ServerId(2))), (1, two));
    assert_eq!(eject(&mut pool, 9, at(1)), None, "two of three are more than half");
    pool.retain(&ids(4));
    assert_eq!(pool.ejection(ServerId(1)), None, "who left is a newcomer");
}

#[test]
fn an_ejection_reads_as_a_sentence() {
    let mut pool = Outlier::new(&passive(0.5), &ids(2));
    let ejection = eject(&mut pool, 1, at(0)).expect("one of two may go");
    assert_eq!(ejection.to_string(), "ejected for 10s after 5 failures in a row");
}

#[derive(Clone, Debug)]
enum Call {
    Fail(u64, u32, bool),
    Wait(u64),
    Retain(u64, u64),
}

fn any_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => (1u64..12, 1u32..10, any::<bool>())
            .prop_map(|(id, run, backup)| Call::Fail(id, run, backup)),
        3 => (0u64..400).prop_map(Call::Wait),
        1 => (1u64..6, 0u64..8).prop_map(|(first, more)| Call::Retain(first, first + more)),
    ]
}

/// One call on a pool, with what must hold of its answer.
fn call(pool: &mut Outlier, call: Call, now: &mut Instant) {
    match call {
        Call::Fail(id, run, available) => {
            let backup = if available { Backup::Available } else { Backup::Missing };
            let before = pool.ejected();
            let output = pool.failed_run(ServerId(id), run, backup, *now);
            if let Some(Output::Eject { ejection, .. }) = output {
                assert!(run >= 5 && pool.ejected() == before + 1);
                let share = pool.ejected() as f64 / pool.members.len() as f64;
                assert!(available || share <= 0.5, "{share} is over the cap");
                let bounds = Duration::from_secs(10)..=PassiveHealth::EJECT_FOR_MAX;
                assert!(bounds.contains(&ejection.lasts));
            } else {
                assert_eq!(pool.ejected(), before);
            }
        }
        Call::Wait(seconds) => {
            *now = *now + Duration::from_secs(seconds);
            while pool.handle_timeout(*now).is_some() {}
            assert!(pool.poll_timeout().is_none_or(|due| due > *now), "nothing stays overdue");
        }
        Call::Retain(first, last) => {
            pool.retain(&(first..=last).map(ServerId).collect::<Vec<_>>());
            assert_eq!(pool.members.len() as u64, last - first + 1);
        }
    }
}

proptest! {
    #[test]
    fn any_order_of_calls_keeps_the_cap_and_ends(
        calls in prop::collection::vec(any_call(), 0..120),
    ) {
        let mut pool = Outlier::new(&passive(0.5), &ids(8));
        let mut now = Instant::ZERO;
        for step in calls {
            call(&mut pool, step, &mut now);
        }
        call(&mut pool, Call::Wait(PassiveHealth::EJECT_FOR_MAX.as_secs()), &mut now);
        prop_assert_eq!((pool.ejected(), pool.poll_timeout()), (0, None));
    }
}
