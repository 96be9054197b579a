//! The autoscalers of all pools: made and retired with the configuration, driven by the loop.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::sync::Arc;

use tidegate_core::model::autoscale::Autoscale;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::node::Config;
use tidegate_core::model::pool::Pool;
use tidegate_core::model::provider::Provider;
use tidegate_core::model::rollout::Rollout;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::machine::Fleet;
use tidegate_core::scale::fleet::record::FleetRecord;
use tidegate_core::scale::fleet::settings::Settings;
use tidegate_core::scale::record::PlannerRecord;
use tidegate_core::scale::release::{Ask, Known, Pledge};
use tidegate_core::snapshot::{Instances, Snapshot};
use tidegate_core::time::{Duration, Instant};
use tidegate_net::state::{Claim, StateDirectory};
use tidegate_net::{clock, entropy};
use tokio::sync::mpsc;

use super::hands::{Hands, Kept, Reports, Seen};
use super::lapse::Lapse;
use super::measure;
use super::planner::Planner;
use super::releases::{self, Releases, Sight, Survey};
use super::scaler::{Mind, Scaler};
use super::steering::{LAST_MAX, Order, OrderError, Orders};
use crate::act::provider::contract::AnyProvider;
use crate::act::provider::exec::ExecProvider;
use crate::act::provider::process::ProcessProvider;
use crate::events::{Kind, Report};
use crate::shared::{Shared, lock};

/// From one look at a pool to the next.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The directory of what is kept, within the state directory.
const DIRECTORY: &str = "autoscale";
/// Ends of instances that may wait to be heard of; whoever tells of more waits.
const ENDS_MAX: usize = 64;
/// What people ask for.
const ORDERS: &str = "orders.json";
/// What one process at a time holds: the fleets of this state directory.
const CLAIM: &str = "lock";

