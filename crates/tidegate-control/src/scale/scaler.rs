//! The autoscaler of one pool: what is measured goes to the planner, its plan to the fleet, and
//! what the fleet decides to those who do it.
//!
//! It is driven by the loop of the control plane and never waits. The membership that it keeps,
//! which instances there are and which are in rotation, is what the next snapshot is made of; what
//! needs no snapshot is written into the state that both planes share.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::model::autoscale::Autoscale;
use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::model::pool::Pool;
use tidegate_core::model::ratio::Weight;
use tidegate_core::model::server::{Availability, Member, Rotation, Server, ServerState};
use tidegate_core::model::session::OnScaleIn;
use tidegate_core::rollout::capacity::Capacity;
use tidegate_core::scale::fleet::event::FleetEvent;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::input::{Aim, Input};
use tidegate_core::scale::fleet::instance::{InstanceView, Stage};
use tidegate_core::scale::fleet::machine::Fleet;
use tidegate_core::scale::fleet::output::{Entry, Output};
use tidegate_core::scale::fleet::provider::ProviderFailure;
use tidegate_core::scale::fleet::settings::Settings;
use tidegate_core::scale::forecast::foresight::Forecast;
use tidegate_core::scale::meter::Meter;
use tidegate_core::scale::observed::{FleetCount, Load, Observed, Steering};
use tidegate_core::scale::plan::{Limit, Limited, Memory, Plan, plan};
use tidegate_core::scale::record::PlannerRecord;
use tidegate_core::scale::release::{Known, Pledge};
use tidegate_core::scale::{capacity, schedule};
use tidegate_core::snapshot::PoolEntry;
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_net::clock;

use super::hands::{Ask, Hands, Order};
use super::lapse::Lapse;
use super::measure;
use super::status::{AutoscaleStatus, CapacityStatus, ReleaseStatus};
use crate::act::provider::contract::Usage;
use crate::control::Shared;
use crate::events::{Kind, Report};

/// The autoscaler of one pool.
pub(super) struct Scaler {
    shared: Arc<Shared>,
    pool: PoolName,
    /// `None`: the pool is scaled no more, and its instances go.
    settings: Option<Autoscale>,
    /// What becomes of an instance that goes: it keeps its sessions, or they move.
    drained: Rotation,
    fleet: Fleet,
    hands: Hands,
    members: BTreeMap<InstanceId, Membership>,
    meter: Meter,
    memory: Memory,
    lapse: Lapse,
    /// When it was kept last.
    kept: Option<Instant>,
    load: Load,
    /// How many instances the provider ran when it had no more to give, and when that was.
    quota: Option<(u32, Instant)>,
    /// What was planned last, and on what account.
    last: Option<Plan>,
    told: Option<Observed>,
    status: AutoscaleStatus,
    /// Whether members came or went since the last snapshot.
    changed: bool,
}

/// What decides for a pool.
pub(super) struct Mind {
    pub(super) fleet: Fleet,
    pub(super) memory: Memory,
    /// The time that the planner is told.
    pub(super) lapse: Lapse,
}

/// After so long a provider that had no more to give is asked again.
const QUOTA_LASTS: Duration = Duration::from_secs(60);

/// How often what was learned is kept.
const KEEP_EVERY: Duration = Duration::from_secs(300);

/// An instance as a member of its pool.
struct Membership {
    server: Server,
    rotation: Rotation,
    /// Whether it grows to its weight when it enters.
    entry: Entry,
    /// What the fleet knows of it.
    told: Option<Told>,
}

/// What the fleet knows of a member.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    availability: Availability,
    in_flight: u32,
    sessions: u32,
}

impl Told {
    fn of(state: &ServerState) -> Self {
        Self {
            availability: state.availability(),
            in_flight: state.in_flight(),
            sessions: state.sessions().unwrap_or_default(),
        }
    }

    /// Whether it has nothing to do, as far as is known.
    const fn is_idle(self) -> bool {
        self.in_flight == 0 && self.sessions == 0
    }
}

