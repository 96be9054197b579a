//! What a fleet hears.

use super::id::InstanceId;
use super::provider::{Launched, Listed, ProviderFailure};
use crate::model::server::Availability;

/// What a fleet hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// How many there should be.
    Aim(Aim),
    /// What came of a List.
    Inventory(Result<Vec<Listed>, ProviderFailure>),
    /// What came of a Start.
    Started(InstanceId, Result<Launched, ProviderFailure>),
    /// What came of a Stop; an instance that is unknown to the provider is stopped.
    Stopped(InstanceId, Result<(), ProviderFailure>),
    /// The requests of a Warm have been answered, well or not.
    Warmed(InstanceId),
    /// What checks and traffic say of an instance that has joined.
    Health(InstanceId, Availability),
    /// What an instance has to do.
    Load {
        /// The instance.
        id: InstanceId,
        /// Requests it works on.
        in_flight: u32,
        /// Sessions that live on it.
        sessions: u32,
    },
    /// The process of an instance has ended.
    Exited(InstanceId),
    /// How the listed servers of the pool are.
    ListedServers {
        /// All of them that are primaries.
        members: u32,
        /// Those that are not healthy.
        unhealthy: u32,
    },
    /// The last record could not be written. No Start behind it was performed, each is reported as
    /// refused; the rest was.
    Unrecorded,
}

/// How many instances there should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aim {
    /// In rotation.
    pub instances: u32,
    /// Ready, out of rotation.
    pub warm: u32,
}
