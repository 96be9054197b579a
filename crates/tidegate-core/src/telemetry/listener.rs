//! What one writer counts of a listener.

use super::cell::{Counter, Gauge};
use super::family::{Cells, Totals};
use super::handshake::Handshake;

/// The cells of a listener.
#[derive(Debug, Default)]
pub struct ListenerCells {
    /// Connections taken in.
    pub accepted: Counter,
    /// Connections open now.
    pub active: Gauge,
    /// Requests whose head was read whole.
    pub requests: Counter,
    handshakes: [Counter; Handshake::ALL.len()],
}

impl ListenerCells {
    /// The writer only: counts a handshake.
    pub fn handshake(&self, handshake: Handshake) {
        self.handshakes[handshake as usize].increment();
    }
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
    handshakes: [u64; Handshake::ALL.len()],
}

impl ListenerTotals {
    /// Handshakes by how they ended, in the order of [`Handshake::ALL`].
    pub fn handshakes(&self) -> impl Iterator<Item = (Handshake, u64)> + use<> {
        Handshake::ALL.into_iter().zip(self.handshakes)
    }
}

impl Cells for ListenerCells {
    type Totals = ListenerTotals;

    fn totals(&self) -> ListenerTotals {
        ListenerTotals {
            accepted: self.accepted.value(),
            active: self.active.value(),
            requests: self.requests.value(),
            handshakes: self.handshakes.each_ref().map(Counter::value),
        }
    }
}

impl Totals for ListenerTotals {
    fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.active += other.active;
        self.requests += other.requests;
        for (total, more) in self.handshakes.iter_mut().zip(other.handshakes) {
            *total += more;
        }
    }
}
