//! What a fleet has done by its shell.

use std::net::SocketAddr;

use super::event::FleetEvent;
use super::id::InstanceId;
use super::record::FleetRecord;
use crate::time::Duration;

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bring the record to the disk before anything behind this is done.
    Record(FleetRecord),
    /// Ask the provider what runs.
    List {
        /// How long it may take.
        within: Duration,
    },
    /// Have the provider start an instance under this name, or say that it did already.
    Start {
        /// The name.
        id: InstanceId,
        /// How long it may take.
        within: Duration,
    },
    /// Have the provider stop an instance.
    Stop {
        /// The instance.
        id: InstanceId,
        /// How long it may take.
        within: Duration,
    },
    /// Make the instance a member of the pool, out of rotation; its checks begin.
    Join {
        /// The instance.
        id: InstanceId,
        /// Where it listens.
        address: SocketAddr,
    },
    /// Send the requests that warm the instance up.
    Warm {
        /// The instance.
        id: InstanceId,
    },
    /// Put the instance into rotation.
    Enter {
        /// The instance.
        id: InstanceId,
        /// How.
        entry: Entry,
    },
    /// Take the instance out of rotation; what it works on goes on.
    Drain {
        /// The instance.
        id: InstanceId,
    },
    /// The instance is no member any more.
    Leave {
        /// The instance.
        id: InstanceId,
    },
    /// Tell people.
    Told(FleetEvent),
}

/// How an instance comes into rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It grows to its full weight.
    Slow,
    /// It was in rotation before and has its full weight at once.
    Full,
}
