//! Counts the sessions on each server, once a second, for people and for whoever decides who
//! leaves.

use tidegate_core::snapshot::{PoolEntry, Snapshot};
use tidegate_core::time::{Duration, Instant};

/// Counts sessions in time.
#[derive(Debug, Default)]
pub(crate) struct Census {
    due: Instant,
}

impl Census {
    const EVERY: Duration = Duration::from_secs(1);

    /// When to call [`Census::handle_timeout`]; never where no pool has sessions.
    pub(crate) fn poll_timeout(&self, snapshot: &Snapshot) -> Option<Instant> {
        pools(snapshot).next().map(|_| self.due)
    }

    /// Counts, if it is time to.
    pub(crate) fn handle_timeout(&mut self, snapshot: &Snapshot, now: Instant) {
        if now >= self.due {
            self.due = now + Self::EVERY;
            pools(snapshot).for_each(|entry| entry.count_sessions(now));
        }
    }
}

fn pools(snapshot: &Snapshot) -> impl Iterator<Item = &PoolEntry> {
    let pools = snapshot.pools.iter().map(AsRef::as_ref);
    pools.filter(|entry: &&PoolEntry| entry.sessions.is_some())
}
