//! What is known of a pool at one moment: its demand, its servers, their load, and what people and
//! rollouts ask for.

use super::release::Pledge;
use crate::model::autoscale::Slo;
use crate::time::{Duration, UnixTime};

/// What is known of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// What was asked of it since the last look; `None`: unknown, which is not zero.
    pub demand: Option<Demand>,
    /// Its servers.
    pub fleet: FleetCount,
    /// How busy they are.
    pub load: Load,
    /// How long an instance takes from its launch to its first request, as measured; `None`: not
    /// yet known.
    pub startup: Option<Duration>,
    /// The most instances that the provider will run, when it has said so.
    pub quota: Option<u32>,
    /// What people ask for.
    pub steering: Steering,
    /// What a running rollout asks for.
    pub pledge: Option<Pledge>,
    /// The time of the wall clock, by which days have their shape and sales begin.
    pub at: UnixTime,
}

/// What was asked of a pool. Admitted and queued work only: not retries, mirrors, probes, nor what
/// was limited or refused.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demand {
    /// New requests, per second.
    pub arrivals: f64,
    /// Successful responses, per second, however late.
    pub served: f64,
    /// Successful responses within the promise, per second.
    pub goodput: f64,
    /// Requests that servers work on, all together, on average.
    pub in_flight: f64,
    /// Requests that wait for a server.
    pub queued: f64,
    /// How long answers take, which is how long a server works on a request where none waits;
    /// `None`: none has been answered.
    pub service: Option<Service>,
    /// Whether this says what a server can do.
    pub sample: Sample,
}

impl Demand {
    /// Whether answers keep the promise.
    #[must_use]
    pub fn keeps(&self, promise: &Slo) -> bool {
        self.goodput >= self.served * promise.ratio.value()
    }
}

/// How long a server works on a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// The mean, in seconds: above 0.
    pub mean: f64,
    /// The squared coefficient of variation: variance over squared mean, 0 and above.
    pub variation: f64,
}

/// Whether a measurement says what a server can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sample {
    /// It does.
    #[default]
    Fair,
    /// Servers failed, were ejected or in slow start meanwhile.
    Disturbed,
}

/// The servers of a pool, by where they are in their lives. No server is in two of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FleetCount {
    /// Listed primaries that are healthy. They are never stopped.
    pub listed: u32,
    /// Instances that are given requests.
    pub serving: u32,
    /// Instances from their request to the end of their checks, meant for rotation.
    pub starting: u32,
    /// Instances that are kept warm, ready or not.
    pub warm: u32,
    /// Those of `warm` that could enter rotation at once.
    pub warm_ready: u32,
    /// Instances that finish their work before they stop.
    pub draining: u32,
}

impl FleetCount {
    /// Servers that take traffic now.
    #[must_use]
    pub const fn in_rotation(&self) -> u32 {
        self.listed + self.serving
    }

    /// Servers that take traffic now or will.
    #[must_use]
    pub const fn committed(&self) -> u32 {
        self.in_rotation() + self.starting
    }

    /// Instances that cost money.
    #[must_use]
    pub const fn paid(&self) -> u32 {
        self.serving + self.starting + self.warm + self.draining
    }
}

/// How busy the servers in rotation are, on average. `None`: unknown, which never shrinks a pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// The share of CPU in use, of what the servers may use: 0 to 1.
    pub cpu: Option<f64>,
    /// The share of memory in use: 0 to 1.
    pub memory: Option<f64>,
    /// Open connections to a server, or requests in flight if that is more.
    pub connections: Option<f64>,
    /// Custom measures, in the order of the configuration.
    pub custom: Vec<Option<f64>>,
}

/// What people ask for, which always ends by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steering {
    /// A number of servers.
    pub hand: Option<Hand>,
    /// Until when nothing may change.
    pub frozen: Option<UnixTime>,
}

/// A number of servers that a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hand {
    /// How many.
    pub wants: HandWants,
    /// Until when.
    pub until: UnixTime,
    /// Who asked, for people.
    pub by: String,
}

/// How many servers a person asks for, listed ones and instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandWants {
    /// So many.
    Exactly(u32),
    /// So many or more.
    AtLeast(u32),
}
