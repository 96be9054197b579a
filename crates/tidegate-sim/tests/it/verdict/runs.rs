//! Runs a scene with many seeds and counts how they end.

use tidegate_core::model::rollout::Share;
use tidegate_core::rollout::analysis::judge::{Judge, Look};
use tidegate_core::rollout::analysis::verdict::Outcome;
use tidegate_core::time::{Duration, Instant};

use super::rivals::{Flagger, peek};
use super::scene::{LOOK, Scene, Traffic};

/// How the runs of a scene ended.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: usize,
    /// How many seconds after the fault each breach was found; negative: before it.
    breaches: Vec<i64>,
}

impl Runs {
    /// The share of runs that ended in a breach.
    pub(super) fn aborted(&self) -> f64 {
        self.breaches.len() as f64 / self.runs as f64
    }

    /// When half of all runs had ended in a breach; `None`: they never had.
    pub(super) fn median(&self) -> Option<i64> {
        let mut breaches = self.breaches.clone();
        breaches.sort_unstable();
        breaches.get(self.runs / 2).copied()
    }

    fn count(&mut self, scene: &Scene, breach: Option<u32>) {
        self.runs += 1;
        let from = i64::from(scene.faulty_from());
        self.breaches.extend(breach.map(|second| i64::from(second) - from));
    }
}

/// Who judges.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Court {
    /// The judge alone; a run ends with its breach.
    Judge,
    /// The judge, a failure count and a peeking z-test, on the same traffic.
    All,
}

/// How the runs ended by the word of each of the court.
pub(super) fn judged(scene: &Scene, court: Court, seeds: u64) -> [Runs; 3] {
    let mut runs: [Runs; 3] = Default::default();
    for seed in 0..seeds {
        for (runs, breach) in runs.iter_mut().zip(run(scene, court, seed)) {
            runs.count(scene, breach);
        }
    }
    runs
}

/// When each of the court first found a breach.
fn run(scene: &Scene, court: Court, seed: u64) -> [Option<u32>; 3] {
    let (mut traffic, mut breaches) = (Traffic::new(*scene, seed), [None; 3]);
    let (mut judge, mut flagger) = (Judge::new(&scene.analysis()), Flagger::default());
    let mut share = Share::NONE;
    let stride = scene.stride();
    for second in (0..scene.seconds()).step_by(stride as usize) {
        if scene.share(second) != share {
            share = scene.share(second);
            judge.begin_step(share);
        }
        let mut found = [false; 3];
        if breaches[0].is_none() && second % LOOK == 0 {
            let now = Instant::ZERO + Duration::from_secs(u64::from(second));
            let verdict = judge.look(&Look { now, totals: traffic.totals, custom: &[] });
            found[0] = matches!(verdict.outcome, Outcome::Breach(_));
        }
        if court == Court::All && second > 0 && second % 60 == 0 {
            (found[1], found[2]) = (flagger.look(&traffic.totals), peek(&traffic.totals));
        }
        for (breach, found) in breaches.iter_mut().zip(found) {
            *breach = breach.or(found.then_some(second));
        }
        if court == Court::Judge && breaches[0].is_some() {
            break;
        }
        traffic.pass(stride, second);
    }
    breaches
}
