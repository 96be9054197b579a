//! The autoscaler of one pool: what is measured goes to the planner, its plan to the fleet, and
//! what the fleet decides to those who do it.
//!
//! It is driven by the loop of the control plane and never waits. Who is a member of the pool and
//! in rotation is kept by `members`, what was planned by `planner`, and what people are told by
//! `account`.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::model::autoscale::Autoscale;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::pool::Pool;
use tidegate_core::model::server::Server;
use tidegate_core::rollout::capacity::Capacity;
use tidegate_core::scale::fleet::event::FleetEvent;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::input::{Aim, Input};
use tidegate_core::scale::fleet::instance::{InstanceView, Stage};
use tidegate_core::scale::fleet::machine::Fleet;
use tidegate_core::scale::fleet::output::Output;
use tidegate_core::scale::fleet::provider::ProviderFailure;
use tidegate_core::scale::fleet::settings::Settings;
use tidegate_core::scale::forecast::foresight::Forecast;
use tidegate_core::scale::meter::Meter;
use tidegate_core::scale::observed::{FleetCount, Load, Observed, Steering};
use tidegate_core::scale::release::{Known, Pledge};
use tidegate_core::scale::schedule;
use tidegate_core::snapshot::PoolEntry;
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_net::clock;

use super::account::Account;
use super::hands::{Ask, Hands, Order};
use super::measure;
use super::members::Members;
use super::planner::Planner;
use super::status::{AutoscaleStatus, CapacityStatus, ReleaseStatus};
use crate::act::provider::contract::Usage;
use crate::shared::Shared;

/// The autoscaler of one pool.
pub(super) struct Scaler {
    shared: Arc<Shared>,
    /// `None`: the pool is scaled no more, and its instances go.
    settings: Option<Arc<Autoscale>>,
    fleet: Fleet,
    hands: Hands,
    members: Members,
    account: Account,
    meter: Meter,
    planner: Planner,
    /// When what was learned was kept last.
    kept: Option<Instant>,
    load: Load,
    /// How many instances the provider ran when it had no more to give, and when that was.
    quota: Option<(u32, Instant)>,
}

/// What decides for a pool.
pub(super) struct Mind {
    pub(super) fleet: Fleet,
    pub(super) planner: Planner,
}

/// After so long a provider that had no more to give is asked again.
const QUOTA_LASTS: Duration = Duration::from_secs(60);

/// How often what was learned is kept.
const KEEP_EVERY: Duration = Duration::from_secs(300);

impl Scaler {
    pub(super) fn new(
        shared: Arc<Shared>,
        pool: &Pool,
        settings: &Autoscale,
        Mind { fleet, planner }: Mind,
        hands: Hands,
    ) -> Self {
        let account = Account::new(Arc::clone(&shared), pool.name.clone());
        let mut scaler = Self {
            shared,
            settings: None,
            fleet,
            hands,
            members: Members::of(pool),
            account,
            meter: Meter::default(),
            planner,
            kept: None,
            load: Load::default(),
            quota: None,
        };
        scaler.configure(settings);
        // What was seen itself is worth more than what a file tells.
        if !scaler.planner.knows_past()
            && let Some(file) = &settings.forecast.history
        {
            scaler.hands.remember(file.clone());
        }
        // What ran before is a member before the first snapshot is made.
        scaler.perform();
        scaler
    }

    /// Follows a reload.
    pub(super) fn update(&mut self, pool: &Pool, settings: &Autoscale, now: Instant) {
        self.configure(settings);
        self.members.update(pool);
        let template = settings.provider.digest();
        self.fleet.update(Settings::of(pool, settings, template), now);
        self.perform();
    }

    fn configure(&mut self, settings: &Autoscale) {
        let before = self.settings.replace(Arc::new(settings.clone()));
        if before.is_none_or(|before| before.custom != settings.custom) {
            self.load.custom = vec![None; settings.custom.len()];
            self.hands.ask(&settings.custom);
        }
        self.account.configure(settings);
    }

    /// The pool is scaled no more: what was started for it finishes its work and goes.
    pub(super) fn retire(&mut self, now: Instant) {
        if self.settings.take().is_some() {
            self.account.retire();
        }
        self.hear(Input::Aim(Aim::default()), now);
    }