impl Scaler {
    pub(super) fn new(
        shared: Arc<Shared>,
        pool: &Pool,
        settings: &Autoscale,
        Mind { fleet, memory, lapse }: Mind,
        hands: Hands,
    ) -> Self {
        let mut scaler = Self {
            shared,
            pool: pool.name.clone(),
            settings: None,
            drained: Rotation::Leaving,
            fleet,
            hands,
            members: BTreeMap::new(),
            meter: Meter::default(),
            memory,
            lapse,
            kept: None,
            load: Load::default(),
            quota: None,
            last: None,
            told: None,
            status: AutoscaleStatus { pool: pool.name.to_string(), ..AutoscaleStatus::default() },
            changed: false,
        };
        scaler.configure(pool, settings);
        // What was seen itself is worth more than what a file tells.
        if scaler.memory.policy.slo.forecast.known() == 0
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
        self.configure(pool, settings);
        let template = settings.provider.digest();
        self.fleet.update(Settings::of(pool, settings, template), now);
        self.perform();
    }

    fn configure(&mut self, pool: &Pool, settings: &Autoscale) {
        self.drained = match pool.session.as_ref().map(|session| session.on_scale_in) {
            Some(OnScaleIn::Wait(_)) => Rotation::Draining,
            Some(OnScaleIn::Move) | None => Rotation::Leaving,
        };
        let before = self.settings.replace(settings.clone());
        if before.is_none_or(|before| before.custom != settings.custom) {
            self.load.custom = vec![None; settings.custom.len()];
            self.hands.ask(&settings.custom);
        }
        self.status.policy = settings.policy.as_str();
        (self.status.min, self.status.max) = (settings.bounds.min, settings.bounds.max);
        self.status.dry_run = settings.dry_run;
    }

    /// The pool is scaled no more: what was started for it finishes its work and goes.
    pub(super) fn retire(&mut self, now: Instant) {
        if self.settings.take().is_some() {
            let reason = "the configuration scales it no more";
            self.tell(Kind::Scaled, "its instances go", reason);
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
        &self.pool
    }

    pub(super) fn status(&self) -> AutoscaleStatus {
        self.status.clone()
    }

    /// The instances that are members.
    pub(super) fn servers(&self) -> impl Iterator<Item = Server> {
        self.members.values().map(|member| member.server.clone())
    }

    /// Whether members came or went since this was asked last.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
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
        let serving = |id: &InstanceId| {
            self.members.get(id).is_some_and(|member| member.rotation == Rotation::In)
        };
        let busy: Vec<&Usage> =
            usage.iter().filter(|(id, _)| serving(id)).map(|(_, usage)| usage).collect();
        let mean = |of: fn(&Usage) -> f64| {
            let sum: f64 = busy.iter().map(|usage| of(usage)).sum();
            (!busy.is_empty()).then(|| sum / busy.len() as f64)
        };
        let (cpu, memory) = (mean(|usage| usage.cpu), mean(|usage| usage.memory));
        (self.load.cpu, self.load.memory) = (cpu, memory);
    }

    /// A forecast that knows past demand, for one that has seen next to nothing itself.
    pub(super) fn take_past(&mut self, forecast: Forecast) {
        self.memory.policy.slo.forecast = forecast;
    }

    /// What a custom metric says; `None`: it could not be had.
    pub(super) fn take_custom(&mut self, place: usize, value: Option<f64>) {
        if let Some(known) = self.load.custom.get_mut(place) {
            *known = value;
        }
    }

    /// Tells the fleet what became of its members, and lets it do what is due.
    pub(super) fn attend(&mut self, entry: &PoolEntry, now: Instant) {
        for member in &entry.members {
            let Some(id) = InstanceId::parse(member.server.name.as_str()) else { continue };
            let Some(known) = self.members.get_mut(&id) else { continue };
            let drains = known.rotation.is_over();
            let mut fresh = Told::of(&member.state);
            if drains && fresh.is_idle() {
                fresh = look_again(entry, member, now);
            }
            let before = known.told.replace(fresh);
            let Told { availability, in_flight, sessions } = fresh;
            if before.is_none_or(|before| before.availability != availability) {
                self.fleet.handle(Input::Health(id.clone(), availability), now);
            }
            if drains || before != Some(fresh) {
                self.fleet.handle(Input::Load { id, in_flight, sessions }, now);
            }
        }
        self.fleet.handle_timeout(now);
        self.perform();
        self.rotate(entry, now);
    }