/// Who did something: a pool, and the kind of its provider. A pool whose provider changes has two
/// scalers for a while, one of which is on its way out.
pub(crate) type ScalerKey = (PoolName, &'static str);

/// The autoscalers of all pools.
pub(crate) struct Scalers {
    shared: Arc<Shared>,
    scalers: BTreeMap<ScalerKey, Scaler>,
    instances: Instances,
    orders: Orders,
    releases: Releases,
    state: Option<State>,
    lapse: Lapse,
    reports: mpsc::UnboundedSender<(ScalerKey, Seen)>,
    /// When to look next.
    due: Instant,
}

/// Where things are kept.
struct State {
    directory: StateDirectory,
    _claim: Claim,
}

impl Scalers {
    /// No scalers, and where what their hands see arrives.
    pub(crate) fn new(
        shared: Arc<Shared>,
        lapse: Lapse,
    ) -> (Self, mpsc::UnboundedReceiver<(ScalerKey, Seen)>) {
        let (reports, seen) = mpsc::unbounded_channel();
        let scalers = Self {
            shared,
            scalers: BTreeMap::new(),
            instances: Instances::new(),
            orders: Orders::default(),
            releases: Releases::default(),
            state: None,
            lapse,
            reports,
            due: Instant::ZERO,
        };
        (scalers, seen)
    }

    /// Makes sure that what `config` asks for can be kept.
    ///
    /// # Errors
    /// A sentence, when there is no place for state or another process has it.
    pub(crate) fn prepare(&mut self, config: &Config) -> Result<(), String> {
        let needed = config.pools.iter().any(|pool| pool.autoscale.is_some());
        if !needed || self.state.is_some() {
            return Ok(());
        }
        let opened = StateDirectory::open(config.runtime.state.as_deref());
        let directory = opened.and_then(|state| state.within(DIRECTORY));
        let directory = directory.map_err(|e| format!("autoscale needs a state directory: {e}"))?;
        let claim = directory.claim(CLAIM).map_err(|e| format!("state directory: {e}"))?;
        let taken = || "another balancer scales with this state directory".to_owned();
        let state = State { _claim: claim.ok_or_else(taken)?, directory };
        if let Ok(Some(text)) = state.directory.read(ORDERS) {
            match Orders::parse(&text) {
                Ok(orders) => self.orders = orders,
                Err(error) => tracing::warn!(%error, "what was asked for by hand is forgotten"),
            }
        }
        self.state = Some(state);
        Ok(())
    }

    /// Follows a configuration that is about to serve: pools that are new to scaling take up what
    /// runs of them.
    pub(crate) fn settle(&mut self, config: &Config, now: Instant) {
        for pool in &config.pools {
            if let Some(settings) = &pool.autoscale {
                self.settle_pool(pool, settings, now);
            }
        }
        let wanted = |(name, kind): &ScalerKey| {
            let pool = config.pools.iter().find(|pool| pool.name == *name);
            let settings = pool.and_then(|pool| pool.autoscale.as_ref());
            settings.is_some_and(|settings| settings.provider.kind() == *kind)
        };
        let retired = self.scalers.iter_mut().filter(|(key, _)| !wanted(key));
        retired.for_each(|(_, scaler)| scaler.retire(now));
        self.gather();
    }

    fn settle_pool(&mut self, pool: &Pool, settings: &Autoscale, now: Instant) {
        let key = (pool.name.clone(), settings.provider.kind());
        if let Some(scaler) = self.scalers.get_mut(&key) {
            return scaler.update(pool, settings, now);
        }
        let Some(state) = &self.state else { return };
        let (provider, ends) = match provide(pool, settings, &state.directory) {
            Ok(provided) => provided,
            Err(error) => {
                let message = "what was started for it cannot be kept account of";
                let report = Report::scale(Kind::ProviderFailed, &pool.name, message, error);
                return self.shared.events.emit(report);
            }
        };
        lock(&self.shared.providers).insert(key.clone(), Arc::clone(&provider));
        let kept = Kept {
            name: format!("{}.{}.json", key.0, key.1),
            directory: state.directory.clone(),
            template: settings.provider.digest(),
        };
        let record = self.recorded(&kept, &pool.name);
        let fleet = Settings::of(pool, settings, kept.template);
        let fleet = Fleet::new(fleet, record, entropy::word(), now);
        let reports = Reports { key: key.clone(), seen: self.reports.clone() };
        let learned = kept.directory.read(&kept.learned()).ok().flatten();
        let learned = learned.and_then(|text| PlannerRecord::from_json(&text));
        let memory = learned.unwrap_or_default().restore(kept.template);
        let hands = Hands::new(provider, ends, kept, reports);
        let mind = Mind { fleet, planner: Planner::new(memory, self.lapse) };
        let scaler = Scaler::new(Arc::clone(&self.shared), pool, settings, mind, hands);
        self.scalers.insert(key, scaler);
    }

    /// What is kept of a fleet. A record that cannot be believed is told of; then the inventory
    /// alone says what runs.
    fn recorded(&self, kept: &Kept, pool: &PoolName) -> Option<FleetRecord> {
        let tell = |error: String| {
            let message = "the record of instances is not believed";
            self.shared.events.emit(Report::scale(Kind::ProviderFailed, pool, message, error));
        };
        let text =
            kept.directory.read(&kept.name).map_err(|error| tell(error.to_string())).ok()??;
        FleetRecord::from_json(pool, &text).map_err(|error| tell(error.to_string())).ok()
    }

    /// The instances that are members of pools.
    pub(crate) const fn instances(&self) -> &Instances {
        &self.instances
    }

    /// When to call [`Scalers::handle_timeout`].
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let fleets = self.scalers.values().filter_map(Scaler::poll_timeout);
        fleets.chain((!self.scalers.is_empty()).then_some(self.due)).min()
    }

    /// Takes what some hands report.
    pub(crate) fn hear(&mut self, key: &ScalerKey, seen: Seen, now: Instant) {
        let Some(scaler) = self.scalers.get_mut(key) else { return };
        match seen {
            Seen::Input(input) => scaler.hear(input, now),
            Seen::Usage(usage) => scaler.take_usage(&usage),
            Seen::Past(forecast) => scaler.take_past(*forecast),
            Seen::Custom { place, value } => scaler.take_custom(place, value),
        }
    }

    /// Does what is due; true when members came or went, and the snapshot is behind.
    pub(crate) fn handle_timeout(&mut self, snapshot: &Snapshot, now: Instant) -> bool {
        let look = now >= self.due && !self.scalers.is_empty();
        if look {
            self.due = now + LOOK_EVERY;
            self.orders.tidy(clock::unix_time(), |_| true);
            self.releases.measure(&self.shared.registry, now);
        }
        let mut pledges = if look { self.pledges(snapshot) } else { BTreeMap::new() };
        for scaler in self.scalers.values_mut() {
            match snapshot.pool(scaler.pool()) {
                Some(entry) => {
                    scaler.attend(entry, now);
                    if look {
                        let steering = self.orders.of(scaler.pool());
                        let pledge = pledges.remove(scaler.pool());
                        scaler.look(entry, steering, pledge, now);
                    }
                }
                None => scaler.leave_pool(now),
            }
        }
        let over = self.scalers.extract_if(.., |_, scaler| scaler.is_over());
        for (key, _) in over {
            lock(&self.shared.providers).remove(&key);
        }
        if look {
            self.show();
        }
        self.scalers.values_mut().fold(false, |changed, scaler| scaler.take_changed() | changed)
            && self.gather()
    }

    /// What running rollouts ask of pools from now on, all of them.
    pub(crate) fn release(&mut self, asks: Vec<Ask>) {
        for ask in asks.iter().filter(|ask| !self.releases.knows(&ask.rollout)) {
            let key = self.active(&ask.candidate).map(|(key, _)| key.clone());
            let taken = key.and_then(|key| self.scalers.remove_entry(&key));
            let Some((key, mut candidate)) = taken else { continue };
            if let Some((_, stable)) = self.active(&ask.stable) {
                candidate.share_past(stable);
            }
            self.scalers.insert(key, candidate);
        }
        self.releases.replace(asks);
    }

    /// What the pools of a rollout can serve, and what stands in its way.
    pub(crate) fn survey(&self, rollout: &Rollout, snapshot: &Snapshot) -> Survey {
        let sight = |pool: &PoolName| Sight {
            scaler: self.active(pool).map(|(_, scaler)| scaler),
            weight: snapshot.pool(pool).map_or(0.0, |entry| measure::weight(entry)),
        };
        let (stable, candidate) = (sight(&rollout.pool), sight(&rollout.candidate));
        releases::survey(rollout, stable, candidate, clock::unix_time())
    }

    fn pledges(&self, snapshot: &Snapshot) -> BTreeMap<PoolName, Pledge> {
        self.releases.pledges(|pool| match self.active(pool) {
            Some((_, scaler)) => scaler.known(),
            None => {
                let servers = snapshot.pool(pool).map_or(0, |entry| measure::listed(entry));
                Known { servers, ..Known::default() }
            }
        })
    }

    /// The scaler of a pool, and not one on its way out.
    fn active(&self, pool: &PoolName) -> Option<(&ScalerKey, &Scaler)> {
        self.scalers.iter().find(|((name, _), scaler)| name == pool && scaler.is_active())
    }

    /// Brings what pickers read in line with a snapshot that serves.
    pub(crate) fn rotate(&self, snapshot: &Snapshot, now: Instant) {
        for scaler in self.scalers.values() {
            if let Some(entry) = snapshot.pool(scaler.pool()) {
                scaler.rotate(entry, now);
            }
        }
    }

    /// Takes an order, and keeps it.
    pub(crate) fn order(&mut self, order: &Order, by: &str) -> Result<(), OrderError> {
        self.check(order)?;
        let mut orders = self.orders.clone();
        orders.take(order, by, clock::unix_time());
        if let Some(state) = &self.state {
            let kept = state.directory.write(ORDERS, &orders.print());
            kept.map_err(|error| OrderError::Kept(error.to_string()))?;
        }
        self.orders = orders;
        self.due = Instant::ZERO;
        let report = Report::node(Kind::ScaleSteered, order.to_string(), format!("asked by {by}"));
        self.shared.events.emit(report);
        Ok(())
    }

    fn check(&self, order: &Order) -> Result<(), OrderError> {
        if let Order::Scale { lasts, .. } | Order::Freeze { lasts } = order
            && (lasts.is_zero() || *lasts > LAST_MAX)
        {
            return Err(OrderError::Lasts);
        }
        let (Order::Scale { pool, .. } | Order::Auto { pool }) = order else { return Ok(()) };
        let entry = self.shared.snapshot.load();
        match entry.pool(pool) {
            None => Err(OrderError::NoPool),
            Some(entry) if entry.pool.autoscale.is_none() => {
                Err(OrderError::NotScaled(pool.clone()))
            }
            Some(_) => Ok(()),
        }
    }

    /// Gathers the members of all pools anew; always true.
    fn gather(&mut self) -> bool {
        let mut instances = Instances::new();
        for scaler in self.scalers.values() {
            let mut servers = scaler.servers().peekable();
            if servers.peek().is_some() {
                instances.entry(scaler.pool().clone()).or_default().extend(servers);
            }
        }
        self.instances = instances;
        true
    }

    fn show(&self) {
        let statuses = self.scalers.values().filter(|scaler| scaler.is_active());
        let shown = statuses.map(|scaler| (scaler.pool().clone(), Arc::new(scaler.status())));
        let shown: BTreeMap<_, _> = shown.collect();
        drop(mem::replace(&mut *lock(&self.shared.autoscale), shown));
    }
}

/// What starts and stops the instances of a pool, and where it tells of those that end.
fn provide(
    pool: &Pool,
    settings: &Autoscale,
    state: &StateDirectory,
) -> io::Result<(Arc<AnyProvider>, mpsc::Receiver<InstanceId>)> {
    let (ends, ended) = mpsc::channel(ENDS_MAX);
    let provider = match &settings.provider {
        Provider::Process(process) => {
            let notes = state.within(pool.name.as_str())?;
            let provider = ProcessProvider::new(&pool.name, process.clone(), notes, ends);
            AnyProvider::Process(provider)
        }
        Provider::Exec(exec) => AnyProvider::Exec(ExecProvider::new(&pool.name, exec.clone())),
    };
    Ok((Arc::new(provider), ended))
}
