//! Smoke checks: when they are asked for, and what their answers do.
//!
//! They are the last thing that the first step waits for, so that they find every server of the
//! candidate, and are made anew when something came between them and the step.

use super::breach::Finding;
use super::machine::Machine;
use super::moment::Moment;
use super::output::Output;
use super::wait::Wait;
use crate::time::{Duration, Instant};

/// How it stands with the smoke checks of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Smoking {
    /// To be asked for from then on.
    Due(Instant),
    /// Asked for.
    Asked,
    /// They succeeded a moment ago.
    Passed,
}

impl Machine {
    /// When checks that failed are made again, where a breach ends nothing.
    const SMOKE_AGAIN: Duration = Duration::from_secs(10);

    /// Whether the first step waits for them.
    pub(super) fn smoke(&self, _now: Instant) -> Option<Wait> {
        let is_wanted = self.definition.smoke.is_some();
        (is_wanted && self.smoking != Smoking::Passed).then_some(Wait::Smoke)
    }

    /// Asks for them once nothing else is waited for.
    pub(super) fn ask_for_smoke(&mut self, waits: &[Wait], now: Instant) {
        match self.smoking {
            Smoking::Due(at) if waits == [Wait::Smoke] && now >= at => {
                self.smoking = Smoking::Asked;
                self.ask(Output::Smoke { run: self.decided.run });
            }
            Smoking::Passed if !waits.is_empty() => self.smoking = Smoking::Due(now),
            _ => {}
        }
    }

    /// What came of them.
    pub(super) fn smoked(&mut self, run: u32, result: Result<(), String>, moment: Moment) {
        if run != self.decided.run || self.smoking != Smoking::Asked {
            return;
        }
        match result {
            Ok(()) => {
                self.smoking = Smoking::Passed;
                self.better(Finding::Smoke);
            }
            Err(why) => {
                self.smoking = Smoking::Due(moment.now + Self::SMOKE_AGAIN);
                let why = format!("the smoke checks failed: {why}");
                self.worse(Finding::Smoke, &why, moment);
            }
        }
    }
}