    /// The pool is gone: nothing sends its instances any more work.
    pub(super) fn leave_pool(&mut self, now: Instant) {
        let ids: Vec<InstanceId> = self.members.keys().cloned().collect();
        for id in ids {
            self.fleet.handle(Input::Load { id, in_flight: 0, sessions: 0 }, now);
        }
        self.fleet.handle_timeout(now);
        self.perform();
    }

    /// Measures, plans, and aims.
    pub(super) fn look(
        &mut self,
        entry: &PoolEntry,
        steering: Steering,
        pledge: Option<Pledge>,
        now: Instant,
    ) {
        if !self.fleet.is_counted() {
            return;
        }
        let Some(settings) = self.settings.take() else { return };
        let at = clock::unix_time();
        let observed = self.observe(settings.slo.latency, entry, (now, at));
        let observed = Observed { steering, pledge, ..observed };
        let (members, unhealthy) = measure::primaries(entry);
        self.fleet.handle(Input::ListedServers { members, unhealthy }, now);
        let told = self.lapse.observed(observed.clone());
        let plan = plan(&settings, &told, &mut self.memory, self.lapse.instant(now));
        self.told = Some(told);
        self.follow(&plan, &observed, at);
        if !settings.dry_run {
            let aim = Aim { instances: plan.instances, warm: plan.warm };
            self.fleet.handle(Input::Aim(aim), now);
        }
        self.last = Some(plan);
        self.keep(settings.provider.digest(), now);
        let learned = &self.memory.policy.slo.learned;
        let able = capacity::able(&settings, learned, observed.demand.as_ref());
        self.status.capacity = able.map(|able| CapacityStatus {
            requests_per_second: able.rate,
            confidence: able.confidence,
        });
        self.status.spent_today = settings.budget.map(|_| self.memory.budget.spent().1);
        self.settings = Some(settings);
        self.perform();
        self.rotate(entry, now);
        self.show(&observed, at, now);
    }

    /// What a rollout needs to know of it; how much comes is counted elsewhere.
    pub(super) fn known(&self) -> Known {
        let Some((settings, told)) = self.settings.as_ref().zip(self.told.as_ref()) else {
            return Known::default();
        };
        let planned = self.last.as_ref().map_or(0, |plan| plan.instances + plan.warm);
        let learned = &self.memory.policy.slo.learned;
        Known {
            arrivals: None,
            servers: told.fleet.in_rotation(),
            instances: told.fleet.paid().max(planned),
            able: capacity::able(settings, learned, told.demand.as_ref()),
        }
    }

    /// What it can serve of the demand of both pools of a rollout.
    pub(super) fn capacity(&self) -> Capacity {
        let Some((settings, told)) = self.settings.as_ref().zip(self.told.as_ref()) else {
            return Capacity::Unknown;
        };
        let FleetCount { listed, .. } = told.fleet;
        let bounds = [told.quota, told.pledge.as_ref().and_then(|pledge| pledge.most)];
        let bounds = bounds.into_iter().flatten().map(|most| listed.saturating_add(most));
        let now = told.fleet.in_rotation();
        let most = bounds.fold(settings.bounds.max, u32::min).max(now);
        let able = |servers| self.memory.able(settings, told, servers);
        able(now)
            .zip(able(most))
            .map_or(Capacity::Unknown, |(now, most)| Capacity::Known { now, most })
    }

    /// Why no rollout should put more upon the pool now.
    pub(super) fn strain(&self) -> Option<String> {
        self.last.as_ref().and_then(Plan::strain)
    }

    /// Whether a rollout's pools have as many instances together as they may.
    pub(super) fn is_at_ceiling(&self) -> bool {
        let limits = self.last.iter().flat_map(|plan| &plan.limits);
        limits.into_iter().any(|limited| limited.by == Limit::Release)
    }