    /// Whether nothing is left of a pool that is scaled no more.
    pub(super) fn is_over(&self) -> bool {
        self.settings.is_none()
            && self.fleet.is_acquainted()
            && self.fleet.instances().next().is_none()
    }

    /// Whether the pool is scaled.
    pub(super) const fn is_active(&self) -> bool {
        self.settings.is_some()
    }

    pub(super) const fn pool(&self) -> &PoolName {
        self.account.pool()
    }

    pub(super) fn status(&self) -> AutoscaleStatus {
        self.account.status.clone()
    }

    /// The instances that are members.
    pub(super) fn servers(&self) -> impl Iterator<Item = Server> {
        self.members.servers()
    }

    /// Whether members came or went since this was asked last.
    pub(super) const fn take_changed(&mut self) -> bool {
        self.members.take_changed()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.fleet.poll_timeout()
    }

    /// Takes what the hands report.
    pub(super) fn hear(&mut self, input: Input, now: Instant) {
        self.fleet.handle(input, now);
        self.perform();
    }

    /// How busy the instances are.
    pub(super) fn take_usage(&mut self, usage: &BTreeMap<InstanceId, Usage>) {
        let serving = usage.iter().filter(|(id, _)| self.members.is_in_rotation(id));
        let busy: Vec<&Usage> = serving.map(|(_, usage)| usage).collect();
        self.load.cpu = measure::mean(&busy, |usage| usage.cpu);
        self.load.memory = measure::mean(&busy, |usage| usage.memory);
    }

    /// A forecast that knows past demand, for one that has seen next to nothing itself.
    pub(super) fn take_past(&mut self, forecast: Forecast) {
        self.planner.take_past(forecast);
    }

    /// What a custom metric says; `None`: it could not be had.
    pub(super) fn take_custom(&mut self, place: usize, value: Option<f64>) {
        if let Some(known) = self.load.custom.get_mut(place) {
            *known = value;
        }
    }

    /// Tells the fleet what became of its members, and lets it do what is due.
    pub(super) fn attend(&mut self, entry: &PoolEntry, now: Instant) {
        let news = self.members.news(entry, now);
        self.advance(news, now);
        self.rotate(entry, now);
    }

    /// The pool is gone: nothing sends its instances any more work.
    pub(super) fn leave_pool(&mut self, now: Instant) {
        let idle = self.members.idle();
        self.advance(idle, now);
    }

    fn advance(&mut self, news: Vec<Input>, now: Instant) {
        news.into_iter().for_each(|input| self.fleet.handle(input, now));
        self.fleet.handle_timeout(now);
        self.perform();
    }

    /// Brings the state that is shared in line with who is in rotation.
    pub(super) fn rotate(&self, entry: &PoolEntry, now: Instant) {
        self.members.rotate(entry, now);
    }

    /// Measures, plans, tells people, and aims.
    pub(super) fn look(
        &mut self,
        entry: &PoolEntry,
        steering: Steering,
        pledge: Option<Pledge>,
        now: Instant,
    ) {
        let Some(settings) = self.settings.clone().filter(|_| self.fleet.is_counted()) else {
            return;
        };
        let observed = Observed { steering, pledge, ..self.measure(&settings, entry, now) };
        let plan = self.planner.plan(&settings, &observed, now);
        self.account.plan(plan, &observed);
        let aim = Aim { instances: plan.instances, warm: plan.warm };
        self.aim(aim, &settings, entry, now);
        self.keep(&settings, now);
        self.perform();
        self.rotate(entry, now);
        self.show(&settings, &observed, now);
    }

    /// What a rollout needs to know of it; how much comes is counted elsewhere.
    pub(super) fn known(&self) -> Known {
        self.settings.as_ref().map_or_else(Known::default, |it| self.planner.known(it))
    }

    /// What it can serve of the demand of both pools of a rollout.
    pub(super) fn capacity(&self) -> Capacity {
        self.settings.as_ref().map_or(Capacity::Unknown, |it| self.planner.capacity(it))
    }

    /// Why no rollout should put more upon the pool now.
    pub(super) fn strain(&self) -> Option<String> {
        self.planner.strain()
    }

    /// Whether a rollout's pools have as many instances together as they may.
    pub(super) fn is_at_ceiling(&self) -> bool {
        self.planner.is_at_ceiling()
    }

