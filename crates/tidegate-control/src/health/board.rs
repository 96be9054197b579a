//! What is known of each server's health, for people to read while the loop goes on.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tidegate_core::health::probe::ProbeRecord;
use tidegate_core::health::verdict::Verdict;
use tidegate_core::model::server::ServerId;
use tidegate_core::time::UnixTime;

use crate::shared::lock;

/// The latest of every server.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<BTreeMap<ServerId, Standing>>);

/// How a server stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// What it counts as, and why.
    pub(crate) verdict: Verdict,
    /// Since when it counts as that.
    pub(crate) since: UnixTime,
    /// Whether it passes its checks, but slowly.
    pub(crate) degraded: bool,
    /// Its last probes, newest first.
    pub(crate) probes: Vec<ProbeRecord>,
}

impl Board {
    /// Replaces what is known of a server.
    pub(crate) fn put(&self, server: ServerId, standing: Standing) {
        lock(&self.0).insert(server, standing);
    }

    /// Forgets a server.
    pub(crate) fn remove(&self, server: ServerId) {
        lock(&self.0).remove(&server);
    }

    /// What is known of a server.
    pub(crate) fn find(&self, server: ServerId) -> Option<Standing> {
        lock(&self.0).get(&server).cloned()
    }
}
