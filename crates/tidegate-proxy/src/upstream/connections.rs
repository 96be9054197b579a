//! Step 6 of 8: connections at rest, kept for the next exchange. From `pick`, to `connection`.
//!
//! Each core keeps its own, by server, and hands out the one that rested last: it is the least
//! likely to have been closed meanwhile. A server that closes idle connections sooner than we would
//! teaches us its patience.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tidegate_core::model::server::ServerId;
use tidegate_core::time::{Duration, Instant};

use super::connection::{Connection, Resting};

/// The most connections at rest for one server on one core.
const RESTING_MAX: usize = 1024;
/// Sweeping looks at every connection, so it happens once in a while only.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Patience is never learned to be less than this: below, the request race is the better
/// explanation.
const PATIENCE_MIN: Duration = Duration::from_secs(1);

/// The connections of one core that wait for an exchange.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    servers: HashMap<ServerId, Shelf, RandomState>,
    swept: Instant,
}

/// The connections to one server.
#[derive(Debug)]
struct Shelf {
    resting: Vec<Resting>,
    /// How long one may rest: as configured, or less when the server closes sooner.
    patience: Duration,
}

impl Connections {
    /// The connection to `server` that rested last and is still good.
    pub(crate) fn take(&mut self, server: ServerId, now: Instant) -> Option<Connection> {
        let shelf = self.servers.get_mut(&server)?;
        while let Some(mut resting) = shelf.resting.pop() {
            let rested = now.since(resting.since);
            if !resting.is_quiet() {
                shelf.learn(rested);
            } else if rested < shelf.patience {
                return Some(resting.wake());
            }
        }
        None
    }

    /// Keeps a connection, for `patience` at most.
    pub(crate) fn give(&mut self, resting: Resting, patience: Duration) {
        let new = || Shelf { resting: Vec::new(), patience };
        let shelf = self.servers.entry(resting.server()).or_insert_with(new);
        shelf.patience = shelf.patience.min(patience);
        if shelf.resting.len() < RESTING_MAX {
            shelf.resting.push(resting);
        }
    }

    /// Lets go of connections that rested too long or were closed; does nothing when called again
    /// too soon.
    pub(crate) fn sweep(&mut self, now: Instant) {
        if now.since(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = now;
        self.servers.retain(|_, shelf| {
            shelf.sweep(now);
            !shelf.resting.is_empty()
        });
    }
}

impl Shelf {
    fn sweep(&mut self, now: Instant) {
        let mut closed_after = None;
        self.resting.retain_mut(|resting| {
            let rested = now.since(resting.since);
            let quiet = resting.is_quiet();
            if !quiet {
                closed_after = Some(rested.min(closed_after.unwrap_or(rested)));
            }
            quiet && rested < self.patience
        });
        if let Some(rested) = closed_after {
            self.learn(rested);
        }
    }

    /// The server closed a connection that had rested so long: rest a fifth less from now on.
    fn learn(&mut self, rested: Duration) {
        if rested >= PATIENCE_MIN {
            self.patience = self.patience.min(rested.mul_f64(0.8)).max(PATIENCE_MIN);
        }
    }
}