    /// The sales that are held now.
    pub(super) fn sales(&self, at: UnixTime) -> impl Iterator<Item = String> {
        let sales = self.settings.iter().flat_map(|settings| &settings.schedule);
        let held = sales.filter(move |sale| schedule::is_held(sale, at));
        held.map(|sale| sale.name.clone())
    }

    /// Foresees from as far back as the planner of stable, which sees the same demand.
    pub(super) fn share_past(&mut self, stable: &Self) {
        self.planner.share_past(&stable.planner);
    }

    fn measure(&mut self, settings: &Autoscale, entry: &PoolEntry, now: Instant) -> Observed {
        let at = clock::unix_time();
        let reading = measure::read(entry, &self.shared.registry, now);
        let demand = self.meter.take(reading, settings.slo.latency, now);
        let fleet = FleetCount { listed: measure::listed(entry), ..self.fleet.count() };
        let load = Load { connections: measure::connections(entry), ..self.load.clone() };
        let startup = self.fleet.startup().high();
        let lasts = |(_, since): &(u32, Instant)| now.since(*since) < QUOTA_LASTS;
        let quota = self.quota.filter(lasts).map(|(most, _)| most);
        let steering = Steering::default();
        Observed { demand, fleet, load, startup, quota, steering, pledge: None, at }
    }

    /// Tells the fleet what there should be, and how the servers beside it are.
    fn aim(&mut self, aim: Aim, settings: &Autoscale, entry: &PoolEntry, now: Instant) {
        let (members, unhealthy) = measure::primaries(entry);
        self.fleet.handle(Input::ListedServers { members, unhealthy }, now);
        if !settings.dry_run {
            self.fleet.handle(Input::Aim(aim), now);
        }
    }

    /// Keeps what was learned, now and then.
    fn keep(&mut self, settings: &Autoscale, now: Instant) {
        let since = *self.kept.get_or_insert(now);
        if now.since(since) >= KEEP_EVERY {
            self.kept = Some(now);
            let record = self.planner.record(settings.provider.digest());
            self.hands.send(Order::Learned(Box::new(record)));
        }
    }

    /// Lets people see it.
    fn show(&mut self, settings: &Autoscale, observed: &Observed, now: Instant) {
        self.account.show(observed, &self.fleet, now);
        let pledge = observed.pledge.as_ref();
        let release = pledge.map(|pledge| ReleaseStatus::of(pledge, self.capacity()));
        let status = &mut self.account.status;
        status.capacity = self.planner.able(settings).map(|able| CapacityStatus {
            requests_per_second: able.rate,
            confidence: able.confidence,
        });
        status.spent_today = settings.budget.map(|_| self.planner.spent_today());
        status.release = release;
    }

    /// Does, or has others do, what the fleet has decided.
    fn perform(&mut self) {
        while let Some(output) = self.fleet.poll_output() {
            match output {
                Output::Record(record) => self.hands.send(Order::Record(record)),
                Output::List { within } => self.ask(Ask::List(within)),
                Output::Start { id, within } => self.ask(Ask::Start(id, within)),
                Output::Stop { id, within } => self.ask(Ask::Stop(id, within)),
                Output::Join { id, address } => self.members.join(id, address),
                Output::Warm { id } => self.warm_up(id),
                Output::Enter { id, entry } => self.members.enter(&id, entry),
                Output::Drain { id } => self.members.drain(&id),
                Output::Leave { id } => self.members.leave(&id),
                Output::Told(event) => self.take_event(&event),
            }
        }
    }

    fn ask(&self, ask: Ask) {
        self.hands.send(Order::Ask(ask));
    }

    fn warm_up(&self, id: InstanceId) {
        let paths = self.settings.as_ref().map(|settings| settings.warm.requests.clone());
        if let (Some(paths), Some(address)) = (paths, self.members.address(&id)) {
            self.ask(Ask::Warm { id, address, paths });
        }
    }

    fn take_event(&mut self, event: &FleetEvent) {
        if let FleetEvent::LaunchFailed { failure: ProviderFailure::Quota(_), .. } = event {
            let runs = |one: &InstanceView<'_>| one.stage > Stage::Requested;
            let running = self.fleet.instances().filter(runs).count();
            self.quota = Some((u32::try_from(running).unwrap_or(u32::MAX), clock::now()));
        }
        self.account.event(event);
    }
}
