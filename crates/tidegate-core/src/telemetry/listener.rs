//! What one writer counts of a listener.

use super::cell::{Counter, Gauge};
use super::family::{Cells, Totals};

/// The cells of a listener.
#[derive(Debug, Default)]
pub struct ListenerCells {
    /// Connections taken in.
    pub accepted: Counter,
    /// Connections open now.
    pub active: Gauge,
    /// Requests whose head was read whole.
    pub requests: Counter,
}

/// The cells of a listener, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenerTotals {
    /// Connections taken in.
    pub accepted: u64,
    /// Connections open now.
    pub active: u64,
    /// Requests whose head was read whole.
    pub requests: u64,
}

impl Cells for ListenerCells {
    type Totals = ListenerTotals;

    fn totals(&self) -> ListenerTotals {
        ListenerTotals {
            accepted: self.accepted.value(),
            active: self.active.value(),
            requests: self.requests.value(),
        }
    }
}

impl Totals for ListenerTotals {
    fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.active += other.active;
        self.requests += other.requests;
    }
}
