//! A pool under faults: probes, passive ejection and balancing together.
//!
//! Servers refuse, hang, reset, fail and slow down, and get well again, while requests are balanced
//! over them by two cores. `scene` is the pool with its shell; `oracle` is what must hold
//! throughout; this file runs both.

mod oracle;
mod scene;

use tidegate_core::model::pool::{Balance, PassiveHealth};
use tidegate_core::model::server::Availability;
use tidegate_core::time::{Duration, Instant};
use tidegate_sim::check;

use scene::{FAULTS_END, Scene};

#[test]
fn a_pool_under_faults_keeps_its_promises() {
    check::seeds(std::env::var("TIDEGATE_SEED").ok().as_deref(), |seed| {
        let mut scene = Scene::new(seed);
        recover(&mut scene);
        stay_calm(&mut scene);
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut scene = Scene::new(seed);
        recover(&mut scene);
        scene.report()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

/// Faults come and go; afterwards every server is healthy again within the longest ejection and two
/// probes.
fn recover(scene: &mut Scene) {
    let bound = FAULTS_END + PassiveHealth::EJECT_FOR_MAX + Duration::from_secs(15);
    // What began under the last fault may still fail, for as long as it may take.
    let settled = FAULTS_END + Duration::from_secs(5);
    while scene.now() < settled || !all_healthy(scene) {
        let moved_on = scene.step(bound);
        scene.expect(moved_on, "all servers are healthy again some time after the last fault");
    }
}

/// While nothing goes wrong nobody changes state, and picks match weights.
fn stay_calm(scene: &mut Scene) {
    const PICKS: u32 = 3000;
    let changes = scene.oracle.changes_of_state();
    scene.oracle.count_picks_anew();
    while scene.oracle.picks().iter().sum::<u32>() < PICKS {
        scene.step(Instant::NEVER);
    }
    scene.expect(scene.oracle.changes_of_state() == changes, "a calm pool does not change");
    let Some(weights) = fair_weights(scene) else { return };
    let total: f64 = weights.iter().sum();
    for (picks, weight) in scene.oracle.picks().iter().zip(&weights) {
        let (share, fair) = (f64::from(*picks) / f64::from(PICKS), weight / total);
        // Five standard deviations of 3,000 draws; the rules that take turns are far closer.
        let bound = 5.0 * (fair * (1.0 - fair) / f64::from(PICKS)).sqrt();
        scene.expect((share - fair).abs() <= bound, "shares of picks match weights");
    }
}

fn all_healthy(scene: &Scene) -> bool {
    scene.members().iter().all(|one| one.state.availability() == Availability::Healthy)
}

/// What share each member should have, for the rules that promise one whatever the load.
fn fair_weights(scene: &Scene) -> Option<Vec<f64>> {
    let by_weight = match scene.balance() {
        Balance::RoundRobin => false,
        Balance::WeightedRoundRobin | Balance::Random => true,
        _ => return None,
    };
    let weight = |server: &tidegate_core::model::server::Server| match (server.backup, by_weight) {
        (true, _) => 0.0,
        (false, true) => f64::from(server.weight.value()),
        (false, false) => 1.0,
    };
    Some(scene.members().iter().map(|member| weight(&member.server)).collect())
}
