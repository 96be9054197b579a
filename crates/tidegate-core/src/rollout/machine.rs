//! The machine as a whole: what it remembers, what it hears, what it shows.

use std::collections::VecDeque;

use serde_json::Value;

use super::breach::Finding;
use super::clock::Since;
use super::disk::{Disk, Turn};
use super::event::RolloutEvent;
use super::input::{Input, Look};
use super::moment::Moment;
use super::output::Output;
use super::phase::Phase;
use super::record::{Act, Record};
use super::smoke::Smoking;
use super::terms::Contradiction;
use super::verdict::Verdict;
use crate::model::rollout::{Rollout, Share};
use crate::release::division::Division;
use crate::rng::Rng;
use crate::time::{Duration, Instant};

/// A rollout.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) definition: Rollout,
    /// What has been decided; what of it users meet is for the disk to say.
    pub(super) decided: Record,
    pub(super) disk: Disk,
    /// Since when the phase lasts.
    pub(super) since: Since,
    pub(super) rng: Rng,
    pub(super) look: Option<(Look, Instant)>,
    /// The last word of the judge in this process.
    pub(super) verdict: Option<Verdict>,
    pub(super) smoking: Smoking,
    /// Whether the candidate is to have capacity for the next step, which waits for nothing else.
    pub(super) reaches: bool,
    /// By what people were told of a breach that is left to them.
    pub(super) alarm: Option<Finding>,
    /// What people were told that this step waits for.
    pub(super) told: Vec<&'static str>,
    published: Option<Division>,
    /// What this step has decided so far.
    acts: Vec<Output>,
    outputs: VecDeque<Output>,
    /// When everything that was due has been done.
    settled: Instant,
}

impl Machine {
    /// By whom things are done that no person did.
    pub(super) const OWN: &'static str = "tidegate";
    /// After how long what was seen is not believed any more.
    const LOOK_FRESH: Duration = Duration::from_secs(10);

    /// A rollout of which there is this record, or none. A record that contradicts the definition
    /// ([`Record::admits`]) is forgotten: all users are stable's. The seed draws salts; it must not
    /// come again.
    #[must_use]
    pub fn new(definition: Rollout, record: Option<Record>, seed: u64, moment: Moment) -> Self {
        let record = record.unwrap_or_else(|| Record::blank(&definition));
        let mut machine = Self {
            since: Since::recall(record.since, moment),
            disk: Disk::new(record.clone(), moment.now),
            decided: record,
            definition,
            rng: Rng::new(seed),
            look: None,
            verdict: None,
            smoking: Smoking::Due(moment.now),
            reaches: false,
            alarm: None,
            told: Vec::new(),
            published: None,
            acts: Vec::new(),
            outputs: VecDeque::new(),
            settled: moment.now,
        };
        machine.follow(moment);
        machine.published = machine.division();
        machine.outputs.extend(machine.published.is_some().then_some(Output::Publish));
        machine.settle(moment);
        machine
    }

    /// Takes a new definition, as after a reload.
    ///
    /// # Errors
    /// When it contradicts what has happened; nothing is changed then.
    pub fn update(&mut self, definition: &Rollout, moment: Moment) -> Result<(), Contradiction> {
        self.decided.admits(definition)?;
        self.accept(definition, moment);
        Ok(())
    }

    /// Takes a new definition's word: what happened is forgotten where it contradicts it, and all
    /// users are stable's.
    pub fn accept(&mut self, definition: &Rollout, moment: Moment) {
        self.definition = definition.clone();
        self.follow(moment);
        self.settle(moment);
    }

    /// What it has done is what the configuration says by itself: another run may begin. Nothing
    /// happens to one that has not finished.
    pub fn close(&mut self, moment: Moment) {
        if self.decided.phase == Phase::Done {
            self.begin_anew(moment);
            self.tell(RolloutEvent::Closed);
            self.settle(moment);
        }
    }

    fn begin_anew(&mut self, moment: Moment) {
        let (run, acts) = (self.decided.run, std::mem::take(&mut self.decided.acts));
        self.decided = Record { run, acts, ..Record::blank(&self.definition) };
        self.verdict = None;
        self.enter(Phase::Idle, moment);
    }

    /// Forgets what is not of the definition.
    fn follow(&mut self, moment: Moment) {
        let is_other = !self.decided.terms.are_between(&self.definition);
        if is_other || self.decided.admits(&self.definition).is_err() {
            self.begin_anew(moment);
        }
    }

    /// Hears something.
    pub fn handle(&mut self, input: Input, moment: Moment) {
        match input {
            Input::Look(look) => {
                if look.verdict.is_some() {
                    self.verdict.clone_from(&look.verdict);
                }
                self.look = Some((look, moment.now));
            }
            Input::Evidence(evidence) if self.decided.phase.is_open() => {
                self.decided.evidence = Some(evidence);
            }
            Input::Evidence(_) => {}
            Input::Recorded(result) => self.recorded(result, moment),
            Input::Smoked { run, result } => self.smoked(run, result, moment),
        }
        self.settle(moment);
    }