    /// The sales that are held now.
    pub(super) fn sales(&self, at: UnixTime) -> impl Iterator<Item = String> {
        let sales = self.settings.iter().flat_map(|settings| &settings.schedule);
        let held = sales.filter(move |sale| schedule::is_held(sale, at));
        held.map(|sale| sale.name.clone())
    }

    /// Foresees from as far back as the planner of stable, which sees the same demand.
    pub(super) fn share_past(&mut self, stable: &Self) {
        self.memory.share_past(&stable.memory);
    }

    fn observe(
        &mut self,
        promise: Duration,
        entry: &PoolEntry,
        (now, at): (Instant, UnixTime),
    ) -> Observed {
        let reading = measure::read(entry, &self.shared.registry, now);
        let demand = self.meter.take(reading, promise, now);
        let fleet = FleetCount { listed: measure::listed(entry), ..self.fleet.count() };
        let load = Load { connections: measure::connections(entry), ..self.load.clone() };
        let startup = self.fleet.startup().high();
        let lasts = |(_, since): &(u32, Instant)| now.since(*since) < QUOTA_LASTS;
        let quota = self.quota.filter(lasts).map(|(most, _)| most);
        let steering = Steering::default();
        Observed { demand, fleet, load, startup, quota, steering, pledge: None, at }
    }

    /// Keeps what was learned, now and then.
    fn keep(&mut self, template: u64, now: Instant) {
        let since = *self.kept.get_or_insert(now);
        if now.since(since) >= KEEP_EVERY {
            self.kept = Some(now);
            let record = PlannerRecord::of(&self.memory, template);
            self.hands.send(Order::Learned(Box::new(record)));
        }
    }

    /// Tells people what changes, and why.
    fn follow(&mut self, plan: &Plan, observed: &Observed, at: UnixTime) {
        let from =
            self.last.as_ref().map_or_else(|| observed.fleet.committed(), |last| last.servers);
        let changed = self.status.follow(plan, from, at.as_millis()).is_some();
        if changed {
            let message =
                format!("pool {} goes from {from} to {} servers", self.pool, plan.servers);
            self.tell(Kind::Scaled, &message, &plan.to_string());
        }
        let held = |plan: &Plan| plan.limits.iter().map(|limit| limit.by).collect::<Vec<_>>();
        let before = self.last.as_ref().map(held).unwrap_or_default();
        let told: Vec<&Limited> = plan.limits.iter().filter(|l| l.by.is_trouble()).collect();
        for limit in told.into_iter().filter(|limit| !before.contains(&limit.by)) {
            let message = limit.by.sentence(&self.pool, limit.servers);
            self.tell(Kind::ScaleLimited, &message, &plan.to_string());
        }
    }

    fn tell(&self, kind: Kind, message: &str, reason: &str) {
        self.shared.events.emit(Report::scale(kind, &self.pool, message, reason));
    }

    /// Does, or has others do, what the fleet has decided.
    fn perform(&mut self) {
        while let Some(output) = self.fleet.poll_output() {
            match output {
                Output::Record(record) => self.hands.send(Order::Record(record)),
                Output::List { within } => self.ask(Ask::List(within)),
                Output::Start { id, within } => self.ask(Ask::Start(id, within)),
                Output::Stop { id, within } => self.ask(Ask::Stop(id, within)),
                Output::Join { id, address } => self.join(id, address),
                Output::Warm { id } => self.warm_up(id),
                Output::Enter { id, entry } => self.place(&id, Rotation::In, entry),
                Output::Drain { id } => self.place(&id, self.drained, Entry::Slow),
                Output::Leave { id } => {
                    self.members.remove(&id);
                    self.changed = true;
                }
                Output::Told(event) => self.told(&event),
            }
        }
    }

    fn ask(&self, ask: Ask) {
        self.hands.send(Order::Ask(ask));
    }

    fn join(&mut self, id: InstanceId, address: std::net::SocketAddr) {
        let server = Server {
            name: ServerName::new(id.as_str()),
            address,
            weight: Weight::ONE,
            backup: false,
            zone: None,
        };
        let (rotation, entry) = (Rotation::Warm, Entry::Slow);
        self.members.insert(id, Membership { server, rotation, entry, told: None });
        self.changed = true;
    }

