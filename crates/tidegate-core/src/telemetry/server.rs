//! What one writer counts of a server.

use super::cell::Counter;
use super::family::{Cells, Totals};
use super::histogram::{Histogram, HistogramTotals};

/// The cells of a server. The data plane writes all but the ejections, which the control plane
/// writes into cells of its own.
#[derive(Debug, Default)]
pub struct ServerCells {
    /// Tries that were sent to it.
    pub requests: Counter,
    /// Tries that failed on it, as the pool counts failures.
    pub failures: Counter,
    /// Times it was ejected.
    pub ejections: Counter,
    /// From the start of a try to the end of its response.
    pub duration: Histogram,
}

/// The cells of a server, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerTotals {
    /// Tries that were sent to it.
    pub requests: u64,
    /// Tries that failed on it.
    pub failures: u64,
    /// Times it was ejected.
    pub ejections: u64,
    /// From the start of a try to the end of its response.
    pub duration: HistogramTotals,
}

impl Cells for ServerCells {
    type Totals = ServerTotals;

    fn totals(&self) -> ServerTotals {
        ServerTotals {
            requests: self.requests.value(),
            failures: self.failures.value(),
            ejections: self.ejections.value(),
            duration: self.duration.totals(),
        }
    }
}

impl Totals for ServerTotals {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.ejections += other.ejections;
        self.duration.add(&other.duration);
    }
}