    /// What the shell is to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Machine::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let phase = (!self.length().is_zero()).then(|| self.since.end(self.length()));
        let smoke = match self.smoking {
            Smoking::Due(at) => Some(at),
            Smoking::Asked | Smoking::Passed => None,
        };
        // What is due and was not done waits for something other than time.
        let times = [phase, self.disk.poll_timeout(), smoke].into_iter().flatten();
        times.filter(|at| *at > self.settled && *at < Instant::NEVER).min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, moment: Moment) {
        self.settle(moment);
    }

    /// How users are divided, now; `None`: all are stable's.
    #[must_use]
    pub fn division(&self) -> Option<Division> {
        let share = self.share();
        (share > Share::NONE).then(|| Division {
            rollout: self.definition.name.clone(),
            pool: self.decided.terms.pool.clone(),
            candidate: self.decided.terms.candidate.clone(),
            share,
            salt: self.decided.salt,
            mirrors: self.definition.mirror.is_some() && share < Share::ALL,
        })
    }

    /// The share of users that the candidate has: what was decided, once it is on the disk.
    #[must_use]
    pub fn share(&self) -> Share {
        self.decided.phase.share().min(self.disk.share(self.decided.run))
    }

    /// How far it has come.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.decided.phase
    }

    /// The number of the run; 0 before the first.
    #[must_use]
    pub const fn run(&self) -> u32 {
        self.decided.run
    }

    /// What the judge goes on with after a restart.
    #[must_use]
    pub const fn evidence(&self) -> Option<&Value> {
        self.decided.evidence.as_ref()
    }

    /// Whether everything that was decided is on the disk, as whoever gave a command may want to
    /// know.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.disk.holds(&self.decided)
    }

    /// What was seen, unless that is long ago.
    pub(super) fn seen(&self, now: Instant) -> Option<&Look> {
        let (look, at) = self.look.as_ref()?;
        (now.since(*at) <= Self::LOOK_FRESH).then_some(look)
    }

    /// Does everything that is due by now: the one place where decisions become outputs. What
    /// users meet comes first, so that a way back waits for nothing.
    pub(super) fn settle(&mut self, moment: Moment) {
        self.settled = self.settled.max(moment.now);
        self.heed(moment);
        while self.go_on(moment) {}
        let waits = self.waits(moment.now);
        self.reach(&waits);
        self.ask_for_smoke(&waits, moment.now);
        self.tell_of(waits);
        self.publish();
        if self.disk.is_due(&self.decided, moment.now) {
            let record = self.write(moment);
            self.outputs.push_back(Output::Record(Box::new(record)));
        }
        self.outputs.extend(self.acts.drain(..));
        self.check_invariants();
    }

    /// Begins a phase.
    pub(super) fn enter(&mut self, phase: Phase, moment: Moment) {
        self.decided.phase = phase;
        self.decided.since = moment.at;
        self.since = Since::begin(moment.now);
        self.smoking = Smoking::Due(moment.now);
        self.reaches = false;
        self.alarm = None;
        self.told.clear();
        self.forget_verdict();
    }

    /// What was said of one share says nothing of the next.
    fn forget_verdict(&mut self) {
        if let Some((look, _)) = &mut self.look {
            look.verdict = None;
        }
    }

    /// Ends the run: all users are stable's.
    pub(super) fn end(&mut self, why: String, by: &str, moment: Moment) {
        let from = self.share();
        self.enter(Phase::Aborted, moment);
        self.decided.paused = None;
        self.decided.promoted = Share::NONE;
        self.log(by, format!("aborted: {why}"), moment);
        self.decided.ended = Some(why.clone());
        self.tell(RolloutEvent::Aborted { why, from });
    }

    fn publish(&mut self) {
        let division = self.division();
        if division == self.published {
            return;
        }
        let before = self.published.as_ref().map_or(Share::NONE, |division| division.share);
        if self.share() > before {
            // Time counts from here, and so does what is said of it.
            self.forget_verdict();
            self.tell(RolloutEvent::Grew(self.share()));
        }
        self.published = division;
        self.outputs.push_back(Output::Publish);
    }

    /// Writes the record. A share that no user meets before begins its time with the write.
    fn write(&mut self, moment: Moment) -> Record {
        if self.share() < self.decided.phase.share() {
            self.decided.since = moment.at;
            self.since = Since::begin(moment.now);
        }
        self.disk.write(&self.decided, moment.now)
    }

    fn recorded(&mut self, result: Result<(), String>, moment: Moment) {
        match self.disk.written(result, moment) {
            Turn::Same => {}
            Turn::Failed(why) => self.tell(RolloutEvent::Unrecorded { why }),
            Turn::Recovered => self.tell(RolloutEvent::RecordedAgain),
        }
    }

    pub(super) fn ask(&mut self, output: Output) {
        self.acts.push(output);
    }

    pub(super) fn tell(&mut self, event: RolloutEvent) {
        self.acts.push(Output::Told(event));
    }

    /// Notes who did what.
    pub(super) fn log(&mut self, by: &str, what: String, moment: Moment) {
        let acts = &mut self.decided.acts;
        acts.push(Act { at_ms: moment.at.as_millis(), by: by.to_owned(), what });
        let beyond = acts.len().saturating_sub(Record::ACTS_MAX);
        acts.drain(..beyond);
    }

    /// Panics in a debug build if the machine contradicts itself.
    pub fn check_invariants(&self) {
        let (share, phase) = (self.share(), self.decided.phase);
        debug_assert!(share <= phase.share(), "a share is within its step");
        debug_assert!(share <= self.disk.share(self.decided.run), "and on the disk");
        debug_assert!(self.published == self.division(), "what is published is what holds");
        debug_assert!(phase.share() > Share::NONE || self.published.is_none(), "{phase} is 0 %");
        let is_between = |share| share > Share::NONE && share < Share::ALL;
        debug_assert!(!matches!(phase, Phase::Stepping(share) if !is_between(share)), "{phase}");
        debug_assert!(phase.is_open() || self.decided.paused.is_none(), "{phase} is not paused");
        debug_assert!(phase == Phase::Idle || self.decided.run > 0, "{phase} is of a run");
        debug_assert!(self.decided.acts.len() <= Record::ACTS_MAX, "what is noted is bounded");
    }
}
