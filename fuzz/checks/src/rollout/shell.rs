//! A shell that performs outputs and objects to those that may not be.

use std::num::NonZeroU32;

use arbitrary::Arbitrary;
use tidegate_core::model::ids::{PoolName, RolloutName};
use tidegate_core::model::ratio::{Limit, Ratio};
use tidegate_core::model::rollout::{
    Analysis, Errors, OnBreach, Rollout, Share, Smoke, Strategy, UserKey,
};
use tidegate_core::release::division::Division;
use tidegate_core::rollout::capacity::{Capacities, Capacity};
use tidegate_core::rollout::command::Command;
use tidegate_core::rollout::input::{Hold, Input, Look};
use tidegate_core::rollout::machine::Machine;
use tidegate_core::rollout::moment::Moment;
use tidegate_core::rollout::output::Output;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::rollout::record::Record;
use tidegate_core::rollout::verdict::{Outcome, Verdict};
use tidegate_core::time::{Duration, Instant, UnixTime};

/// How a rollout is defined.
#[derive(Arbitrary, Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    /// Percent at the first steps; the last is all of them.
    steps: [u8; 3],
    is_switch: bool,
    hold: u16,
    bake: u16,
    keep_old: u16,
    has_smoke: bool,
    on_breach: Option<Breach>,
    /// Which pools, one of a few pairs.
    pools: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Breach {
    Rollback,
    Freeze,
    Alert,
}

impl Shape {
    pub(super) fn definition(self) -> Rollout {
        let mut steps: Vec<_> = self.steps.map(|it| u32::from(it % 99 + 1) * 10_000).to_vec();
        steps.push(1_000_000);
        steps.sort_unstable();
        steps.dedup();
        let steps = steps.into_iter().map(Share::millionths).collect();
        let hold = Duration::from_secs(self.hold.into());
        let pairs = [("shop", "shop-v2"), ("shop", "shop-v3"), ("shop-v2", "shop-v3")];
        let (pool, candidate) = pairs[usize::from(self.pools) % pairs.len()];
        Rollout {
            name: RolloutName::new("shop-v2"),
            pool: PoolName::new(pool),
            candidate: PoolName::new(candidate),
            routes: Vec::new(),
            strategy: match self.is_switch {
                true => Strategy::BlueGreen,
                false => Strategy::Canary { steps, hold },
            },
            user: vec![UserKey::Assign],
            always: Vec::new(),
            only: Vec::new(),
            never: Vec::new(),
            smoke: self.has_smoke.then(|| Smoke {
                path: "/".to_owned(),
                status: vec![(200, 299)],
                timeout: Duration::from_secs(1),
                times: NonZeroU32::MIN,
            }),
            bake: Duration::from_secs(self.bake.into()),
            keep_old: Duration::from_secs(self.keep_old.into()),
            keep_size: 2,
            max_total: Limit::Unlimited,
            freeze_during: Vec::new(),
            mirror: None,
            analysis: self.on_breach.map(Breach::analysis),
        }
    }
}

impl Breach {
    fn analysis(self) -> Analysis {
        Analysis {
            errors: Errors { status: true, reset: true, timeout: true, grpc: true },
            max_error_rate: None,
            max_p99: None,
            compare: true,
            false_alarm: Ratio::new(0.05).expect("it is one"),
            min_requests: 200,
            on_breach: match self {
                Self::Rollback => OnBreach::Rollback,
                Self::Freeze => OnBreach::Freeze,
                Self::Alert => OnBreach::Alert,
            },
            custom: Vec::new(),
        }
    }
}

/// A machine, and what is known of it from outside.
pub(super) struct Shell {
    machine: Machine,
    definition: Rollout,
    seed: u64,
    now: Instant,
    pub(super) at: UnixTime,
    disk: Option<Record>,
    writing: Option<Record>,
    published: Option<Division>,
    /// The run whose smoke checks are out.
    smoking: Option<u32>,
}

impl Shell {
    pub(super) fn new(shape: Shape, seed: u64) -> Self {
        let (now, at) = (Instant::ZERO, UnixTime::from_millis(1_800_000_000_000));
        let definition = shape.definition();
        let machine = Machine::new(definition.clone(), None, seed, Moment { now, at });
        let mut shell = Self {
            machine,
            definition,
            seed,
            now,
            at,
            disk: None,
            writing: None,
            published: None,
            smoking: None,
        };
        shell.obey();
        shell
    }

    const fn moment(&self) -> Moment {
        Moment { now: self.now, at: self.at }
    }

    fn hear(&mut self, input: Input) {
        self.machine.handle(input, self.moment());
        self.obey();
    }

    pub(super) fn wait(&mut self, millis: u32) {
        self.pass(self.now + Duration::from_millis(millis.into()));
    }

    pub(super) fn wait_until_due(&mut self) {
        let due = self.machine.poll_timeout().unwrap_or(self.now);
        assert!(due > self.now || self.machine.poll_timeout().is_none(), "it lies ahead");
        self.pass(due);
    }

    fn pass(&mut self, until: Instant) {
        let passed = until.since(self.now).as_millis() as u64;
        self.now = self.now.max(until);
        self.at = UnixTime::from_millis(self.at.as_millis().saturating_add(passed));
        self.machine.handle_timeout(self.moment());
        self.obey();
    }

