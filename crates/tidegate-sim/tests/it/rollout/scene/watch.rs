//! What must hold of the machine itself, beside what users meet.

use tidegate_core::model::rollout::{OnBreach, Share};
use tidegate_core::rollout::input::Hold;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::rollout::verdict::Outcome;
use tidegate_core::time::Duration;

use super::{HOLD, Scene};

impl Scene {
    pub(super) fn look_at_breach(&self) {
        let is_breach = self.look.verdict.as_ref().is_some_and(|it| it.breach().is_some());
        let Some(machine) = self.machine.as_ref().filter(|_| is_breach) else { return };
        let on_breach = self.definition.analysis.as_ref().map(|analysis| analysis.on_breach);
        let phase = machine.phase();
        self.expect(
            on_breach != Some(OnBreach::Rollback) || !phase.is_open(),
            "a breach ends at nobody, whatever is waited for",
        );
    }

    /// A step was taken: nothing stood in its way.
    pub(super) fn look_at_growth(&self, before: Phase) {
        let Some(machine) = &self.machine else { return };
        let share = machine.phase().share();
        let is_promoted = self.promoted >= share;
        let steps = self.definition.strategy.steps();
        self.expect(steps.contains(&share), "a share is a step");
        let Some((look, at)) = &self.heard else { return self.expect(false, "it was told") };
        let age = self.world.now().since(*at);
        self.expect(age <= Duration::from_secs(10), "it was told of late");
        let is_held = look.held.iter().any(|hold| !matches!(hold, Hold::Ceiling(_)));
        self.expect(!is_held, "nothing is held");
        let fits = look.capacity.candidate.covers(share.as_fraction());
        self.expect(fits, "the candidate can take it");
        if before == Phase::Preparing {
            return;
        }
        let passed = look.verdict.as_ref().is_some_and(|it| it.outcome == Outcome::Pass);
        let is_watched = self.definition.analysis.is_some();
        self.expect(passed || is_promoted || !is_watched, "the judge has said so");
        let recorded = self.disk.as_ref().map_or(u64::MAX, |record| record.since.as_millis());
        let held = self.moment().at.as_millis().saturating_sub(recorded);
        let is_over = held >= HOLD.as_millis() as u64 || is_promoted || self.was_set;
        self.expect(is_over, "its time is over");
    }

    pub(super) fn look_at_pledges(&self) {
        let Some(machine) = &self.machine else { return };
        let Some(pledges) = machine.pledges() else { return };
        let is_open = machine.phase().is_open();
        self.expect(!is_open || pledges.stable.demand >= 1.0, "stable can take everything");
        let share = machine.share().as_fraction();
        self.expect(pledges.candidate.demand >= share, "the candidate can take its own");
    }

    pub(crate) fn expect_finished(&self) {
        let Some(machine) = &self.machine else { return self.expect(false, "the balancer runs") };
        self.expect(machine.phase() == Phase::Done, "it comes to its end");
        self.expect(machine.is_recorded(), "and that is on the disk");
        self.expect(machine.share() == Share::ALL, "the candidate is what serves");
    }
}
