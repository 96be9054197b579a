//! What is done about a candidate that is worse than it may be.
//!
//! A breach is acted on in every phase in which the way back is instant, and whatever a step waits
//! for: time, capacity or a person. Smoke checks that fail count as one.

use super::event::RolloutEvent;
use super::machine::Machine;
use super::moment::Moment;
use super::record::{Pause, PauseCause};
use super::verdict::Verdict;
use crate::model::rollout::OnBreach;

/// By what a candidate was found worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// By the judge.
    Verdict,
    /// By its smoke checks.
    Smoke,
}

impl Machine {
    /// Acts on a breach, whatever a step waits for.
    pub(super) fn heed(&mut self, moment: Moment) {
        if !self.decided.phase.is_open() || self.definition.analysis.is_none() {
            return;
        }
        let verdict = self.seen(moment.now).and_then(|look| look.verdict.clone());
        match verdict.as_ref().map(Verdict::breach) {
            Some(Some(why)) => self.worse(Finding::Verdict, why, moment),
            Some(None) => self.better(Finding::Verdict),
            None => {}
        }
    }

    /// The candidate is worse than it may be.
    pub(super) fn worse(&mut self, finding: Finding, why: &str, moment: Moment) {
        let analysis = self.definition.analysis.as_ref();
        match analysis.map_or(OnBreach::Rollback, |analysis| analysis.on_breach) {
            OnBreach::Rollback => {
                self.keep_verdict(finding);
                self.end(why.to_owned(), Self::OWN, moment);
            }
            OnBreach::Freeze => self.freeze(finding, why, moment),
            OnBreach::Alert if self.alarm.is_some() => {}
            OnBreach::Alert => {
                self.alarm = Some(finding);
                self.tell(RolloutEvent::Breached { why: why.to_owned() });
            }
        }
    }

    /// It no longer is, by what found it so.
    pub(super) fn better(&mut self, finding: Finding) {
        if self.alarm == Some(finding) {
            self.alarm = None;
            self.tell(RolloutEvent::Recovered);
        }
    }

    fn freeze(&mut self, finding: Finding, why: &str, moment: Moment) {
        let pause = self.decided.paused.as_ref();
        if pause.is_some_and(|pause| pause.cause == PauseCause::Breach) {
            return;
        }
        self.keep_verdict(finding);
        self.decided.paused =
            Some(Pause { why: format!("breach: {why}"), cause: PauseCause::Breach });
        self.log(Self::OWN, format!("frozen: {why}"), moment);
        self.tell(RolloutEvent::Froze { why: why.to_owned() });
    }

    fn keep_verdict(&mut self, finding: Finding) {
        let verdict = self.verdict.as_ref().filter(|_| finding == Finding::Verdict);
        self.decided.verdict = verdict.and_then(|verdict| serde_json::to_value(verdict).ok());
    }
}
