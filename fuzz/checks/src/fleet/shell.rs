//! A shell that performs outputs and objects to those that may not be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use tidegate_core::model::ids::PoolName;
use tidegate_core::model::session::OnScaleIn;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::input::Input;
use tidegate_core::scale::fleet::instance::Stage;
use tidegate_core::scale::fleet::machine::Fleet;
use tidegate_core::scale::fleet::output::Output;
use tidegate_core::scale::fleet::provider::{Listed, ProviderFailure};
use tidegate_core::scale::fleet::record::FleetRecord;
use tidegate_core::scale::fleet::settings::{Pace, Settings, WarmUp};
use tidegate_core::time::{Duration, Instant};

use super::{Entry, Outcome};

/// A call that is out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    Start(InstanceId),
    Stop(InstanceId),
}

/// A fleet, and what is known of it from outside.
pub(super) struct Shell {
    pub(super) fleet: Fleet,
    pub(super) now: Instant,
    settings: Settings,
    seed: u64,
    disk: Option<FleetRecord>,
    calls: Vec<Call>,
    is_listing: bool,
    /// Whether a list came back since the start.
    is_acquainted: bool,
    /// Members, and whether they are in rotation.
    members: BTreeMap<InstanceId, bool>,
    /// Names before the present operation.
    before: BTreeSet<InstanceId>,
}

pub(super) fn address(port: u8) -> SocketAddr {
    ([10, 0, 0, 1], u16::from(port) + 1).into()
}

impl Shell {
    pub(super) fn new(instances_max: u8, seed: u64) -> Self {
        let settings = Settings {
            pool: PoolName::new("shop"),
            template: 1,
            instances_max: instances_max.into(),
            startup: Duration::from_secs(20),
            replace_after: Duration::from_secs(60),
            slow_start: Duration::from_secs(seed % 3 * 10),
            drain: Duration::from_secs(60),
            on_scale_in: OnScaleIn::Move,
            warm_up: if seed.is_multiple_of(2) { WarmUp::Requests } else { WarmUp::None },
            pace: Pace::default(),
        };
        let mut shell = Self {
            fleet: Fleet::new(settings.clone(), None, seed, Instant::ZERO),
            now: Instant::ZERO,
            settings,
            seed,
            disk: None,
            calls: Vec::new(),
            is_listing: false,
            is_acquainted: false,
            members: BTreeMap::new(),
            before: BTreeSet::new(),
        };
        shell.obey();
        shell
    }

    pub(super) fn is_due(&self) -> bool {
        self.fleet.poll_timeout().is_none_or(|at| at > self.now)
    }

    pub(super) fn wait(&mut self, until: Instant) {
        self.now = self.now.max(until);
        self.fleet.handle_timeout(self.now);
        self.obey();
    }

    pub(super) fn hear(&mut self, input: Input) {
        self.fleet.handle(input, self.now);
        self.obey();
    }

    /// One of those that are there, or a stranger.
    pub(super) fn name(&self, who: u8) -> InstanceId {
        let stranger = || InstanceId::new(&self.settings.pool, u64::from(who % 8));
        let known = self.fleet.instances().nth(usize::from(who)).map(|one| one.id.clone());
        known.unwrap_or_else(stranger)
    }

    pub(super) fn answer(&mut self, which: u8, outcome: Outcome) {
        if self.calls.is_empty() {
            return;
        }
        let input = match self.calls.remove(usize::from(which) % self.calls.len()) {
            Call::Start(id) => Input::Started(id, outcome.launched()),
            Call::Stop(id) => Input::Stopped(id, outcome.launched().map(|_| ())),
        };
        self.hear(input);
    }

    pub(super) fn list(&mut self, entries: &[Entry]) {
        let listed = entries.iter().map(|entry| Listed {
            id: self.name(entry.who),
            address: entry.port.map(address),
            condition: entry.condition(),
            template: entry.template.map(u64::from),
        });
        let listed = listed.collect();
        if std::mem::take(&mut self.is_listing) {
            self.is_acquainted = true;
        }
        self.hear(Input::Inventory(Ok(listed)));
    }

