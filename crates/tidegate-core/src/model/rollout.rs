//! A rollout: how the servers of one pool take over from those of another, and what stops them.
//!
//! What a configuration holds is a definition. It runs when it is started, once for each candidate.

use std::num::NonZeroU32;

use super::ids::{AudienceName, PoolName, RolloutName, RouteName};
use super::ratio::{Limit, Ratio};
use crate::time::Duration;

/// A rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// Its name.
    pub name: RolloutName,
    /// The pool that serves now: stable.
    pub pool: PoolName,
    /// The pool that is to take over.
    pub candidate: PoolName,
    /// Routes to `pool` that take part; empty: all of them.
    pub routes: Vec<RouteName>,
    /// How traffic goes over.
    pub strategy: Strategy,
    /// By what users are told apart, the first that a request carries. Never empty.
    pub user: Vec<UserKey>,
    /// Whoever is in one of these meets the candidate while there is traffic on it at all.
    pub always: Vec<AudienceName>,
    /// Only who is in one of these takes part; empty: everybody.
    pub only: Vec<AudienceName>,
    /// Who is in one of these never meets the candidate before all traffic does.
    pub never: Vec<AudienceName>,
    /// What every server of the candidate has to answer first.
    pub smoke: Option<Smoke>,
    /// How long stable keeps capacity for all traffic after the candidate has it.
    pub bake: Duration,
    /// How long `keep_size` servers of stable stay after that.
    pub keep_old: Duration,
    /// How many those are.
    pub keep_size: u32,
    /// Instances of both pools together.
    pub max_total: Limit<u32>,
    /// Sales of either pool's schedule during which no step is taken.
    pub freeze_during: Vec<String>,
    /// Copies that the candidate gets of requests to stable.
    pub mirror: Option<Mirror>,
    /// What is watched; `None`: nothing, and time alone takes the steps.
    pub analysis: Option<Analysis>,
}

impl Rollout {
    /// Whether a route to its pool takes part: all do where none is named.
    #[must_use]
    pub fn takes_in(&self, route: &RouteName) -> bool {
        self.routes.is_empty() || self.routes.contains(route)
    }
}

/// How traffic goes over.
#[derive(Clone, Debug, PartialEq)]
pub enum Strategy {
    /// A growing share of users.
    Canary {
        /// The shares, growing, the last of them all. Never empty.
        steps: Vec<Share>,
        /// How long each but the last is held at least.
        hold: Duration,
    },
    /// All at once.
    BlueGreen,
}

impl Strategy {
    /// The shares that the candidate passes through, the last of them all.
    #[must_use]
    pub fn steps(&self) -> &[Share] {
        match self {
            Self::Canary { steps, .. } => steps,
            Self::BlueGreen => &[Share::ALL],
        }
    }

    /// The word of the configuration for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Canary { .. } => "canary",
            Self::BlueGreen => "blue-green",
        }
    }
}

/// A share of users, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// Everybody.
    pub const ALL: Self = Self(1_000_000);

    /// So many percent; `None` outside 0 to 100.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    pub fn percent(percent: f64) -> Option<Self> {
        (0.0..=100.0).contains(&percent).then(|| Self((percent * 10_000.0).round() as u32))
    }

    /// So many millionths, at most all.
    #[must_use]
    pub fn millionths(count: u32) -> Self {
        Self(count.min(Self::ALL.0))
    }

    /// In millionths.
    #[must_use]
    pub const fn as_millionths(self) -> u32 {
        self.0
    }

    /// In percent.
    #[must_use]
    pub fn as_percent(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// As a fraction of one.
    #[must_use]
    pub fn as_fraction(self) -> f64 {
        f64::from(self.0) / 1_000_000.0
    }
}

/// What tells one user from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserKey {
    /// A cookie of the application.
    Cookie(String),
    /// A header, by lower-case name.
    Header(String),
    /// The network of the trusted client address.
    Client,
    /// A signed cookie of the balancer's own, set at first sight. It goes before all others once it
    /// is there, so that nobody changes sides by logging in or out.
    Assign,
}

/// What every server of a candidate has to answer before users meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smoke {
    /// The request target of a GET.
    pub path: String,
    /// Status codes that count as success, both ends included.
    pub status: Vec<(u16, u16)>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How many times in a row each server must succeed.
    pub times: NonZeroU32,
}

/// Copies of requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    /// The share of users whose requests are copied.
    pub share: Share,
    /// Methods that are copied, in upper case.
    pub methods: Vec<String>,
    /// Copies under way on one core; what comes beyond is not copied.
    pub at_once: u32,
    /// How long a copy may take.
    pub timeout: Duration,
    /// Bytes of a request body that are kept for its copy; larger requests are not copied.
    pub body_bytes: u64,
}

/// What is watched while a rollout runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// What counts as an error.
    pub errors: Errors,
    /// The share of errors that the candidate may not exceed.
    pub max_error_rate: Option<Ratio>,
    /// The 99th percentile of latency that it may not exceed.
    pub max_p99: Option<Duration>,
    /// Whether the two versions are held against each other.
    pub compare: bool,
    /// How likely a candidate that is no worse may be found worse, over the whole rollout.
    pub false_alarm: Ratio,
    /// Requests that each version has answered in a step before the step may end.
    pub min_requests: u64,
    /// What a breach does.
    pub on_breach: OnBreach,
    /// Measures of the user's own.
    pub custom: Vec<CustomMeasure>,
}

/// What counts as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errors {
    /// A response with a status of 500 and above.
    pub status: bool,
    /// A response that was cut short, or never began.
    pub reset: bool,
    /// A response that did not come in time.
    pub timeout: bool,
    /// A gRPC status that says that the server failed.
    pub grpc: bool,
}

impl Errors {
    /// All of them.
    pub const ALL: Self = Self { status: true, reset: true, timeout: true, grpc: true };
}

/// What a breach does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBreach {
    /// The candidate gets no more users, and the rollout is over.
    #[default]
    Rollback,
    /// The share stays as it is until somebody decides.
    Freeze,
    /// People are told, and the share stays as it is while the breach lasts.
    Alert,
}

impl OnBreach {
    /// The word of the configuration for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Freeze => "freeze",
            Self::Alert => "alert",
        }
    }
}

/// A measure that a Prometheus server is asked for. `{version}` in the query is the name of the
/// pool that is asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomMeasure {
    /// Its name.
    pub name: String,
    /// The Prometheus server, `http://HOST:PORT[/PATH]`.
    pub prometheus: String,
    /// The query; its answer is one number.
    pub query: String,
    /// How often it is asked for.
    pub every: Duration,
    /// What the candidate's number may not exceed.
    pub max: Option<f64>,
    /// By how large a part of stable's the candidate's number may be worse, that is higher or
    /// lower as `direction` says; `None`: they are not compared.
    pub worse_by: Option<Ratio>,
    /// Which way is worse.
    pub worse: Worse,
    /// What a number that cannot be had means.
    pub on_missing: OnMissing,
}

/// Which way a measure gets worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Worse {
    /// Up, as errors do.
    #[default]
    Higher,
    /// Down, as orders do.
    Lower,
}

/// What a number that cannot be had means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMissing {
    /// No step is taken until it can.
    #[default]
    Hold,
    /// Nothing.
    Ignore,
    /// A breach.
    Breach,
}

/// One of the two versions that a rollout is between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The one that serves.
    Stable,
    /// The one that is to take over.
    Candidate,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stable, Self::Candidate];

    /// The word for it in metrics and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Candidate => "candidate",
        }
    }
}