    pub(super) fn see(
        &mut self,
        outcome: Option<Outcome>,
        [stable, candidate]: [Capacity; 2],
        hold: Option<Hold>,
    ) {
        let is_breach = matches!(outcome, Some(Outcome::Breach(_)));
        let capacity = Capacities { stable, candidate };
        let verdict = outcome.map(Verdict::plain);
        let before = self.machine.phase();
        self.hear(Input::Look(Look { verdict, capacity, held: hold.into_iter().collect() }));
        let on_breach = self.definition.analysis.as_ref().map(|analysis| analysis.on_breach);
        if is_breach && on_breach == Some(OnBreach::Rollback) && before.is_open() {
            assert_eq!(self.published, None, "a breach ends at nobody, at once");
            assert_eq!(self.machine.phase(), Phase::Aborted);
        }
    }

    pub(super) fn keep(&mut self, evidence: u64) {
        self.hear(Input::Evidence(evidence.into()));
    }

    pub(super) fn written(&mut self, succeeds: bool, comes_through: bool) {
        if let Some(record) = self.writing.take()
            && (succeeds || comes_through)
        {
            self.disk = Some(record);
        }
        let result = if succeeds { Ok(()) } else { Err("no space left".to_owned()) };
        self.hear(Input::Recorded(result));
    }

    pub(super) fn smoked(&mut self, run: Option<u32>, succeeds: bool) {
        let Some(run) = run.or_else(|| self.smoking.take()) else { return };
        let result = if succeeds { Ok(()) } else { Err("it fails".to_owned()) };
        self.hear(Input::Smoked { run, result });
    }

    pub(super) fn order(&mut self, command: Command) {
        let before = self.machine.view(self.moment());
        match self.machine.command(command, "kim", self.moment()) {
            Ok(()) => {}
            Err(error) => {
                assert!(!error.to_string().is_empty());
                let after = self.machine.view(self.moment());
                assert_eq!(format!("{after:?}"), format!("{before:?}"), "it changes nothing");
            }
        }
        self.obey();
    }

    pub(super) fn reload(&mut self, shape: Shape) {
        let definition = shape.definition();
        let before = self.machine.division();
        match self.machine.update(&definition, self.moment()) {
            Ok(()) => self.definition = definition,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert_eq!(self.machine.division(), before, "a refusal changes nothing");
            }
        }
        self.obey();
    }

    pub(super) fn accept(&mut self, shape: Shape) {
        self.definition = shape.definition();
        self.machine.accept(&self.definition, self.moment());
        self.obey();
    }

    pub(super) fn restart(&mut self) {
        self.seed = self.seed.wrapping_add(0x9e37_79b9);
        (self.writing, self.smoking, self.published) = (None, None, None);
        let name = &self.definition.name;
        let read = |record: &Record| Record::from_json(name, &record.to_json());
        let record = self.disk.as_ref().map(|record| read(record).expect("it was written so"));
        let share = record.as_ref().map_or(Share::NONE, |record| record.phase.share());
        let is_admitted = record.as_ref().is_none_or(|it| it.admits(&self.definition).is_ok());
        let moment = self.moment();
        self.machine = Machine::new(self.definition.clone(), record, self.seed, moment);
        let now = self.machine.share();
        assert!(now == share || now == Share::NONE, "what was on the disk, or forgotten");
        assert!(is_admitted || now == Share::NONE, "what contradicts is forgotten");
        self.obey();
    }

    fn obey(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Publish => self.publish(),
                Output::Record(record) => {
                    let again = Record::from_json(&record.rollout, &record.to_json());
                    assert_eq!(again.as_ref().ok(), Some(record.as_ref()), "it can be read");
                    assert!(self.writing.replace(*record).is_none(), "one write at a time");
                }
                Output::Smoke { run } => {
                    assert_eq!(self.machine.phase(), Phase::Preparing);
                    self.smoking = Some(run);
                }
                Output::Rejudge => {}
                Output::Told(event) => assert!(!event.to_string().is_empty()),
            }
        }
    }

    fn publish(&mut self) {
        let new = self.machine.division();
        if let (Some(new), Some(old)) = (&new, &self.published) {
            assert!(new.share >= old.share, "a share grows, or is gone");
            assert_eq!(new.salt, old.salt, "nobody changes places");
        }
        if let Some(new) = &new {
            let disk = self.disk.as_ref().expect("what users meet is on the disk");
            assert!(disk.salt == new.salt && disk.phase.share() >= new.share, "as it is");
        }
        self.published = new;
    }

    pub(super) fn look(&self) {
        self.machine.check_invariants();
        assert_eq!(self.published, self.machine.division(), "what holds is published");
        let view = self.machine.view(self.moment());
        assert!(view.acts.len() <= Record::ACTS_MAX);
        let steps = self.definition.strategy.steps();
        assert!(view.taken <= steps.len());
        let pledges = self.machine.pledges();
        if let Some(pledges) = pledges.filter(|_| self.machine.phase().is_open()) {
            assert!(pledges.stable.demand >= 1.0, "stable can take everything");
        }
    }
}
