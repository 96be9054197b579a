//! A server: what the configuration says of it, and the live state that both planes share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU8, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use super::ids::ServerName;
use super::ratio::Weight;
use crate::time::{Duration, Instant};

/// A member of a pool, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, unique in the pool.
    pub name: ServerName,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its share of the traffic.
    pub weight: Weight,
    /// Takes traffic only when primaries are missing.
    pub backup: bool,
    /// A label for its failure domain.
    pub zone: Option<String>,
}

/// Identifies a [`ServerState`] for the life of the process; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u64);

/// Whether a server may be given requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Availability {
    /// Not yet known: its first check is under way.
    Starting = 0,
    /// Well.
    Healthy = 1,
    /// Its checks fail.
    Unhealthy = 2,
    /// Real traffic failed on it; out for a while.
    Ejected = 3,
}

impl Availability {
    /// Whether requests may go there.
    #[must_use]
    pub const fn is_available(self) -> bool {
        matches!(self, Self::Healthy)
    }

    /// The word for it in the API and the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Ejected => "ejected",
        }
    }

    const fn from_bits(bits: u8) -> Self {
        match bits {
            1 => Self::Healthy,
            2 => Self::Unhealthy,
            3 => Self::Ejected,
            _ => Self::Starting,
        }
    }
}

/// Whether a server is meant to be given requests, whatever its health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Rotation {
    /// It is.
    #[default]
    In = 0,
    /// Not yet: it is made ready, or kept ready.
    Warm = 1,
    /// No more: it finishes what it has, its sessions too.
    Draining = 2,
    /// No more: it finishes the requests that it has, and its sessions move.
    Leaving = 3,
}

impl Rotation {
    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Warm => "warm",
            Self::Draining => "draining",
            Self::Leaving => "leaving",
        }
    }

    /// Whether it was in rotation and gets no more new work.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Draining | Self::Leaving)
    }

    const fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::In,
            1 => Self::Warm,
            2 => Self::Draining,
            _ => Self::Leaving,
        }
    }
}

/// The live state of one server, held by every snapshot that knows it.
///
/// Each field is one relaxed atomic and no invariant spans two of them. Control writes the first
/// group, the data plane the second; the alignment keeps the groups, and neighbouring servers, off
/// each other's cache lines.
#[derive(Debug)]
#[repr(align(128))]
pub struct ServerState {
    id: ServerId,
    availability: AtomicU8,
    rotation: AtomicU8,
    weight: AtomicU32,
    /// The weight that people asked for instead, or [`UNSET`].
    weight_asked: AtomicU32,
    /// Nanoseconds of the [`Instant`] at which slow start began; 0: it is over or never was.
    joined: AtomicU64,
    /// [`UNSET`]: nobody counts them.
    sessions: AtomicU32,
    load: Load,
}

/// In place of a number that there is not.
const UNSET: u32 = u32::MAX;
/// A request that was begun, as [`Load::requests`] counts it above those in flight.
const BEGUN: u64 = 1 << 32;

/// What the data plane writes.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Load {
    /// Requests in flight, and above them requests begun, so that one addition counts both.
    requests: AtomicU64,
    consecutive_failures: AtomicU32,
    /// The moving average of latency, in nanoseconds; 0: unmeasured.
    latency: AtomicU64,
    /// Nanoseconds of the [`Instant`] of the last measurement.
    measured: AtomicU64,
    /// Nanoseconds of the [`Instant`] at which it was first offered; 0: it never was.
    entered: AtomicU64,
}

impl ServerState {
    /// A server that nobody has used yet.
    #[must_use]
    pub fn new(id: ServerId, availability: Availability, weight: Weight) -> Self {
        Self {
            id,
            availability: AtomicU8::new(availability as u8),
            rotation: AtomicU8::new(Rotation::In as u8),
            weight: AtomicU32::new(u32::from(weight.value())),
            weight_asked: AtomicU32::new(UNSET),
            joined: AtomicU64::new(0),
            sessions: AtomicU32::new(UNSET),
            load: Load::default(),
        }
    }

    /// Its identity.
    #[must_use]
    pub const fn id(&self) -> ServerId {
        self.id
    }

    /// Whether it may be given requests.
    #[must_use]
    pub fn availability(&self) -> Availability {
        Availability::from_bits(self.availability.load(Relaxed))
    }

    /// Control only: says whether it may be given requests.
    pub fn set_availability(&self, availability: Availability) {
        self.availability.store(availability as u8, Relaxed);
    }

