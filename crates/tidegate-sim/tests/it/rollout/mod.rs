//! A rollout under faults: people change their minds, the judge and the servers too, the disk
//! fails, the wall clock is set, and the balancer is killed between any two of its acts, with
//! nothing left but what is on the disk.
//!
//! `scene` is the world and the shell; `oracle` is what must hold of what users meet; this file
//! runs both.

mod oracle;
mod scene;

use std::cell::Cell;

use tidegate_core::time::{Duration, Instant};
use tidegate_sim::check;

use scene::{FAULTS_END, Scene};

/// By when a run that begins anew when the faults end is through all its phases.
const CONVERGED: Instant = Instant::from_nanos(FAULTS_END.as_nanos() + 420_000_000_000);

#[test]
fn a_rollout_under_faults_and_kills_keeps_its_promises() {
    let seen = [const { Cell::new(0) }; 4];
    let replay = std::env::var("TIDEGATE_SEED").ok();
    check::seeds(replay.as_deref(), |seed| {
        let mut scene = Scene::new(seed);
        scene.run(FAULTS_END);
        scene.run_to_the_end(CONVERGED);
        scene.expect_finished();
        stay_calm(&mut scene);
        for (count, of) in seen.iter().zip(scene.seen()) {
            count.set(count.get() + of);
        }
    });
    let [kills, aborts, growths, resumed] = seen.each_ref().map(Cell::get);
    let is_rich = kills > 1000 && aborts > 200 && growths > 1000 && resumed > 200;
    assert!(replay.is_some() || is_rich, "{kills} {aborts} {growths} {resumed}");
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

/// When it is finished and nobody wants anything, nothing is done.
fn stay_calm(scene: &mut Scene) {
    let before = scene.outputs;
    scene.run(CONVERGED + Duration::from_secs(300));
    scene.expect(scene.outputs == before, "what is finished does nothing");
}
