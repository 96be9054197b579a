//! How good the verdicts on a release are, over many seeded runs.
//!
//! Requests are counted by the second from seeded binomials: how many come, which side they meet,
//! how many fail, which bucket of latency each falls into. The judge that looks at them every five
//! seconds is the one of production. Ordinary test runs take few seeds; the table of
//! `bench/RESULTS.md` is printed by
//!
//! ```text
//! cargo test --release -p tidegate-sim --test it verdict -- --ignored --nocapture
//! ```
//!
//! `chance` draws, `scene` says what happens, `rivals` are two judges as others have them, `runs`
//! counts verdicts.

mod chance;
mod rivals;
mod runs;
mod scene;

use runs::{Court, Runs, judged};
use scene::{Fault, Limits, Scene, Shares};

/// Seeds of the table.
const MANY: u64 = 1000;

/// Seeds of an ordinary test run, where so many requests a second come.
fn few(rate: f64) -> u64 {
    if rate > 10.0 { 8 } else { 40 }
}

const IDENTICAL: [(f64, Shares); 8] = [
    (1.0, Shares::Tenth),
    (10.0, Shares::Tenth),
    (100.0, Shares::Tenth),
    (1000.0, Shares::Tenth),
    (1.0, Shares::Steps),
    (10.0, Shares::Steps),
    (100.0, Shares::Steps),
    (1000.0, Shares::Steps),
];

fn scene(rate: f64, fault: Fault) -> Scene {
    Scene { rate, fault, ..Scene::default() }
}

fn identical(rate: f64, shares: Shares) -> Scene {
    Scene { shares, ..scene(rate, Fault::None) }
}

/// Trouble that both sides have, with limits that both exceed.
fn shared(fault: Fault, rate: f64) -> Scene {
    Scene { limits: Limits::Tight, ..scene(rate, fault) }
}

#[test]
fn a_candidate_that_is_no_worse_is_let_through() {
    for (rate, shares) in IDENTICAL.into_iter().filter(|(rate, _)| *rate <= 100.0) {
        let [runs, ..] = judged(&identical(rate, shares), Court::Judge, few(rate));
        assert!(runs.aborted() <= 0.05, "{rate}/s, {shares:?}: {runs:?}");
    }
}

#[test]
fn a_candidate_that_fails_is_caught_within_two_minutes() {
    let [runs, ..] = judged(&scene(10.0, Fault::Errors(0.05)), Court::Judge, few(10.0));
    assert!(runs.median().is_some_and(|seconds| seconds <= 120), "{runs:?}");
    assert!(runs.aborted() >= 0.99, "{runs:?}");
}

#[test]
fn a_candidate_that_is_slower_is_caught_within_five_minutes() {
    for (rate, fault) in [(10.0, Fault::Slower), (100.0, Fault::Slower), (100.0, Fault::Tail)] {
        let [runs, ..] = judged(&scene(rate, fault), Court::Judge, few(rate));
        assert!(runs.median().is_some_and(|seconds| seconds <= 300), "{rate} {fault:?}: {runs:?}");
    }
}

/// Case L6 of docs/security-cases.md.
#[test]
fn l6_trouble_that_both_versions_have_aborts_nothing() {
    for fault in [Fault::SharedErrors, Fault::SharedSlowness] {
        for rate in [10.0, 100.0] {
            let [runs, ..] = judged(&shared(fault, rate), Court::Judge, few(rate));
            assert_eq!(runs.aborted(), 0.0, "{rate}/s {fault:?}: {runs:?}");
        }
    }
}

#[test]
#[ignore = "a thousand seeds of everything take minutes"]
fn table() {
    let mut rows = Vec::new();
    for (rate, fault) in [
        (10.0, Fault::Errors(0.05)),
        (10.0, Fault::LateErrors(0.05)),
        (10.0, Fault::Errors(0.015)),
        (100.0, Fault::Errors(0.015)),
        (100.0, Fault::Errors(0.008)),
        (10.0, Fault::Slower),
        (100.0, Fault::Slower),
        (10.0, Fault::Tail),
        (100.0, Fault::Tail),
    ] {
        rows.push((format!("{fault}, {} candidate requests/s", rate / 10.0), scene(rate, fault)));
    }
    for fault in [Fault::SharedErrors, Fault::SharedSlowness] {
        for rate in [10.0, 100.0, 1000.0] {
            rows.push((format!("{fault}, limits set, {rate}/s"), shared(fault, rate)));
        }
    }
    for rate in [10.0, 100.0] {
        let fault = Fault::Runs;
        rows.push((format!("identical, errors in runs of five, {rate}/s"), scene(rate, fault)));
    }
    for (rate, shares) in IDENTICAL {
        rows.push((format!("identical, {rate}/s, {shares}"), identical(rate, shares)));
    }
    println!("| | tidegate | 99 % a minute, 5 failures | z-test each minute |");
    println!("|---|---:|---:|---:|");
    for (name, scene) in rows {
        let [judge, flagger, peeking] = judged(&scene, Court::All, MANY);
        println!("| {name} | {judge} | {flagger} | {peeking} |");
    }
}

/// The share of runs that ended in a breach, and when the median one did.
impl std::fmt::Display for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} %", self.aborted() * 100.0)?;
        match self.median() {
            Some(seconds) => write!(f, ", {seconds} s"),
            None => Ok(()),
        }
    }
}
