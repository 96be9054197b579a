//! A trace of demand replayed through a scaler on a virtual clock.
//!
//! At the start of each tick the scaler is shown what the tick before brought, and the fleet is
//! resized; then the tick passes through the [`Queue`]. What is launched serves after `startup`;
//! what is stopped is gone at once.

use tidegate_core::model::autoscale::Bounds;
use tidegate_core::scale::observed::FleetCount;
use tidegate_core::time::{Duration, UnixTime};

use super::fleet::{Fleet, Size};
use super::oracle::servers_at;
use super::queue::Queue;

/// The length of a tick.
pub const TICK: Duration = Duration::from_secs(TICK_SECONDS as u64);
/// The same, in seconds.
pub const TICK_SECONDS: u32 = tidegate_core::scale::trace::TICK_SECONDS;
/// How full the servers are that every replay begins with.
const FIRST_FULL: f64 = 0.7;

/// Says how many servers there should be.
pub trait Scaler {
    /// As many as this, from now on.
    fn size(&mut self, seen: &Seen<'_>) -> Size;
}

/// What a scaler is shown.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Which tick begins.
    pub tick: usize,
    /// The time on the wall.
    pub at: UnixTime,
    /// Requests a second in the tick before; `None` at the beginning.
    pub demand: Option<f64>,
    /// How many instances served in the tick before.
    pub served_by: u32,
    /// What was answered in the tick before, in requests a second.
    pub served: f64,
    /// Of what came in the tick before, what was answered in time, in requests a second.
    pub goodput: f64,
    /// Requests that wait.
    pub queued: f64,
    /// What there is.
    pub fleet: &'a FleetCount,
    /// Requests a second that one server can do.
    pub capacity: f64,
}

/// What is replayed, and where.
#[derive(Clone, Copy, Debug)]
pub struct Scenario<'a> {
    /// Requests a second, tick by tick.
    pub demand: &'a [f64],
    /// When the first tick is.
    pub begins: UnixTime,
    /// Requests a second that one server can do: above 0.
    pub capacity: f64,
    /// From a launch to a server that serves.
    pub startup: Duration,
    /// The least and the most servers.
    pub bounds: Bounds,
}

impl Scenario<'_> {
    /// Whole ticks from a launch to a server that serves.
    #[must_use]
    pub fn startup_ticks(&self) -> usize {
        let ticks = self.startup.as_millis().div_ceil(TICK.as_millis());
        usize::try_from(ticks).unwrap_or(usize::MAX / 2)
    }
}

/// What one tick came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Since the beginning.
    pub seconds: u64,
    /// Requests a second.
    pub demand: f64,
    /// Instances that cost money.
    pub paid: u32,
    /// Instances that served.
    pub serving: u32,
    /// How long the last in line waits, in seconds.
    pub waiting: f64,
    /// Requests that came too late or were refused.
    pub late: f64,
}

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Requests that came.
    pub requests: f64,
    /// Those that waited for too long, or were refused.
    pub late: f64,
    /// Those that were refused.
    pub shed: f64,
    /// Hours of instances paid.
    pub server_hours: f64,
    /// How often the number of paid instances turned from growth to decline, or back.
    pub direction_changes: u32,
    /// The most instances paid.
    pub peak: u32,
    /// Each tick.
    pub rows: Vec<Row>,
}

impl Outcome {
    /// Percent of the requests that waited for too long, or were refused.
    #[must_use]
    pub fn violations_percent(&self) -> f64 {
        percent(self.late, self.requests)
    }

    /// Percent of the requests that were refused.
    #[must_use]
    pub fn shed_percent(&self) -> f64 {
        percent(self.shed, self.requests)
    }
}

/// Replays `scenario` through `scaler`.
pub fn replay(scenario: &Scenario<'_>, scaler: &mut dyn Scaler) -> Outcome {
    let first = scenario.demand.first().copied().unwrap_or(0.0);
    let Bounds { min, max } = scenario.bounds;
    let begin = servers_at(first, scenario.capacity, FIRST_FULL).clamp(min, max);
    let mut world = World {
        fleet: Fleet::new(begin, scenario.startup_ticks()),
        queue: Queue::default(),
        outcome: Outcome::default(),
        paid_ticks: 0,
        served: 0.0,
        goodput: 0.0,
        trend: std::cmp::Ordering::Equal,
    };
    world.outcome.rows.reserve(scenario.demand.len());
    for tick in 0..scenario.demand.len() {
        world.turn(scenario, tick, scaler);
    }
    world.outcome
}

struct World {
    fleet: Fleet,
    queue: Queue,
    outcome: Outcome,
    paid_ticks: u64,
    served: f64,
    goodput: f64,
    trend: std::cmp::Ordering,
}

impl World {
    fn turn(&mut self, scenario: &Scenario<'_>, tick: usize, scaler: &mut dyn Scaler) {
        self.fleet.arrive(tick);
        let before = self.outcome.rows.last().copied();
        let fleet = self.fleet.count();
        let elapsed = TICK.as_millis() as u64 * tick as u64;
        let seen = Seen {
            tick,
            at: UnixTime::from_millis(scenario.begins.as_millis() + elapsed),
            demand: before.map(|row| row.demand),
            served_by: before.map_or(fleet.serving, |row| row.serving),
            served: self.served,
            goodput: self.goodput,
            queued: self.queue.waiting(),
            fleet: &fleet,
            capacity: scenario.capacity,
        };
        let mut size = scaler.size(&seen);
        let Bounds { min, max } = scenario.bounds;
        size.servers = size.servers.clamp(min, max);
        size.warm = size.warm.min(max - size.servers);
        self.fleet.resize(size, tick);
        self.pass(scenario, tick);
    }

    fn pass(&mut self, scenario: &Scenario<'_>, tick: usize) {
        let count = self.fleet.count();
        let demand = scenario.demand[tick];
        let served = f64::from(count.serving) * scenario.capacity;
        let seconds = f64::from(TICK_SECONDS);
        let before = self.queue.waiting();
        let passed = self.queue.pass(seconds, demand, served);
        let left = before - self.queue.waiting() + passed.arrived - passed.shed;
        self.served = left / seconds;
        self.goodput = (passed.arrived - passed.late) / seconds;
        let row = Row {
            seconds: u64::from(TICK_SECONDS) * tick as u64,
            demand,
            paid: count.paid(),
            serving: count.serving,
            waiting: if served > 0.0 { self.queue.wait(served) } else { 0.0 },
            late: passed.late,
        };
        let outcome = &mut self.outcome;
        outcome.requests += passed.arrived;
        outcome.late += passed.late;
        outcome.shed += passed.shed;
        self.paid_ticks += u64::from(row.paid);
        outcome.server_hours = self.paid_ticks as f64 * seconds / 3600.0;
        outcome.peak = outcome.peak.max(row.paid);
        let turn =
            outcome.rows.last().map_or(std::cmp::Ordering::Equal, |last| row.paid.cmp(&last.paid));
        if turn.is_ne() {
            outcome.direction_changes += u32::from(self.trend.is_ne() && turn != self.trend);
            self.trend = turn;
        }
        outcome.rows.push(row);
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}
