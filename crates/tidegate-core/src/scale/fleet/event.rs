//! What people are told of a fleet.

use std::fmt;
use std::num::NonZeroU32;

use super::id::InstanceId;
use super::instance::{Reason, Stage};
use super::provider::ProviderFailure;
use crate::time::Duration;

/// What people are told of a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetEvent {
    /// An instance went on in its life.
    Became {
        /// The instance.
        id: InstanceId,
        /// To this,
        stage: Stage,
        /// for this reason.
        reason: Reason,
    },
    /// An instance that drains has sessions, which move with their next requests.
    SessionsMove {
        /// The instance.
        id: InstanceId,
        /// How many.
        sessions: NonZeroU32,
    },
    /// An instance that drains has sessions, which it waits for.
    SessionsLeft {
        /// The instance.
        id: InstanceId,
        /// How many.
        sessions: NonZeroU32,
        /// How long it waits.
        lasts: Duration,
    },
    /// The time of a drain is over, and sessions that were waited for have to move.
    SessionsCut {
        /// The instance.
        id: InstanceId,
        /// How many.
        sessions: NonZeroU32,
    },
    /// An instance that no record knew of was found and is counted from now on.
    Adopted(InstanceId),
    /// An instance is no more.
    Gone {
        /// The instance.
        id: InstanceId,
        /// Why.
        reason: Reason,
    },
    /// A launch failed for the first time, or for another reason than before.
    LaunchFailed {
        /// The instance.
        id: InstanceId,
        /// Why.
        failure: ProviderFailure,
    },
    /// An instance could not be stopped and will be tried again.
    StopFailed {
        /// The instance.
        id: InstanceId,
        /// Why.
        failure: ProviderFailure,
    },
    /// An instance is unhealthy for so long that another one is to take its place.
    Replacing(InstanceId),
    /// The provider takes an instance away; another one is to take its place.
    Departing(InstanceId),
    /// Instances that deserve it are not replaced: too many of the pool are unhealthy, so that the
    /// fault is likely elsewhere.
    LeftAlone {
        /// Unhealthy servers,
        unhealthy: u32,
        /// of so many.
        members: u32,
    },
    /// The provider did not say what runs; nothing is changed on that account.
    InventoryFailed(ProviderFailure),
    /// The provider says again what runs.
    InventoryBack,
    /// The inventory contradicts what the checks of an instance say, and is not believed.
    Doubted(InstanceId),
    /// So many instances run that another one cannot be taken in.
    Overflow(InstanceId),
}

impl fmt::Display for FleetEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Became { id, stage, reason } => write!(f, "{id} {}: {reason}", stage.as_str()),
            Self::SessionsMove { id, sessions } => {
                write!(f, "{id} has {sessions} sessions, which move with their next requests")
            }
            Self::SessionsLeft { id, sessions, lasts } => {
                write!(f, "{id} has {sessions} sessions left, and {lasts:?} for them to end")
            }
            Self::SessionsCut { id, sessions } => {
                write!(f, "{id} stops with {sessions} sessions left, which have to move")
            }
            Self::Adopted(id) => write!(f, "{id} was found running and is adopted"),
            Self::Gone { id, reason } => write!(f, "{id} gone: {reason}"),
            Self::LaunchFailed { id, failure } => write!(f, "{id} was not started: {failure}"),
            Self::StopFailed { id, failure } => write!(f, "{id} was not stopped: {failure}"),
            Self::Replacing(id) => write!(f, "{id} is unhealthy and will be replaced"),
            Self::Departing(id) => write!(f, "{id} is taken away by its provider"),
            Self::LeftAlone { unhealthy, members } => {
                write!(f, "nothing is replaced while {unhealthy} of {members} are unhealthy")
            }
            Self::InventoryFailed(failure) => write!(f, "the inventory failed: {failure}"),
            Self::InventoryBack => f.write_str("the inventory is back"),
            Self::Doubted(id) => write!(f, "the inventory is wrong about {id}, whose checks pass"),
            Self::Overflow(id) => write!(f, "{id} runs beyond what can be counted"),
        }
    }
}
