//! A shell for scripts: a disk that may fail, smoke checks that may fail, a look each second.

use std::collections::VecDeque;

use super::super::capacity::{Capacities, Capacity};
use super::super::command::{Command, CommandError};
use super::super::event::RolloutEvent;
use super::super::input::{Hold, Input, Look};
use super::super::machine::Machine;
use super::super::moment::Moment;
use super::super::output::Output;
use super::super::record::Record;
use super::super::verdict::{Outcome, Verdict};
use crate::model::ids::{PoolName, RolloutName};
use crate::model::ratio::{Limit, Ratio};
use crate::model::rollout::{Analysis, Errors, OnBreach, Rollout, Share, Smoke, Strategy, UserKey};
use crate::release::division::Division;
use crate::time::{Duration, Instant, UnixTime};

pub(super) const MINUTE: u64 = 60;
pub(super) const HOUR: u64 = 60 * MINUTE;
/// The wall clock at the origin of the other.
const START_MS: u64 = 1_800_000_000_000;

/// The definition that all scripts begin with.
pub(super) fn canary() -> Rollout {
    let steps = [1.0, 5.0, 10.0, 25.0, 50.0, 100.0].map(|it| Share::percent(it).expect("it is"));
    Rollout {
        name: RolloutName::new("shop-v2"),
        pool: PoolName::new("shop"),
        candidate: PoolName::new("shop-v2"),
        routes: Vec::new(),
        strategy: Strategy::Canary {
            steps: steps.to_vec(),
            hold: Duration::from_secs(15 * MINUTE),
        },
        user: vec![UserKey::Cookie("uid".to_owned()), UserKey::Assign],
        always: Vec::new(),
        only: Vec::new(),
        never: Vec::new(),
        smoke: None,
        bake: Duration::from_secs(HOUR),
        keep_old: Duration::from_secs(24 * HOUR),
        keep_size: 2,
        max_total: Limit::Unlimited,
        freeze_during: Vec::new(),
        mirror: None,
        analysis: Some(analysis(OnBreach::Rollback)),
    }
}

pub(super) fn blue_green() -> Rollout {
    Rollout { strategy: Strategy::BlueGreen, ..canary() }
}

pub(super) fn analysis(on_breach: OnBreach) -> Analysis {
    Analysis {
        errors: Errors { status: true, reset: true, timeout: true, grpc: true },
        max_error_rate: None,
        max_p99: None,
        compare: true,
        false_alarm: Ratio::new(0.05).expect("it is one"),
        min_requests: 200,
        on_breach,
        custom: Vec::new(),
    }
}

pub(super) fn smoke() -> Option<Smoke> {
    Some(Smoke {
        path: "/healthz".to_owned(),
        status: vec![(200, 200)],
        timeout: Duration::from_secs(1),
        times: std::num::NonZeroU32::MIN,
    })
}

pub(super) fn breach(why: &str) -> Verdict {
    let numbers = serde_json::json!({ "errors": 0.25 });
    Verdict { outcome: Outcome::Breach(why.to_owned()), numbers }
}

pub(super) fn of(now: f64, most: f64) -> Capacity {
    Capacity::Known { now, most }
}

/// A rollout and its shell.
pub(super) struct Play {
    pub(super) machine: Machine,
    pub(super) definition: Rollout,
    pub(super) now: Instant,
    /// How far the wall clock is ahead of the other, in milliseconds.
    pub(super) wall: u64,
    /// What is seen each second.
    pub(super) look: Look,
    /// Why nothing can be written, if so.
    pub(super) disk_failure: Option<String>,
    /// Which server fails the smoke checks, if one does.
    pub(super) smoke_failure: Option<String>,
    pub(super) disk: Option<Vec<u8>>,
    pub(super) published: Option<Division>,
    pub(super) events: Vec<RolloutEvent>,
    pub(super) smokes: u32,
    pub(super) writes: u32,
    pub(super) rejudged: u32,
    seed: u64,
}

impl Play {
    /// A rollout that was defined, whose candidate does well and has room for everything.
    pub(super) fn new(definition: Rollout) -> Self {
        let now = Instant::ZERO;
        let moment = Moment { now, at: UnixTime::from_millis(START_MS) };
        Self {
            machine: Machine::new(definition.clone(), None, 1, moment),
            definition,
            now,
            wall: START_MS,
            look: Look {
                verdict: Some(Verdict::plain(Outcome::Pass)),
                capacity: Capacities { stable: of(1.2, 2.0), candidate: of(1.2, 2.0) },
                held: Vec::new(),
            },
            disk_failure: None,
            smoke_failure: None,
            disk: None,
            published: None,
            events: Vec::new(),
            smokes: 0,
            writes: 0,
            rejudged: 0,
            seed: 1,
        }
    }

