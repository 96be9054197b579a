//! What people are shown of a rollout.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::machine::Machine;
use super::moment::Moment;
use super::phase::Phase;
use super::record::Act;
use super::wait::Wait;
use crate::model::rollout::Share;

/// What people are shown of a rollout. Times are milliseconds since 1970, shares percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub rollout: String,
    /// The pool that serves.
    pub pool: String,
    /// The pool that is to take over.
    pub candidate: String,
    /// How.
    pub strategy: String,
    /// The number of the run; 0: there was none.
    pub run: u32,
    /// How far it has come.
    pub phase: String,
    /// The share of users that meets the candidate.
    pub percent: f64,
    /// The steps,
    pub steps: Vec<f64>,
    /// and how many of them were taken.
    pub taken: usize,
    /// The share that comes next.
    pub next_percent: Option<f64>,
    /// When the run was started.
    pub started_ms: Option<u64>,
    /// Since when the phase lasts.
    pub since_ms: Option<u64>,
    /// When its time is over.
    pub due_ms: Option<u64>,
    /// What the way on waits for, what people can do something about first.
    pub waits: Vec<WaitView>,
    /// Whether no step is taken until somebody resumes it.
    pub is_paused: bool,
    /// Whether everything that was decided is on the disk.
    pub is_recorded: bool,
    /// The last verdict, with its numbers.
    pub verdict: Option<Value>,
    /// Why it was ended.
    pub ended: Option<String>,
    /// Who did what, of late.
    pub acts: Vec<Act>,
}

/// Something that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitView {
    /// For what, in a word.
    pub what: String,
    /// The same in a sentence.
    pub why: String,
}

impl Machine {
    /// What people are shown.
    #[must_use]
    pub fn view(&self, moment: Moment) -> View {
        let (phase, terms) = (self.decided.phase, &self.decided.terms);
        let ran = phase != Phase::Idle;
        let steps = self.definition.strategy.steps();
        let length = self.length();
        let left = self.since.left(length, moment.now).as_millis();
        let due = moment.at.as_millis().saturating_add(u64::try_from(left).unwrap_or(u64::MAX));
        let is_growing = matches!(phase, Phase::Preparing | Phase::Stepping(_));
        View {
            rollout: self.definition.name.as_str().to_owned(),
            pool: terms.pool.as_str().to_owned(),
            candidate: terms.candidate.as_str().to_owned(),
            strategy: self.definition.strategy.as_str().to_owned(),
            run: self.decided.run,
            phase: phase.as_str().to_owned(),
            percent: self.share().as_percent(),
            steps: steps.iter().map(|step| step.as_percent()).collect(),
            taken: steps.iter().filter(|step| **step <= phase.share()).count(),
            next_percent: is_growing.then(|| Share::as_percent(self.target())),
            started_ms: ran.then_some(self.decided.started.as_millis()),
            since_ms: ran.then_some(self.decided.since.as_millis()),
            due_ms: (!length.is_zero()).then_some(due),
            waits: self.waits(moment.now).iter().map(Wait::view).collect(),
            is_paused: self.decided.paused.is_some(),
            is_recorded: self.is_recorded(),
            verdict: self.last_verdict(),
            ended: self.decided.ended.clone(),
            acts: self.decided.acts.clone(),
        }
    }

    /// That which ended or froze the run, or else the last one.
    fn last_verdict(&self) -> Option<Value> {
        let last = || self.verdict.as_ref().and_then(|it| serde_json::to_value(it).ok());
        self.decided.verdict.clone().or_else(last)
    }
}

impl Wait {
    fn view(&self) -> WaitView {
        WaitView { what: self.as_str().to_owned(), why: self.to_string() }
    }
}
