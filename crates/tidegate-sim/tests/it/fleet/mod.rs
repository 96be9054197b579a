//! A fleet under faults: its provider is slow, short, down or lying, instances never answer, die or
//! fall ill, and the balancer is killed between any two of its acts, with nothing left but what is
//! on the disk.
//!
//! `scene` is the world and the shell; this file runs it and says what must hold.

mod scene;

use std::cell::Cell;

use tidegate_core::time::{Duration, Instant};
use tidegate_sim::check;

use scene::{FAULTS_END, Scene};

/// By when everything is as it should be: a back-off, a launch that never answers and is replaced,
/// and drains, one after the other.
const CONVERGED: Instant = Instant::from_nanos(FAULTS_END.as_nanos() + 480_000_000_000);

#[test]
fn a_fleet_under_faults_and_kills_keeps_its_promises() {
    let kills = Cell::new(0);
    let replay = std::env::var("TIDEGATE_SEED").ok();
    check::seeds(replay.as_deref(), |seed| {
        let mut scene = Scene::new(seed);
        scene.run(CONVERGED);
        kills.set(kills.get() + scene.kills);
        scene.expect_converged();
        stay_calm(&mut scene);
    });
    assert!(replay.is_some() || kills.get() >= 200, "{} kills", kills.get());
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut scene = Scene::new(seed);
        scene.run(FAULTS_END);
        scene.report()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

/// When nothing goes wrong and nothing is wished for, nothing is started or stopped.
fn stay_calm(scene: &mut Scene) {
    let before = scene.calls;
    scene.run(CONVERGED + Duration::from_secs(300));
    scene.expect(scene.calls == before, "a calm fleet stays as it is");
    scene.expect_converged();
}