    pub(super) fn list_fails(&mut self, failure: ProviderFailure) {
        self.is_listing = false;
        let before = self.names();
        self.hear(Input::Inventory(Err(failure)));
        assert!(self.names().is_superset(&before), "a list that fails takes nobody away");
    }

    pub(super) fn restart(&mut self, keeps_record: bool) {
        let record = self.disk.take().filter(|_| keeps_record);
        let recorded: BTreeSet<InstanceId> =
            record.iter().flat_map(|record| &record.instances).map(|one| one.id.clone()).collect();
        self.disk.clone_from(&record);
        self.seed = self.seed.wrapping_add(0x9e37_79b9);
        self.calls.clear();
        self.members.clear();
        (self.is_listing, self.is_acquainted) = (false, false);
        self.fleet = Fleet::new(self.settings.clone(), record, self.seed, self.now);
        self.obey();
        assert_eq!(self.names(), recorded, "who was recorded is known, and nobody else");
    }

    pub(super) fn relaunch_from(&mut self, template: u64) {
        self.settings.template = template;
        self.fleet.update(self.settings.clone(), self.now);
        self.obey();
    }

    fn names(&self) -> BTreeSet<InstanceId> {
        self.fleet.instances().map(|one| one.id.clone()).collect()
    }

    fn obey(&mut self) {
        while let Some(output) = self.fleet.poll_output() {
            self.obey_one(output);
        }
    }

    fn obey_one(&mut self, output: Output) {
        match output {
            Output::Record(record) => {
                let again = FleetRecord::from_json(&record.pool, &record.to_json());
                let again = again.expect("what is written can be read");
                assert_eq!(again.instances, record.instances);
                self.disk = Some(record);
            }
            Output::List { .. } => {
                assert!(!std::mem::replace(&mut self.is_listing, true), "one list at a time");
            }
            Output::Start { id, .. } => {
                assert!(self.is_acquainted, "nothing is started before the first list");
                assert!(self.is_recorded(&id), "the name is on the disk");
                self.call(Call::Start(id));
            }
            Output::Stop { id, .. } => {
                assert!(self.is_acquainted, "nothing is stopped before the first list");
                assert!(!self.members.contains_key(&id), "who is stopped has left");
                self.call(Call::Stop(id));
            }
            Output::Join { id, .. } => {
                assert_eq!(self.members.insert(id, false), None, "a member joins once");
            }
            Output::Warm { id } => assert_eq!(self.members.get(&id), Some(&false)),
            Output::Enter { id, .. } => assert_eq!(self.members.insert(id, true), Some(false)),
            Output::Drain { id } => assert_eq!(self.members.insert(id, false), Some(true)),
            Output::Leave { id } => assert!(self.members.remove(&id).is_some()),
            Output::Told(event) => assert!(!event.to_string().is_empty()),
        }
    }

    fn is_recorded(&self, id: &InstanceId) -> bool {
        let recorded = self.disk.iter().flat_map(|record| &record.instances);
        recorded.into_iter().any(|one| one.id == *id)
    }

    fn call(&mut self, call: Call) {
        // One that is gone by other evidence may come to be known again while its call is out.
        self.calls.retain(|other| *other != call);
        self.calls.push(call);
    }

    pub(super) fn look(&mut self) {
        self.fleet.check_invariants();
        let names = self.names();
        let strangers = |id: &&InstanceId| {
            let found =
                [0, 1, 2, 3, 4, 5, 6, 7].map(|who| InstanceId::new(&self.settings.pool, who));
            found.contains(id)
        };
        let own = names.iter().filter(|id| !strangers(id)).count();
        let was = self.before.iter().filter(|id| !strangers(id)).count();
        assert!(own <= self.settings.live_max().max(was), "no more names than may live");
        let paid = self.fleet.count().paid() as usize;
        assert_eq!(paid, names.len(), "everybody is counted once");
        for one in self.fleet.instances() {
            let is_in = self.members.get(one.id).copied();
            assert_eq!(is_in, one.address.map(|_| one.stage.is_in_rotation()), "{one:?}");
            assert!(one.stage != Stage::Stopping || one.address.is_none());
        }
        self.before = names;
    }
}