    fn warm_up(&self, id: InstanceId) {
        let paths = self.settings.as_ref().map(|settings| settings.warm.requests.clone());
        let address = self.members.get(&id).map(|member| member.server.address);
        if let (Some(paths), Some(address)) = (paths, address) {
            self.ask(Ask::Warm { id, address, paths });
        }
    }

    fn place(&mut self, id: &InstanceId, rotation: Rotation, entry: Entry) {
        if let Some(member) = self.members.get_mut(id) {
            (member.rotation, member.entry) = (rotation, entry);
        }
    }

    /// Brings the state that is shared in line with who is in rotation.
    pub(super) fn rotate(&self, entry: &PoolEntry, now: Instant) {
        let mut turned = false;
        for Member { server, state } in &entry.members {
            let Some(id) = InstanceId::parse(server.name.as_str()) else { continue };
            let Some(member) = self.members.get(&id) else { continue };
            if state.rotation() == member.rotation {
                continue;
            }
            match (member.rotation, member.entry) {
                (Rotation::In, Entry::Slow) => state.set_joined(now),
                (Rotation::In, Entry::Full) => state.end_slow_start(),
                _ => {}
            }
            state.set_rotation(member.rotation);
            turned = true;
        }
        if turned {
            entry.state.advance();
        }
    }

    fn told(&mut self, event: &FleetEvent) {
        let kind = match event {
            FleetEvent::Became { stage, .. } => match stage {
                Stage::Warm | Stage::Warming | Stage::Draining => Kind::Instance,
                _ => return,
            },
            FleetEvent::InventoryBack => Kind::ProviderBack,
            FleetEvent::LaunchFailed { .. }
            | FleetEvent::StopFailed { .. }
            | FleetEvent::InventoryFailed(_)
            | FleetEvent::Doubted(_)
            | FleetEvent::Overflow(_) => Kind::ProviderFailed,
            _ => Kind::Instance,
        };
        if let FleetEvent::LaunchFailed { failure: ProviderFailure::Quota(_), .. } = event {
            let runs = |one: &InstanceView<'_>| one.stage > Stage::Requested;
            let running = self.fleet.instances().filter(runs).count();
            self.quota = Some((u32::try_from(running).unwrap_or(u32::MAX), clock::now()));
        }
        self.status.provider_error = match event {
            FleetEvent::InventoryFailed(failure) => Some(failure.to_string()),
            FleetEvent::LaunchFailed { failure, .. } => Some(failure.to_string()),
            FleetEvent::InventoryBack => None,
            FleetEvent::Became { stage: Stage::Warming, .. } => None,
            _ => self.status.provider_error.take(),
        };
        self.tell(kind, &event.to_string(), "");
    }

    /// Lets people see it.
    fn show(&mut self, observed: &Observed, at: UnixTime, now: Instant) {
        let tally = self.fleet.tally();
        let counts = &mut self.status.counts;
        counts.launches = tally.launches;
        counts.launch_failures = tally.launches_failed;
        counts.inventory_doubts = tally.inventory_disagreements;
        self.status.demand = observed.demand.map(|demand| demand.arrivals);
        self.status.release =
            observed.pledge.as_ref().map(|pledge| ReleaseStatus::of(pledge, self.capacity()));
        self.status.startup_seconds = observed.startup.map(|startup| startup.as_secs_f64());
        self.status.count(self.fleet.instances(), at, now);
    }
}

/// Sessions are counted now and then; a drain ends by what is so now. Where users may still come
/// back who were not counted yet, there is one of them.
fn look_again(entry: &PoolEntry, member: &Member, now: Instant) -> Told {
    entry.count_sessions(now);
    let told = Told::of(&member.state);
    let knows_all = entry.sessions.as_ref().is_none_or(|sessions| sessions.knows_all(now));
    Told { sessions: told.sessions.max(u32::from(!knows_all)), ..told }
}