    /// Whether it is meant to be given requests.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        Rotation::from_bits(self.rotation.load(Relaxed))
    }

    /// Control only: says whether it is meant to be given requests.
    pub fn set_rotation(&self, rotation: Rotation) {
        self.rotation.store(rotation as u8, Relaxed);
    }

    /// Its weight, before slow start: what people asked for, or else what is configured.
    #[must_use]
    pub fn weight(&self) -> u32 {
        match self.weight_asked.load(Relaxed) {
            UNSET => self.weight.load(Relaxed),
            asked => asked,
        }
    }

    /// Control only: people ask for a weight, whatever is configured, or for that again.
    pub fn ask_weight(&self, weight: Option<Weight>) {
        let weight = weight.map_or(UNSET, |weight| u32::from(weight.value()));
        self.weight_asked.store(weight, Relaxed);
    }

    /// Control only: changes the weight that is configured.
    pub fn set_weight(&self, weight: Weight) {
        self.weight.store(u32::from(weight.value()), Relaxed);
    }

    /// When slow start began, if it did.
    #[must_use]
    pub fn joined(&self) -> Option<Instant> {
        match self.joined.load(Relaxed) {
            0 => None,
            nanos => Some(Instant::from_nanos(nanos)),
        }
    }

    /// Control only: begins slow start at `now`.
    pub fn set_joined(&self, now: Instant) {
        self.joined.store(now.as_nanos().max(1), Relaxed);
    }

    /// Control only: slow start is over, or is not wanted.
    pub fn end_slow_start(&self) {
        self.joined.store(0, Relaxed);
    }

    /// The sessions that live on it, as last counted; `None`: its pool has none.
    #[must_use]
    pub fn sessions(&self) -> Option<u32> {
        Some(self.sessions.load(Relaxed)).filter(|sessions| *sessions != UNSET)
    }

    /// Control only: says how many sessions live on it.
    pub fn set_sessions(&self, sessions: Option<u32>) {
        let sessions = sessions.map_or(UNSET, |sessions| sessions.min(UNSET - 1));
        self.sessions.store(sessions, Relaxed);
    }

    /// Requests it is working on for us, over all cores.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.load.requests.load(Relaxed) as u32
    }

    /// Requests that it was ever given, over all cores; the count wraps around.
    #[must_use]
    pub fn begun(&self) -> u32 {
        (self.load.requests.load(Relaxed) >> BEGUN.ilog2()) as u32
    }

    /// Data plane only: a request begins. Pair it with [`ServerState::end`].
    pub fn begin(&self) {
        self.load.requests.fetch_add(BEGUN + 1, Relaxed);
    }

    /// Data plane only: a request is over.
    pub fn end(&self) {
        let before = self.load.requests.fetch_sub(1, Relaxed);
        debug_assert!(before as u32 > 0, "every end has its begin");
    }

    /// When it was first offered, however often it went and came back since.
    #[must_use]
    pub fn entered(&self) -> Option<Instant> {
        match self.load.entered.load(Relaxed) {
            0 => None,
            nanos => Some(Instant::from_nanos(nanos)),
        }
    }

    /// Data plane only: it is offered from `now` on, if it was not before.
    pub fn enter(&self, now: Instant) {
        if self.entered().is_none() {
            // Of two cores the first counts; they are no further apart than their requests.
            let nanos = now.as_nanos().max(1);
            let _ = self.load.entered.compare_exchange(0, nanos, Relaxed, Relaxed);
        }
    }

    /// Failures since the last success.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.load.consecutive_failures.load(Relaxed)
    }

    /// Data plane only: a request failed; returns the length of the run.
    pub fn fail(&self) -> u32 {
        self.load.consecutive_failures.fetch_add(1, Relaxed).saturating_add(1)
    }

    /// A request succeeded: the run of failures is over. Writes only when there was one.
    pub fn succeed(&self) {
        if self.consecutive_failures() != 0 {
            self.load.consecutive_failures.store(0, Relaxed);
        }
    }

    /// The moving average of its latency and when it was last measured.
    #[must_use]
    pub fn latency(&self) -> Option<(Duration, Instant)> {
        match self.load.latency.load(Relaxed) {
            0 => None,
            nanos => Some((
                Duration::from_nanos(nanos),
                Instant::from_nanos(self.load.measured.load(Relaxed)),
            )),
        }
    }

    /// Data plane only: stores a new average. Two cores may race; the later store wins, which an
    /// average bears.
    pub fn set_latency(&self, average: Duration, now: Instant) {
        let nanos = u64::try_from(average.as_nanos()).unwrap_or(u64::MAX);
        self.load.latency.store(nanos.max(1), Relaxed);
        self.load.measured.store(now.as_nanos(), Relaxed);
    }
}

/// A member of a pool as a snapshot holds it: what the configuration says, and the state it shares.
#[derive(Clone, Debug)]
pub struct Member {
    /// What the configuration says.
    pub server: Server,
    /// The live state.
    pub state: Arc<ServerState>,
}

impl Member {
    /// Whether it takes traffic now, as a primary: in rotation, with a weight, and well.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        let Self { server, state } = self;
        let takes = !server.backup && state.weight() > 0 && state.rotation() == Rotation::In;
        takes && state.availability().is_available()
    }
}

/// What a pool's holders watch to learn that the state of some member changed.
#[derive(Debug, Default)]
pub struct PoolState {
    epoch: AtomicU64,
}

impl PoolState {
    /// A number that changes whenever the availability or the weight of a member does. Whoever
    /// reads a member after this sees at least what was written before the advance.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Acquire)
    }

    /// Control only: a member changed, or began slow start. To be called after the change is
    /// written.
    pub fn advance(&self) {
        self.epoch.fetch_add(1, Release);
    }
}
