//! One instance: where it is in its life, since when, and why.

use std::fmt;
use std::net::SocketAddr;

use super::id::InstanceId;
use super::provider::ProviderFailure;
use crate::model::server::Availability;
use crate::time::{Duration, Instant};

/// Where an instance is in its life; what is behind the last one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It is wanted, and the provider is or will be asked for it.
    Requested,
    /// The provider has started it; its checks have not passed yet.
    Starting,
    /// Its checks have passed; it is sent requests that warm it up.
    Checked,
    /// It is ready, out of rotation.
    Warm,
    /// It is in rotation and grows to its full weight.
    Warming,
    /// It is in rotation.
    Serving,
    /// It finishes its work and gets no more.
    Draining,
    /// The provider is or will be asked to stop it.
    Stopping,
}

impl Stage {
    /// Every stage, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Requested,
        Self::Starting,
        Self::Checked,
        Self::Warm,
        Self::Warming,
        Self::Serving,
        Self::Draining,
        Self::Stopping,
    ];

    /// The word for it in the API, the metrics and the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Starting => "starting",
            Self::Checked => "checked",
            Self::Warm => "warm",
            Self::Warming => "warming",
            Self::Serving => "serving",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
        }
    }

    /// Whether it is given requests.
    #[must_use]
    pub const fn is_in_rotation(self) -> bool {
        matches!(self, Self::Warming | Self::Serving)
    }

    /// Whether it is not ready yet.
    #[must_use]
    pub const fn is_coming(self) -> bool {
        matches!(self, Self::Requested | Self::Starting | Self::Checked)
    }
}

/// Why an instance is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The pool is to have more.
    Wanted,
    /// The provider did not start it; it is asked again under the same name.
    Failed(ProviderFailure),
    /// The provider did what it was asked for.
    Done,
    /// It was found running.
    Found,
    /// It was in the record of the time before.
    Recorded,
    /// Its checks pass.
    Healthy,
    /// The pool has fewer than it should.
    Needed,
    /// It has grown to its full weight.
    Grown,
    /// The pool is to have fewer.
    Surplus,
    /// Another one has taken its place.
    Replaced,
    /// It has no more work.
    Idle,
    /// Its time for that was over.
    Overdue(Duration),
    /// Its process ended.
    Exited,
    /// It is not in the inventory and its checks fail.
    Missing,
    /// Its provider takes it away.
    Departed,
    /// It was stopped and runs again, or still.
    Undead,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(failure) => return write!(f, "the provider failed: {failure}"),
            Self::Overdue(time) => return write!(f, "not done within {time:?}"),
            Self::Wanted => "more are wanted",
            Self::Done => "the provider has done its part",
            Self::Found => "found running",
            Self::Recorded => "as recorded",
            Self::Healthy => "its checks pass",
            Self::Needed => "too few are in rotation",
            Self::Grown => "grown to its full weight",
            Self::Surplus => "fewer are wanted",
            Self::Replaced => "replaced",
            Self::Idle => "its work is done",
            Self::Exited => "it ended by itself",
            Self::Missing => "its checks fail and the provider does not list it",
            Self::Departed => "its provider takes it away",
            Self::Undead => "still there after its stop",
        })
    }
}

/// How an instance stands with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It counts.
    Sound,
    /// It has been unhealthy for too long: it goes as soon as another takes its place, or stays if
    /// it gets well before.
    Condemned,
    /// Its provider stops it, whatever we want.
    Departing,
}

/// What people are shown of an instance.
#[derive(Clone, Copy, Debug)]
pub struct InstanceView<'a> {
    /// Its name.
    pub id: &'a InstanceId,
    /// Where it is in its life,
    pub stage: Stage,
    /// since when,
    pub since: Instant,
    /// and why.
    pub reason: &'a Reason,
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// The digest of what it was launched from.
    pub template: Option<u64>,
    /// Whether instances are launched from something else by now.
    pub outdated: bool,
    /// The sessions that live on it.
    pub sessions: u32,
    /// When its stage ends at the latest, or its call may be made.
    pub due: Option<Instant>,
    /// How it stands with us.
    pub standing: Standing,
}

