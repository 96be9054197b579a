//! The judge of one rollout: what was counted and measured goes in, a word and its numbers come
//! out.

use serde_json::Value;
use tidegate_core::model::rollout::{Analysis, Share};
use tidegate_core::rollout::analysis::judge::{self, Judge};
use tidegate_core::rollout::analysis::measure::Reading;
use tidegate_core::rollout::analysis::record::Record;
use tidegate_core::rollout::analysis::verdict as said;
use tidegate_core::rollout::verdict::{Outcome, Verdict};
use tidegate_core::telemetry::version::VersionTotals;
use tidegate_core::time::Instant;

use super::status::EvidenceStatus;

/// The judge, and what it knows.
pub(super) struct Bench {
    judge: Judge,
    /// What was last answered for each measure.
    readings: Vec<Option<Reading>>,
    /// The share that it judges.
    share: Share,
    evidence: Vec<EvidenceStatus>,
}

impl Bench {
    /// One that goes on with what was kept, if anything was.
    pub(super) fn new(settings: &Analysis, kept: Option<&Value>, share: Share) -> Self {
        let record = kept.and_then(|kept| serde_json::from_value::<Record>(kept.clone()).ok());
        let knows_step = record.is_some();
        let mut judge = Judge::restore(settings, record.unwrap_or_default());
        if !knows_step && share == Share::ALL {
            // Stable is asked nothing any more: who waited for its answers would wait for good.
            judge.begin_step(share);
        }
        Self { judge, readings: vec![None; settings.custom.len()], share, evidence: Vec::new() }
    }

    /// The same evidence, by other settings.
    pub(super) fn follow(&mut self, settings: &Analysis) {
        self.judge = Judge::restore(settings, self.judge.record());
        self.readings = vec![None; settings.custom.len()];
    }

    /// What was seen so far does not count.
    pub(super) fn begin_anew(&mut self) {
        self.judge.pardon();
    }

    /// The candidate may have another share from now on.
    pub(super) fn turn_to(&mut self, share: Share) {
        if self.share != share {
            self.share = share;
            self.judge.begin_step(share);
        }
    }

    /// What was answered when a measure was asked for, of stable and of the candidate.
    pub(super) fn take(&mut self, place: usize, numbers: [Option<f64>; 2], taken: Instant) {
        if let Some(reading) = self.readings.get_mut(place) {
            let [stable, candidate] = numbers;
            *reading = Some(Reading { taken, candidate, stable });
        }
    }

    /// What it says now, and the same in a sentence; nothing while the candidate has no users.
    pub(super) fn look(
        &mut self,
        totals: [VersionTotals; 2],
        now: Instant,
    ) -> Option<(Verdict, String)> {
        if self.share == Share::NONE {
            return None;
        }
        let said = self.judge.look(&judge::Look { now, totals, custom: &self.readings });
        let found = said.numbers.evidence.iter();
        let part = |found: &said::Found| EvidenceStatus {
            test: found.test.as_str().to_owned(),
            part: found.evidence / found.bar,
        };
        self.evidence = found.map(part).collect();
        Some((verdict(&said), said.to_string()))
    }

    /// What is to be kept.
    pub(super) fn record(&self) -> Option<Value> {
        serde_json::to_value(self.judge.record()).ok()
    }

    /// The evidence against the candidate, by test.
    pub(super) fn evidence(&self) -> &[EvidenceStatus] {
        &self.evidence
    }
}

/// The word as the machine knows it.
fn verdict(said: &said::Verdict) -> Verdict {
    let because = || said.outcome.because().unwrap_or_default();
    let outcome = match &said.outcome {
        said::Outcome::Pass => Outcome::Pass,
        said::Outcome::Hold(_) => Outcome::Hold(because()),
        said::Outcome::Breach(_) => Outcome::Breach(because()),
    };
    let numbers = serde_json::to_value(&said.numbers).unwrap_or_default();
    Verdict { outcome, numbers }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tidegate_core::config::load::{Text, load};
    use tidegate_core::time::Duration;

    use super::*;

    fn analysis() -> Analysis {
        let text = "listener.web.address = \"127.0.0.1:80\"\nroute.all.pool = \"app\"\n\
                    pool.app.servers = [\"127.0.0.1:1\"]\npool.next.servers = [\"127.0.0.1:2\"]\n\
                    [rollout.next]\npool = \"app\"\ncandidate = \"next\"\nstrategy = \"canary\"\n";
        let config = load(Path::new("app.toml"), &mut Text(text)).config.expect("it is sound");
        config.rollouts[0].analysis.clone().expect("by default there is one")
    }

    #[test]
    fn who_begins_to_watch_a_bake_does_not_wait_for_stable() {
        for (share, passes) in [(Share::millionths(500_000), false), (Share::ALL, true)] {
            let mut bench = Bench::new(&analysis(), None, share);
            let look = |bench: &mut Bench, requests, second| {
                let candidate = VersionTotals { requests, ..VersionTotals::default() };
                let now = Instant::ZERO + Duration::from_secs(second);
                bench.look([VersionTotals::default(), candidate], now)
            };
            look(&mut bench, 0, 0);
            let (verdict, said) = look(&mut bench, 1000, 60).expect("it has users");
            assert_eq!(verdict.outcome == Outcome::Pass, passes, "{share:?}: {said}");
        }
    }
}
