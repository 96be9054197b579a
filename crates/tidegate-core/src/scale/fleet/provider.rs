//! What a provider says: of a launch, of what runs, and of why it could not.

use std::fmt;
use std::net::SocketAddr;

use super::id::InstanceId;

/// Why a provider did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderFailure {
    /// It will not do this; nothing was started.
    Refused(String),
    /// There is no more to be had for now; nothing was started.
    Quota(String),
    /// It did not answer in time, and what came of it is unknown.
    Timeout,
    /// It failed, and what came of it is unknown.
    Broken(String),
}

impl ProviderFailure {
    /// Whether something may have been started all the same.
    #[must_use]
    pub const fn is_uncertain(&self) -> bool {
        matches!(self, Self::Timeout | Self::Broken(_))
    }
}

impl fmt::Display for ProviderFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Quota(why) => write!(f, "no more to be had: {why}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

/// An instance that a provider has started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Launched {
    /// Where it will listen; `None`: the inventory will tell.
    pub address: Option<SocketAddr>,
}

/// An instance of the pool that a provider knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name we gave it.
    pub id: InstanceId,
    /// Where it listens or will.
    pub address: Option<SocketAddr>,
    /// What it does.
    pub condition: Condition,
    /// What it was launched from; `None`: the provider cannot tell.
    pub template: Option<u64>,
}

/// What a provider says of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It comes up or runs.
    Running,
    /// It is on its way out.
    Stopping,
}
