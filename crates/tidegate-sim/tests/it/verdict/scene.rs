//! What happens in a run, second by second.

use std::fmt;

use tidegate_core::model::ratio::Ratio;
use tidegate_core::model::rollout::{Analysis, Errors, OnBreach, Share};
use tidegate_core::rng::Rng;
use tidegate_core::telemetry::version::VersionTotals;
use tidegate_core::time::Duration;

use super::chance::{Spread, binomial, poisson};

/// Seconds from look to look of the judge; it judges windows of as many.
pub(super) const LOOK: u32 = 5;
/// Errors of a version that is well.
const ERRORS: f64 = 0.005;
/// Latency of a version that is well: a median of 40 ms and a 99th percentile of 257 ms.
const MEDIAN: f64 = 0.040;
const SIGMA: f64 = 0.8;
/// The 99th percentile of a standard normal distribution.
const P99: f64 = 2.326_35;
/// When shared trouble and late faults begin, and how long the former lasts.
const TROUBLE: std::ops::Range<u32> = 602..902;

/// What is wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    None,
    /// Errors come in runs of five on both sides: somebody tries once a second.
    Runs,
    /// The candidate's share of errors.
    Errors(f64),
    /// The same, after ten minutes without fault.
    LateErrors(f64),
    /// All of the candidate's requests take half as long again.
    Slower,
    /// The candidate's median stays and its 99th percentile is half as long again.
    Tail,
    /// Three in ten fail on both sides for five minutes.
    SharedErrors,
    /// Everything takes three times as long on both sides for five minutes.
    SharedSlowness,
}

/// How large a share the candidate has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shares {
    /// A tenth for half an hour.
    Tenth,
    /// 1, 5, 10, 25 and 50 percent, each for a quarter of an hour.
    Steps,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Limits {
    None,
    /// Of 1 % errors and a 99th percentile of 400 ms.
    Tight,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    /// Requests a second, of both versions.
    pub(super) rate: f64,
    pub(super) shares: Shares,
    pub(super) fault: Fault,
    pub(super) limits: Limits,
}

impl Default for Scene {
    fn default() -> Self {
        Self { rate: 10.0, shares: Shares::Tenth, fault: Fault::None, limits: Limits::None }
    }
}

impl Scene {
    pub(super) fn seconds(&self) -> u32 {
        match self.shares {
            Shares::Tenth => 30 * 60,
            Shares::Steps => 5 * 15 * 60,
        }
    }

    /// Seconds that are drawn at once: where nothing begins within a look, all of it.
    pub(super) fn stride(&self) -> u32 {
        if matches!(self.fault, Fault::None) && self.rate >= 100.0 { LOOK } else { 1 }
    }

    /// When the fault is there; what was aborted before was aborted for nothing.
    pub(super) fn faulty_from(&self) -> u32 {
        if matches!(self.fault, Fault::LateErrors(_)) { TROUBLE.start } else { 0 }
    }

    pub(super) fn share(&self, second: u32) -> Share {
        let percent = match self.shares {
            Shares::Tenth => 10.0,
            Shares::Steps => [1.0, 5.0, 10.0, 25.0, 50.0][(second / (15 * 60)).min(4) as usize],
        };
        Share::percent(percent).expect("it is between 0 and 100")
    }

    pub(super) fn analysis(&self) -> Analysis {
        let (max_error_rate, max_p99) = match self.limits {
            Limits::None => (None, None),
            Limits::Tight => (Ratio::new(0.01), Some(Duration::from_millis(400))),
        };
        Analysis {
            errors: Errors { status: true, reset: true, timeout: true, grpc: true },
            max_error_rate,
            max_p99,
            compare: true,
            false_alarm: Ratio::new(0.05).expect("it is between 0 and 1"),
            min_requests: 200,
            on_breach: OnBreach::Rollback,
            custom: Vec::new(),
        }
    }
}

/// A run of a scene: all that was counted so far.
pub(super) struct Traffic {
    scene: Scene,
    rng: Rng,
    well: Spread,
    candidate: Spread,
    slow: Spread,
    /// Who is in a run of errors, by side.
    running: [u64; 2],
    pub(super) totals: [VersionTotals; 2],
}

impl Traffic {
    pub(super) fn new(scene: Scene, seed: u64) -> Self {
        let well = Spread::lognormal(MEDIAN, SIGMA);
        let candidate = match scene.fault {
            Fault::Slower => Spread::lognormal(MEDIAN * 1.5, SIGMA),
            Fault::Tail => Spread::lognormal(MEDIAN, SIGMA + 1.5_f64.ln() / P99),
            _ => well.clone(),
        };
        let slow = Spread::lognormal(MEDIAN * 3.0, SIGMA);
        let totals = [VersionTotals::default(); 2];
        Self { scene, rng: Rng::new(seed), well, candidate, slow, running: [0; 2], totals }
    }

    /// So many seconds pass from this one on.
    pub(super) fn pass(&mut self, seconds: u32, second: u32) {
        let all = poisson(&mut self.rng, self.scene.rate * f64::from(seconds));
        let share = self.scene.share(second).as_fraction();
        let candidate = binomial(&mut self.rng, all, share);
        for (side, requests) in [all - candidate, candidate].into_iter().enumerate() {
            let errors = self.errors(side, requests, second);
            let trouble = TROUBLE.contains(&second);
            let spread = match self.scene.fault {
                Fault::SharedSlowness if trouble => &self.slow,
                _ if side == 1 => &self.candidate,
                _ => &self.well,
            };
            let totals = &mut self.totals[side];
            totals.requests += requests;
            totals.errors += errors;
            spread.draw(&mut self.rng, requests, &mut totals.latency);
        }
    }

    fn errors(&mut self, side: usize, requests: u64, second: u32) -> u64 {
        let rate = match self.scene.fault {
            Fault::Runs => return self.run_on(side, requests),
            Fault::Errors(rate) if side == 1 => rate,
            Fault::LateErrors(rate) if side == 1 && second >= TROUBLE.start => rate,
            Fault::SharedErrors if TROUBLE.contains(&second) => 0.3,
            _ => ERRORS,
        };
        binomial(&mut self.rng, requests, rate)
    }

    /// Runs go on with a probability of 0.8 each second, and new ones begin.
    fn run_on(&mut self, side: usize, requests: u64) -> u64 {
        let begun = poisson(&mut self.rng, requests as f64 * ERRORS / 5.0);
        let running = binomial(&mut self.rng, self.running[side], 0.8) + begun;
        self.running[side] = running;
        running.min(requests)
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenth => "10 % for 30 min",
            Self::Steps => "1-5-10-25-50 % for 15 min each",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no fault"),
            Self::Runs => f.write_str("errors in runs on both sides"),
            Self::Errors(rate) => write!(f, "{:.1} % errors", rate * 100.0),
            Self::LateErrors(rate) => write!(f, "{:.1} % errors after 10 min", rate * 100.0),
            Self::Slower => f.write_str("all latencies +50 %"),
            Self::Tail => f.write_str("p99 +50 %, median as before"),
            Self::SharedErrors => f.write_str("both 30 % errors for 5 min"),
            Self::SharedSlowness => f.write_str("both three times as slow for 5 min"),
        }
    }
}
