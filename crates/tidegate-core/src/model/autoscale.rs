//! How a pool grows and shrinks: by what policy, within what bounds, from what provider.
//!
//! Rates are per second, ratios between 0 and 1 unless said otherwise. What starts and stops the
//! instances is in `provider`.

use super::ids::PoolName;
use super::provider::Provider;
use super::ratio::Ratio;
use super::zone::Zone;
use crate::time::{Duration, UnixTime};

/// How a pool grows and shrinks.
#[derive(Clone, Debug, PartialEq)]
pub struct Autoscale {
    /// What starts and stops instances.
    pub provider: Provider,
    /// The bounds of the pool: all its healthy primaries count, listed servers and instances.
    pub bounds: Bounds,
    /// What is decided by.
    pub policy: Policy,
    /// What users are promised.
    pub slo: Slo,
    /// From the decision to a server that answers, until that has been measured.
    pub startup: Duration,
    /// What a server can do.
    pub capacity: Capacity,
    /// What holds under every policy.
    pub targets: Targets,
    /// Measures of the user's own.
    pub custom: Vec<CustomMetric>,
    /// How long an instance may be unhealthy before it is replaced.
    pub replace_after: Duration,
    /// Decide and record, change nothing.
    pub dry_run: bool,
    /// What slows every policy.
    pub guard: Guard,
    /// Thresholds of [`Policy::Levels`].
    pub levels: Levels,
    /// Instances that run out of rotation.
    pub warm: WarmPool,
    /// Demand that is foreseen.
    pub forecast: Forecast,
    /// Demand that is known beforehand.
    pub schedule: Vec<Sale>,
    /// What may be spent; `None`: what `bounds` allow.
    pub budget: Option<Budget>,
}

/// The least and the most servers of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub min: u32,
    /// The most: `min` and above.
    pub max: u32,
}

/// What is decided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The promise to users, at the least cost.
    #[default]
    Slo,
    /// Thresholds with steps.
    Levels,
    /// A share of each server's capacity in use.
    Target,
}

impl Policy {
    /// The word of the configuration for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slo => "slo",
            Self::Levels => "levels",
            Self::Target => "target",
        }
    }
}

/// The promise: so large a share of requests is answered within so long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slo {
    /// How long.
    pub latency: Duration,
    /// How large a share.
    pub ratio: Ratio,
}

/// What a server can do, per weight of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Capacity {
    /// What it has been seen to do within the promise.
    Learn,
    /// Requests a second.
    Requests(f64),
    /// Requests at once.
    InFlight(f64),
}

/// What holds under every policy; the highest wish wins.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Targets {
    /// The mean share of CPU in use.
    pub cpu: Option<Ratio>,
    /// The mean share of memory in use.
    pub memory: Option<Ratio>,
    /// Requests a second for each server.
    pub requests_per_server: Option<f64>,
}

/// A measure that a Prometheus server is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomMetric {
    /// Its name.
    pub name: String,
    /// The Prometheus server, `http://HOST:PORT[/PATH]`.
    pub prometheus: String,
    /// The query; its answer is one number.
    pub query: String,
    /// What is wanted of the number.
    pub target: f64,
    /// What the number is of.
    pub per: Per,
    /// How often it is asked for.
    pub every: Duration,
}

/// What a custom measure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// The pool as a whole: divided by the servers before it is compared.
    Server,
    /// The mean server already.
    Mean,
}

/// What slows every policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guard {
    /// By how much what is paid for may grow within one `startup`: 1 and above. A growth by 4 is
    /// allowed in any case.
    pub max_step: f64,
    /// For how long after the last growth nothing shrinks.
    pub down_cooldown: Duration,
    /// How much may go at a time.
    pub down_step: DownStep,
    /// Between times.
    pub down_every: Duration,
}

/// How much may go at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownStep {
    /// Straight to what is recommended.
    Auto,
    /// This many: 1 and above.
    Count(u32),
}

/// Thresholds of [`Policy::Levels`]; a metric without any is not looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// The mean share of CPU in use.
    pub cpu: Option<Ladder>,
    /// The mean share of memory in use.
    pub memory: Option<Ladder>,
    /// Requests a second for each server.
    pub requests: Option<Ladder>,
    /// Connections, or requests in flight, for each server.
    pub connections: Option<Ladder>,
    /// Custom metrics, by name.
    pub custom: Vec<(String, Ladder)>,
    /// For how many periods in a row a threshold must be passed before it counts.
    pub periods: u32,
    /// How often is looked.
    pub period: Duration,
    /// How long after a growth before the next; an emergency does not wait.
    pub up_cooldown: Duration,
}

/// The thresholds of one metric, rising: `down` < `warn` ≤ `scale` ≤ `emergency`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ladder {
    /// From here instances are started and kept warm.
    pub warn: Option<f64>,
    /// From here the pool grows.
    pub scale: f64,
    /// From here it grows at once, and by as much as the guard allows.
    pub emergency: Option<f64>,
    /// What a growth aims at; `None`: a step by share of the pool.
    pub target: Option<f64>,
    /// Below here the pool shrinks.
    pub down: f64,
}

/// Instances that run and are checked, out of rotation, to enter at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WarmPool {
    /// How many.
    pub size: u32,
    /// Paths that are requested of an instance to warm it.
    pub requests: Vec<String>,
}

/// How demand is foreseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// How far ahead launches may begin; `None`: demand is not foreseen.
    pub ahead: Option<Duration>,
    /// A file of past demand to begin with.
    pub history: Option<std::path::PathBuf>,
}

/// Demand that is known beforehand.
#[derive(Clone, Debug, PartialEq)]
pub struct Sale {
    /// Its name.
    pub name: String,
    /// When its capacity serves; of the first one, if it is repeated.
    pub from: UnixTime,
    /// When it is over; after `from`.
    pub to: UnixTime,
    /// What it asks for.
    pub wants: SaleWants,
    /// Whether it comes again.
    pub repeat: Option<Repeat>,
}

/// What a sale asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SaleWants {
    /// At least this many servers.
    Min(u32),
    /// Servers for this many requests a second.
    Demand(f64),
    /// This many times what demand would need otherwise.
    Factor(f64),
}

/// How a sale comes again: at the same time of the clock on the wall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// How often.
    pub every: Every,
    /// The time zone whose clock it follows.
    pub zone: Zone,
}

/// How often a sale comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// Each day.
    Day,
    /// Each week.
    Week,
}

/// What may be spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// What one instance costs an hour.
    pub server_hour: f64,
    /// What may be spent on a day, UTC.
    pub per_day: f64,
    /// What happens when that is reached.
    pub on_reach: OnReach,
}

/// What happens when a budget is spent. No serving instance is ever stopped for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReach {
    /// It is told.
    Alert,
    /// It is told, and nothing grows.
    Hold,
}

/// What identifies a pool and the way its instances are launched: what was learned of one launch
/// template says nothing of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Template {
    /// The pool.
    pub pool: PoolName,
    /// A digest of everything that makes the instance what it is; stable over releases.
    pub digest: u64,
}
