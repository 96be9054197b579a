//! The machine as a whole: what it remembers, what it hears, what it shows.

use std::collections::{BTreeMap, VecDeque};

use super::back_off::BackOff;
use super::event::FleetEvent;
use super::id::InstanceId;
use super::input::{Aim, Input};
use super::instance::{Call, Instance, InstanceView, Reason, Stage, Work};
use super::output::{Entry, Output};
use super::record::{FleetRecord, Recorded, Step};
use super::settings::Settings;
use super::startup::Startup;
use crate::rng::Rng;
use crate::scale::observed::FleetCount;
use crate::time::{Duration, Instant};

/// The instances of one pool.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub(super) settings: Settings,
    pub(super) rng: Rng,
    /// `None`: nobody has said yet, and what is there stays as it is.
    pub(super) aim: Option<Aim>,
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    /// The number of the next instance.
    pub(super) number: u64,
    /// Those whose stop was confirmed, so that a list that is behind does not bring them back.
    pub(super) buried: VecDeque<(InstanceId, Instant)>,
    pub(super) inventory: Inventory,
    /// Launches that the provider did not perform.
    pub(super) refusals: BackOff,
    /// Launches that came to nothing, or to an early end.
    pub(super) losses: BackOff,
    pub(super) startup: Startup,
    pub(super) listed: ListedServers,
    pub(super) is_left_alone: bool,
    /// Whether more are wanted than names may live.
    pub(super) is_bounded: bool,
    pub(super) tally: Tally,
    /// What is on the disk, as far as we know.
    recorded: Option<FleetRecord>,
    /// From when on that may be tried again, after it failed. Nothing is launched before.
    pub(super) record_from: Instant,
    /// What this step has decided so far.
    pub(super) acts: Vec<Output>,
    outputs: VecDeque<Output>,
    /// When everything that was due has been done.
    settled: Instant,
}

/// How it stands with the provider's word of what runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Inventory {
    /// Whether there was one since the start.
    pub(super) seen: bool,
    /// Since when one is awaited.
    pub(super) asked: Option<Instant>,
    /// When to ask next.
    pub(super) next: Instant,
    pub(super) failures: BackOff,
    pub(super) is_failing: bool,
}

/// How the listed servers are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ListedServers {
    pub(super) members: u32,
    pub(super) unhealthy: u32,
}

/// What has been counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Launches asked for, repeated ones included.
    pub launches: u64,
    /// Launches that failed, by the provider or because the instance never answered.
    pub launches_failed: u64,
    /// Instances that ended by themselves.
    pub deaths: u64,
    /// Instances that were unhealthy for too long.
    pub replacements: u64,
    /// Inventories that failed.
    pub inventories_failed: u64,
    /// Times that an inventory contradicted checks that pass.
    pub inventory_disagreements: u64,
    /// Times that a launch had to wait because as many names lived as may.
    pub launches_bounded: u64,
    /// Instances that were found and could not be counted.
    pub overflows: u64,
}

impl Fleet {
    /// The most instances that are kept track of, adopted ones included.
    pub const TRACKED_MAX: usize = 4096;

    /// A fleet of which there is this record, or none. The first thing it asks for is an inventory.
    /// The seed settles names and jitter; it must not come again.
    #[must_use]
    pub fn new(settings: Settings, record: Option<FleetRecord>, seed: u64, now: Instant) -> Self {
        let mut fleet = Self {
            settings,
            rng: Rng::new(seed),
            aim: None,
            instances: BTreeMap::new(),
            number: 0,
            buried: VecDeque::new(),
            inventory: Inventory { next: now, ..Inventory::default() },
            refusals: BackOff::default(),
            losses: BackOff::default(),
            startup: Startup::default(),
            listed: ListedServers::default(),
            is_left_alone: false,
            is_bounded: false,
            tally: Tally::default(),
            recorded: record.clone(),
            record_from: now,
            acts: Vec::new(),
            outputs: VecDeque::new(),
            settled: now,
        };
        if let Some(record) = record {
            fleet.startup = record.startup;
            let known = record.instances.into_iter().take(Self::TRACKED_MAX);
            known.for_each(|recorded| fleet.recall(recorded, now));
        }
        fleet.settle(now);
        fleet
    }

