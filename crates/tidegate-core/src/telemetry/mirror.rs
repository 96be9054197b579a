//! What one writer counts of a rollout's copies of requests.

use super::cell::Counter;
use super::family::{Cells, Totals};
use super::histogram::{Histogram, HistogramTotals};
use super::words::words;

words! {
    /// Why a request that was to be copied was not.
    pub enum Uncopied {
        /// As many copies are under way on its core as may be.
        Busy => "busy",
        /// Its body is longer than may be kept, or of a length that was not announced.
        Body => "body",
    }
}

/// The cells of a rollout's copies.
#[derive(Debug, Default)]
pub struct MirrorCells {
    uncopied: [Counter; Uncopied::ALL.len()],
    /// Copies that were sent, or tried to.
    pub copies: Counter,
    /// Copies that got no whole response.
    pub failed: Counter,
    /// Copies whose response has another status than the original.
    pub differing: Counter,
    /// How long the originals of answered copies took to the first byte of the response.
    pub original: Histogram,
    /// How long answered copies took to the same point.
    pub copy: Histogram,
}

impl MirrorCells {
    /// The writer only: counts a request that was not copied.
    pub fn leave_out(&self, reason: Uncopied) {
        self.uncopied[reason as usize].increment();
    }
}

/// The cells of a rollout's copies, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MirrorTotals {
    uncopied: [u64; Uncopied::ALL.len()],
    /// Copies that were sent, or tried to.
    pub copies: u64,
    /// Copies that got no whole response.
    pub failed: u64,
    /// Copies whose response has another status than the original.
    pub differing: u64,
    /// How long the originals of answered copies took to the first byte of the response.
    pub original: HistogramTotals,
    /// How long answered copies took to the same point.
    pub copy: HistogramTotals,
}

impl MirrorTotals {
    /// Requests that were not copied by reason, in the order of [`Uncopied::ALL`].
    pub fn uncopied(&self) -> impl Iterator<Item = (Uncopied, u64)> {
        Uncopied::ALL.into_iter().zip(self.uncopied)
    }

    /// What was counted since `earlier`, which these grew from.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut uncopied = self.uncopied;
        for (count, before) in uncopied.iter_mut().zip(earlier.uncopied) {
            *count = count.saturating_sub(before);
        }
        Self {
            uncopied,
            copies: self.copies.saturating_sub(earlier.copies),
            failed: self.failed.saturating_sub(earlier.failed),
            differing: self.differing.saturating_sub(earlier.differing),
            original: self.original.since(&earlier.original),
            copy: self.copy.since(&earlier.copy),
        }
    }
}

impl Cells for MirrorCells {
    type Totals = MirrorTotals;

    fn totals(&self) -> MirrorTotals {
        MirrorTotals {
            uncopied: self.uncopied.each_ref().map(Counter::value),
            copies: self.copies.value(),
            failed: self.failed.value(),
            differing: self.differing.value(),
            original: self.original.totals(),
            copy: self.copy.totals(),
        }
    }
}

impl Totals for MirrorTotals {
    fn add(&mut self, other: &Self) {
        for (total, more) in self.uncopied.iter_mut().zip(other.uncopied) {
            *total += more;
        }
        self.copies += other.copies;
        self.failed += other.failed;
        self.differing += other.differing;
        self.original.add(&other.original);
        self.copy.add(&other.copy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn totals_add_up_and_part_again() {
        let count = |copies: u64| {
            let cells = MirrorCells::default();
            cells.copies.add(copies);
            cells.failed.increment();
            cells.differing.add(copies - 1);
            cells.leave_out(Uncopied::Body);
            cells.original.observe(Duration::from_millis(2));
            cells.copy.observe(Duration::from_millis(copies));
            cells.totals()
        };
        let (one, more) = (count(3), count(7));
        let mut sum = one;
        sum.add(&more);
        assert_eq!((sum.copies, sum.differing, sum.copy.count()), (10, 8, 2));
        assert_eq!(sum.uncopied().collect::<Vec<_>>(), [(Uncopied::Busy, 0), (Uncopied::Body, 2)]);
        assert_eq!(sum.since(&one), more);
        assert_eq!(one.since(&sum), MirrorTotals::default(), "nothing grew");
    }
}