    /// One that was started.
    pub(super) fn started(definition: Rollout) -> Self {
        let mut play = Self::new(definition);
        play.order(Command::Start).expect("nothing runs");
        play
    }

    /// One at this share, a moment ago; 100: in its bake.
    pub(super) fn at(percent: f64, definition: Rollout) -> Self {
        let mut play = Self::started(definition);
        while play.percent() < percent {
            play.wait(1);
        }
        play
    }

    pub(super) fn moment(&self) -> Moment {
        let at = self.wall.saturating_add(self.now.as_nanos() / 1_000_000);
        Moment { now: self.now, at: UnixTime::from_millis(at) }
    }

    pub(super) fn order(&mut self, command: Command) -> Result<(), CommandError> {
        let result = self.machine.command(command, "kim", self.moment());
        self.obey();
        result
    }

    /// What a refused command says.
    pub(super) fn refusal(&mut self, command: Command) -> String {
        let before = self.machine.view(self.moment());
        let error = self.order(command).expect_err("it is refused").to_string();
        assert_eq!(self.machine.view(self.moment()), before, "a refusal changes nothing");
        error
    }

    pub(super) fn hear(&mut self, input: Input) {
        self.machine.handle(input, self.moment());
        self.obey();
    }

    /// So many seconds go by, and with each a look; of a long time, each tenth.
    pub(super) fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end {
            let is_far = end.since(self.now) > Duration::from_secs(HOUR);
            self.now = self.now + Duration::from_secs(if is_far { 10 } else { 1 });
            self.machine.handle_timeout(self.moment());
            self.obey();
            self.see();
        }
    }

    pub(super) fn see(&mut self) {
        self.hear(Input::Look(self.look.clone()));
    }

    pub(super) fn judge(&mut self, verdict: Verdict) {
        self.look.verdict = Some(verdict);
        self.see();
    }

    pub(super) fn room(&mut self, stable: Capacity, candidate: Capacity) {
        self.look.capacity = Capacities { stable, candidate };
        self.see();
    }

    pub(super) fn hold(&mut self, hold: Option<Hold>) {
        self.look.held = hold.into_iter().collect();
        self.see();
    }

    /// Nothing is left but the disk; what was under way is lost.
    pub(super) fn restart(&mut self) {
        let name = &self.definition.name;
        let read = |text: &Vec<u8>| Record::from_json(name, text).expect("it was written so");
        let record = self.disk.as_ref().map(read);
        self.seed += 1;
        self.published = None;
        self.machine = Machine::new(self.definition.clone(), record, self.seed, self.moment());
        self.obey();
    }

    fn obey(&mut self) {
        let mut answers = VecDeque::new();
        loop {
            while let Some(output) = self.machine.poll_output() {
                answers.extend(self.perform(output));
            }
            let Some(answer) = answers.pop_front() else { return };
            self.machine.handle(answer, self.moment());
        }
    }

    fn perform(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Publish => self.published = self.machine.division(),
            Output::Record(record) => {
                self.writes += 1;
                if self.disk_failure.is_none() {
                    self.disk = Some(record.to_json());
                }
                return Some(Input::Recorded(self.disk_failure.clone().map_or(Ok(()), Err)));
            }
            Output::Smoke { run } => {
                self.smokes += 1;
                let result = self.smoke_failure.clone().map_or(Ok(()), Err);
                return Some(Input::Smoked { run, result });
            }
            Output::Rejudge => self.rejudged += 1,
            Output::Told(event) => self.events.push(event),
        }
        None
    }

    /// The share that users meet.
    pub(super) fn percent(&self) -> f64 {
        self.published.as_ref().map_or(0.0, |division| division.share.as_percent())
    }

    pub(super) fn phase(&self) -> &'static str {
        self.machine.phase().as_str()
    }

    /// What the way on waits for, in words.
    pub(super) fn waits(&self) -> Vec<String> {
        self.machine.view(self.moment()).waits.into_iter().map(|wait| wait.what).collect()
    }

    /// What both pools must be able to take.
    pub(super) fn pledged(&self) -> (f64, f64) {
        let pledges = self.machine.pledges().expect("a run was started");
        (pledges.stable.demand, pledges.candidate.demand)
    }

    pub(super) fn troubles(&self) -> usize {
        self.events.iter().filter(|event| event.is_trouble()).count()
    }
}