/// Whether a call to the provider is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// None is.
    Idle,
    /// One is, since this time.
    Out(Instant),
}

/// How much an instance has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Work {
    pub(super) sessions: u32,
    pub(super) in_flight: u32,
}

/// One instance. What it is called is the key it is kept under.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) stage: Stage,
    pub(super) since: Instant,
    pub(super) reason: Reason,
    /// When the stage ends or its call may be made; [`Instant::NEVER`]: time does not end it.
    pub(super) due: Instant,
    /// Its place in the order in which instances came to be known.
    pub(super) number: u64,
    pub(super) template: Option<u64>,
    pub(super) address: Option<SocketAddr>,
    pub(super) standing: Standing,
    pub(super) availability: Availability,
    pub(super) unwell_since: Option<Instant>,
    pub(super) healthy_since: Option<Instant>,
    pub(super) work: Work,
    pub(super) call: Call,
    /// Calls of the present stage that failed.
    pub(super) failures: u32,
    /// Whether the provider may have started it.
    pub(super) uncertain: bool,
    /// When its launch began; `None`: unknown, or measured already.
    pub(super) asked: Option<Instant>,
    /// When we asked for it last.
    pub(super) launched: Option<Instant>,
    /// Whether it lived long enough to count as a launch that went well.
    pub(super) proven: bool,
    /// Whether it may have answered before we began to look.
    pub(super) was_ready: bool,
    /// Whether it was in rotation before.
    pub(super) has_served: bool,
    /// Inventories without it in a row.
    pub(super) missing: u32,
    pub(super) missing_since: Instant,
    /// Whether the inventory is known to be wrong about it.
    pub(super) doubted: bool,
}

impl Instance {
    pub(super) fn new(number: u64, reason: Reason, now: Instant) -> Self {
        Self {
            stage: Stage::Requested,
            since: now,
            reason,
            due: now,
            number,
            template: None,
            address: None,
            standing: Standing::Sound,
            availability: Availability::Starting,
            unwell_since: None,
            healthy_since: None,
            work: Work::default(),
            call: Call::Idle,
            failures: 0,
            uncertain: false,
            asked: None,
            launched: None,
            proven: false,
            was_ready: false,
            has_served: false,
            missing: 0,
            missing_since: now,
            doubted: false,
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.standing == Standing::Sound
    }

    /// Whether its health is that of the pool. That of a launch under way is not: it has its own
    /// time to answer.
    pub(super) fn is_member(&self) -> bool {
        let was_ready = self.stage == Stage::Starting && self.was_ready;
        self.stage.is_in_rotation() || self.stage == Stage::Warm || was_ready
    }

    /// Whether it was kept out of rotation, as far as is known.
    pub(super) fn was_kept_warm(&self) -> bool {
        self.was_ready && !self.has_served
    }

    /// Whether it could come into rotation later.
    pub(super) fn is_reserve(&self) -> bool {
        self.is_sound() && (self.stage.is_coming() || self.stage == Stage::Warm)
    }

    /// Whether it is still to be seen if its launch went well.
    pub(super) fn is_on_trial(&self) -> bool {
        let asked = self.stage != Stage::Requested || self.call != Call::Idle;
        asked && self.stage < Stage::Draining && !self.proven
    }

    pub(super) fn serves(&self) -> bool {
        self.stage.is_in_rotation() && self.is_sound()
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.availability == Availability::Healthy
    }

    /// Whether its own checks speak against it. One that was not checked yet speaks for nothing.
    pub(super) fn is_unwell(&self) -> bool {
        matches!(self.availability, Availability::Unhealthy | Availability::Ejected)
    }
}