    fn recall(&mut self, recorded: Recorded, now: Instant) {
        let Recorded { id, step, address, template } = recorded;
        let mut instance = Instance::new(self.next_number(), Reason::Recorded, now);
        instance.template = template;
        instance.uncertain = true;
        self.instances.insert(id.clone(), instance);
        let (stage, due) = match (step, address) {
            // What becomes of it is for the first inventory to say.
            (Step::Requested, _) => (Stage::Requested, Instant::NEVER),
            (Step::Starting | Step::Warm, _) | (Step::Serving, None) => {
                (Stage::Starting, now + self.answer())
            }
            (Step::Serving, Some(_)) => (Stage::Serving, Instant::NEVER),
            (Step::Draining, _) => (Stage::Draining, now + self.settings.drains_for()),
            (Step::Stopping, _) => (Stage::Stopping, now),
        };
        self.advance(&id, stage, Reason::Recorded, due, now);
        if matches!(stage, Stage::Starting | Stage::Serving | Stage::Draining) {
            self.meet(&id, address);
        }
        if stage == Stage::Serving {
            self.acts.push(Output::Enter { id: id.clone(), entry: Entry::Full });
        }
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.was_ready = step == Step::Warm;
            instance.has_served = matches!(step, Step::Serving | Step::Draining);
        }
    }

    /// Takes new settings, as after a reload.
    pub fn update(&mut self, settings: Settings, now: Instant) {
        self.settings = settings;
        self.settle(now);
    }

    /// Hears something.
    pub fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Aim(aim) => self.aim = Some(aim),
            Input::Inventory(result) => self.take_inventory(result, now),
            Input::Started(id, result) => self.started(&id, result, now),
            Input::Stopped(id, result) => self.stopped(&id, result, now),
            Input::Warmed(id) => self.warmed(&id, now),
            Input::Health(id, availability) => self.judge(&id, availability, now),
            Input::Load { id, in_flight, sessions } => {
                self.loaded(&id, Work { sessions, in_flight }, now);
            }
            Input::Exited(id) => self.exited(&id, now),
            Input::ListedServers { members, unhealthy } => {
                self.listed = ListedServers { members, unhealthy };
            }
            Input::Unrecorded => {
                self.recorded = None;
                self.record_from = now + self.settings.pace.record_again;
            }
        }
        self.settle(now);
    }

    /// What the shell is to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Fleet::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let list = self.inventory.asked.is_none().then_some(self.inventory.next);
        let record = self.recorded.is_none().then_some(self.record_from);
        let instances = self.instances.values().flat_map(|instance| self.times(instance));
        // What is due and was not done waits for something other than time.
        instances
            .chain(list)
            .chain(record)
            .filter(|at| *at > self.settled && *at < Instant::NEVER)
            .min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.settle(now);
    }

    /// When time may change something for an instance.
    fn times(&self, instance: &Instance) -> [Instant; 3] {
        let pace = &self.settings.pace;
        let stage = match (instance.stage, instance.call) {
            (_, Call::Out(_)) => Instant::NEVER,
            (Stage::Requested | Stage::Stopping, _) if !self.inventory.seen => Instant::NEVER,
            (Stage::Requested, _) => instance.due.max(self.launches_from()),
            _ => instance.due,
        };
        let after = |since: Option<Instant>, wait: Duration| {
            since.map_or(Instant::NEVER, |since| since + wait)
        };
        let proof = instance.healthy_since.filter(|_| !instance.proven);
        [stage, after(instance.unwell_since, self.settings.replace_after), after(proof, pace.proof)]
    }

    /// Does everything that is due by now: the one place where decisions become outputs.
    fn settle(&mut self, now: Instant) {
        self.settled = self.settled.max(now);
        self.expire(now);
        self.condemn(now);
        self.balance(now);
        self.call(now);
        let record = self.record();
        if now >= self.record_from && self.recorded.as_ref() != Some(&record) {
            self.outputs.push_back(Output::Record(record.clone()));
            self.recorded = Some(record);
        }
        self.outputs.extend(self.acts.drain(..));
        self.check_invariants();
    }

    fn record(&self) -> FleetRecord {
        let recorded = |(id, instance): (&InstanceId, &Instance)| Recorded {
            id: id.clone(),
            step: match instance.stage {
                Stage::Requested => Step::Requested,
                Stage::Starting | Stage::Checked if !instance.was_ready => Step::Starting,
                Stage::Starting | Stage::Checked | Stage::Warm => Step::Warm,
                Stage::Warming | Stage::Serving => Step::Serving,
                Stage::Draining => Step::Draining,
                Stage::Stopping => Step::Stopping,
            },
            address: instance.address,
            template: instance.template,
        };
        FleetRecord {
            pool: self.settings.pool.clone(),
            instances: self.instances.iter().map(recorded).collect(),
            startup: self.startup.clone(),
        }
    }

    /// How many instances there are, by where they are in their lives; listed servers are the
    /// caller's to add. One that is being replaced counts as leaving, as its successor counts as
    /// coming.
    #[must_use]
    pub fn count(&self) -> FleetCount {
        let number = |test: &dyn Fn(&Instance) -> bool| {
            u32::try_from(self.instances.values().filter(|one| test(one)).count())
                .unwrap_or(u32::MAX)
        };
        let serving = number(&|one| one.serves());
        let coming = number(&|one| one.stage.is_coming() && one.is_sound());
        let warm = number(&|one| one.stage == Stage::Warm);
        let starting = match self.aim {
            Some(aim) => coming.min(aim.instances.saturating_sub(serving)),
            // Nobody has said yet how many there should be: as many as there are.
            None => number(&|one| one.is_reserve() && !one.was_kept_warm()),
        };
        let warm = (warm + coming).saturating_sub(starting);
        let warm_ready = number(&|one| one.stage == Stage::Warm && one.is_healthy());
        FleetCount {
            listed: 0,
            serving,
            starting,
            warm,
            warm_ready: warm_ready.min(warm),
            draining: number(&|one| {
                one.stage >= Stage::Draining || (!one.is_sound() && one.stage != Stage::Warm)
            }),
        }
    }

    /// The instances, by name.
    pub fn instances(&self) -> impl Iterator<Item = InstanceView<'_>> {
        self.instances.iter().map(|(id, instance)| InstanceView {
            id,
            stage: instance.stage,
            since: instance.since,
            reason: &instance.reason,
            address: instance.address,
            template: instance.template,
            outdated: self.is_outdated(instance),
            sessions: instance.work.sessions,
            due: Some(instance.due).filter(|due| *due < Instant::NEVER),
            standing: instance.standing,
        })
    }

    /// How long launches took until their first healthy answer.
    #[must_use]
    pub const fn startup(&self) -> &Startup {
        &self.startup
    }

    /// What has been counted since the start.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Whether the provider has said what runs since the start; nothing is started or stopped
    /// before.
    #[must_use]
    pub const fn is_acquainted(&self) -> bool {
        self.inventory.seen
    }

    /// Whether it can be said how many instances there are: by the record, or by the provider. Who
    /// plans before that plans for a pool of nobody.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.inventory.seen || !self.instances.is_empty()
    }

    pub(super) fn is_outdated(&self, instance: &Instance) -> bool {
        instance.template.is_some_and(|digest| digest != self.settings.template)
    }

    pub(super) fn tell(&mut self, event: FleetEvent) {
        self.acts.push(Output::Told(event));
    }

    pub(super) const fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Panics in a debug build if the machine contradicts itself.
    pub fn check_invariants(&self) {
        debug_assert!(self.instances.len() <= Self::TRACKED_MAX, "what is tracked is bounded");
        debug_assert!(self.buried.len() <= Self::BURIED_MAX, "so is what is remembered");
        for (id, one) in &self.instances {
            let calls = matches!(one.stage, Stage::Requested | Stage::Stopping);
            debug_assert!(calls || one.call == Call::Idle, "{id}: a call belongs to its stage");
            debug_assert!(
                one.call == Call::Idle || self.inventory.seen,
                "{id}: nothing is called for before the first inventory"
            );
            let located = !one.stage.is_in_rotation() || one.address.is_some();
            debug_assert!(located, "{id}: who is in rotation has an address");
            debug_assert!(
                one.stage != Stage::Draining || one.due < Instant::NEVER,
                "{id}: a drain ends"
            );
        }
        let returned = self.buried.iter().find(|(id, _)| self.instances.contains_key(id));
        debug_assert!(returned.is_none(), "nobody is here and buried: {returned:?}");
    }
}
