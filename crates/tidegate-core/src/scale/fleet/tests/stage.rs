//! What the scripts play on: a fleet, a provider, servers that answer checks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::super::event::FleetEvent;
use super::super::id::InstanceId;
use super::super::input::{Aim, Input};
use super::super::instance::Stage;
use super::super::machine::Fleet;
use super::super::output::{Entry, Output};
use super::super::provider::{Condition, Launched, Listed, ProviderFailure};
use super::super::record::FleetRecord;
use super::super::settings::{Pace, Settings, WarmUp};
use crate::model::ids::PoolName;
use crate::model::server::Availability;
use crate::model::session::OnScaleIn;
use crate::time::{Duration, Instant};

pub(super) const TEMPLATE: u64 = 7;

pub(super) fn settings(instances_max: u32) -> Settings {
    Settings {
        pool: PoolName::new("shop"),
        template: TEMPLATE,
        instances_max,
        startup: Duration::from_secs(30),
        replace_after: Duration::from_secs(120),
        slow_start: Duration::from_secs(30),
        drain: Duration::from_secs(300),
        on_scale_in: OnScaleIn::Move,
        warm_up: WarmUp::None,
        pace: Pace::default(),
    }
}

/// A fleet and the world around it.
pub(super) struct Play {
    pub(super) fleet: Fleet,
    pub(super) now: Instant,
    /// What runs.
    pub(super) running: BTreeMap<InstanceId, SocketAddr>,
    /// What every launch fails with.
    pub(super) refuses: Option<ProviderFailure>,
    /// What every list fails with.
    pub(super) is_down: Option<ProviderFailure>,
    /// What lists leave out.
    pub(super) unlisted: BTreeSet<InstanceId>,
    /// How new instances answer their checks.
    pub(super) health: Availability,
    /// What was recorded last.
    pub(super) record: Option<FleetRecord>,
    /// What was told.
    pub(super) told: Vec<FleetEvent>,
    /// Names in the order in which launches were asked for.
    pub(super) started: Vec<InstanceId>,
    pub(super) entered: Vec<(InstanceId, Entry)>,
    ports: u16,
}

impl Play {
    pub(super) fn new(settings: Settings) -> Self {
        Self::of(Fleet::new(settings, None, 1, Instant::ZERO))
    }

    pub(super) fn of(fleet: Fleet) -> Self {
        Self {
            fleet,
            now: Instant::ZERO,
            running: BTreeMap::new(),
            refuses: None,
            is_down: None,
            unlisted: BTreeSet::new(),
            health: Availability::Healthy,
            record: None,
            told: Vec::new(),
            started: Vec::new(),
            entered: Vec::new(),
            ports: 9000,
        }
    }

    /// A fleet of so many that serve.
    pub(super) fn serving(instances: u32, settings: Settings) -> Self {
        let mut play = Self::new(settings);
        play.aim(instances, 0);
        play.wait(100);
        assert_eq!(play.stages(Stage::Serving).len() as u32, instances);
        play
    }

    /// The balancer is killed, and started again with what was recorded.
    pub(super) fn restart(&mut self) {
        let record = self.record.clone();
        self.fleet = Fleet::new(settings(10), record, self.now.as_nanos() + 1, self.now);
        self.obey();
    }

    pub(super) fn aim(&mut self, instances: u32, warm: u32) {
        self.hear(Input::Aim(Aim { instances, warm }));
    }

    pub(super) fn hear(&mut self, input: Input) {
        self.fleet.handle(input, self.now);
        self.obey();
    }

    pub(super) fn health(&mut self, id: &InstanceId, availability: Availability) {
        self.hear(Input::Health(id.clone(), availability));
    }

    pub(super) fn idle(&mut self, id: &InstanceId) {
        self.hear(Input::Load { id: id.clone(), in_flight: 0, sessions: 0 });
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        self.obey();
        while let Some(at) = self.fleet.poll_timeout().filter(|at| *at <= end) {
            assert!(at > self.now || at == Instant::ZERO, "a timeout lies ahead");
            self.now = at;
            self.fleet.handle_timeout(at);
            self.obey();
        }
        self.now = end;
    }

    /// Performs whatever the fleet wants.
    pub(super) fn obey(&mut self) {
        while let Some(output) = self.fleet.poll_output() {
            self.perform(output);
        }
    }

    fn perform(&mut self, output: Output) {
        let input = match output {
            Output::Record(record) => {
                self.record = Some(record);
                return;
            }
            Output::Told(event) => {
                self.told.push(event);
                return;
            }
            Output::List { .. } => Input::Inventory(self.list()),
            Output::Start { id, .. } => Input::Started(id.clone(), self.start(id)),
            Output::Stop { id, .. } => {
                self.running.remove(&id);
                Input::Stopped(id, Ok(()))
            }
            Output::Join { id, .. } => Input::Health(id, self.health),
            Output::Warm { id } => Input::Warmed(id),
            Output::Enter { id, entry } => {
                self.entered.push((id, entry));
                return;
            }
            Output::Drain { .. } | Output::Leave { .. } => return,
        };
        self.fleet.handle(input, self.now);
    }

    fn list(&self) -> Result<Vec<Listed>, ProviderFailure> {
        if let Some(failure) = &self.is_down {
            return Err(failure.clone());
        }
        let seen = self.running.iter().filter(|(id, _)| !self.unlisted.contains(*id));
        Ok(seen.map(|(id, address)| listed(id, *address)).collect())
    }

    fn start(&mut self, id: InstanceId) -> Result<Launched, ProviderFailure> {
        let recorded = self.record.as_ref().expect("the record comes before the launch");
        assert!(recorded.instances.iter().any(|one| one.id == id), "{id} is on the disk");
        self.started.push(id.clone());
        if let Some(failure) = &self.refuses {
            return Err(failure.clone());
        }
        self.ports += 1;
        let address = ([127, 0, 0, 1], self.ports).into();
        let address = *self.running.entry(id).or_insert(address);
        Ok(Launched { address: Some(address) })
    }

    pub(super) fn stages(&self, stage: Stage) -> Vec<InstanceId> {
        let there = self.fleet.instances().filter(|one| one.stage == stage);
        there.map(|one| one.id.clone()).collect()
    }

    /// How many are at each of the stages at which anybody is.
    pub(super) fn census(&self) -> String {
        let mut census = BTreeMap::new();
        for one in self.fleet.instances() {
            *census.entry(one.stage).or_insert(0) += 1;
        }
        let words = census.iter().map(|(stage, number)| format!("{number} {}", stage.as_str()));
        words.collect::<Vec<_>>().join(", ")
    }
}

pub(super) fn listed(id: &InstanceId, address: SocketAddr) -> Listed {
    Listed {
        id: id.clone(),
        address: Some(address),
        condition: Condition::Running,
        template: Some(TEMPLATE),
    }
}
