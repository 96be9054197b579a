//! All processes of an instance: the one that was started, its group, and whatever carries the
//! mark.
//!
//! A server may fork, and a fork may leave the group; it may write over its environment, as those
//! do that show a title. So either is enough. Signals go through a descriptor of the process
//! (pidfd), taken first and compared with the start time then, so that no process that came to a
//! number later is ever hit.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tidegate_core::scale::fleet::id::InstanceId;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::mark::{Mark, Owner};
use super::table::{self, Process, ProcessId};

/// The processes of one instance.
#[derive(Clone, Debug)]
pub(super) struct Family {
    /// What it says of itself, if anybody of it does.
    pub(super) mark: Option<Mark>,
    pub(super) processes: Vec<Process>,
}

/// The families of an owner. `leaders` are those that are known already.
///
/// # Errors
/// When it cannot be told what runs.
pub(super) fn families(
    owner: &Owner,
    leaders: &BTreeMap<InstanceId, ProcessId>,
) -> io::Result<BTreeMap<InstanceId, Family>> {
    let processes = table::processes()?;
    let alive = |leader: &ProcessId| processes.iter().any(|one| one.id == *leader);
    let groups: BTreeMap<i32, &InstanceId> = leaders
        .iter()
        .filter(|(_, leader)| alive(leader))
        .map(|(id, leader)| (leader.number, id))
        .collect();
    let mut families: BTreeMap<InstanceId, Family> = BTreeMap::new();
    for process in processes {
        let mark = Mark::read(&table::environment(process.id.number)?, owner);
        let by_group = groups.get(&process.group).map(|id| (*id).clone());
        let Some(id) = mark.as_ref().map(|mark| mark.id.clone()).or(by_group) else { continue };
        let empty = || Family { mark: None, processes: Vec::new() };
        let family = families.entry(id).or_insert_with(empty);
        family.mark = family.mark.take().or(mark);
        family.processes.push(process);
    }
    Ok(families)
}

impl Family {
    /// The one that the others descend from: the oldest.
    pub(super) fn leader(&self) -> Option<ProcessId> {
        self.processes.iter().map(|process| process.id).min()
    }

    /// Descriptors of all that are still alive.
    pub(super) fn handles(&self) -> Vec<Handle> {
        self.processes.iter().filter_map(|process| Handle::open(process.id)).collect()
    }
}

/// A hold on one process that no other can slip under.
#[derive(Debug)]
pub(super) struct Handle(AsyncFd<OwnedFd>);

impl Handle {
    /// `None`: it is not there any more, or cannot be held.
    #[expect(
        deprecated,
        reason = "sound for an `OwnedFd`; its successor is for types that may lie"
    )]
    pub(super) fn open(id: ProcessId) -> Option<Self> {
        let pidfd = pidfd_open(Pid::from_raw(id.number)?, PidfdFlags::NONBLOCK).ok()?;
        // The descriptor is of whoever has the number now; nobody else can come to be that one.
        if table::process(id.number).ok()??.id != id {
            return None;
        }
        Some(Self(AsyncFd::with_interest(pidfd, Interest::READABLE).ok()?))
    }

    /// Sends a signal. One that has ended needs none.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(self.0.get_ref(), signal);
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When there is nothing to wait with any more: our own end.
    pub(super) async fn ended(&self) -> io::Result<()> {
        self.0.readable().await.map(|_| ())
    }
}

/// Waits until all have ended, at most so long.
pub(super) async fn ended(handles: &[Handle], within: Duration) {
    let all = async {
        for handle in handles {
            // Who has not is found by looking again.
            let _ = handle.ended().await;
        }
    };
    let _ = tokio::time::timeout(within, all).await;
}
