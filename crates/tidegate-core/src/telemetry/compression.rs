//! What one writer counts of compression: bodies and bytes by content coding, and what held it
//! back.

use super::cell::Counter;
use crate::model::compression::Coding;

/// The cells of compression.
#[derive(Debug, Default)]
pub struct CompressionCells {
    codings: [CodingCells; Coding::ALL.len()],
    /// Time in encoders, in nanoseconds.
    pub nanos: Counter,
    /// Bodies that were encoded at the lowest level because the ceiling was near.
    pub lowered: Counter,
    /// Bodies that were not encoded because the ceiling was reached.
    pub skipped: Counter,
    /// Encoders that failed.
    pub failed: Counter,
}

/// The cells of one content coding.
#[derive(Debug, Default)]
pub struct CodingCells {
    /// Bodies begun.
    pub bodies: Counter,
    /// Bytes that went in.
    pub bytes_in: Counter,
    /// Bytes that came out.
    pub bytes_out: Counter,
}

impl CompressionCells {
    /// The cells of a coding.
    #[must_use]
    pub const fn of(&self, coding: Coding) -> &CodingCells {
        &self.codings[coding as usize]
    }

    /// Adds everything to a scrape.
    pub(super) fn add_to(&self, totals: &mut CompressionTotals) {
        for (total, cells) in totals.codings.iter_mut().zip(&self.codings) {
            total.bodies += cells.bodies.value();
            total.bytes_in += cells.bytes_in.value();
            total.bytes_out += cells.bytes_out.value();
        }
        totals.nanos += self.nanos.value();
        totals.lowered += self.lowered.value();
        totals.skipped += self.skipped.value();
        totals.failed += self.failed.value();
    }
}

/// The cells of compression, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompressionTotals {
    codings: [CodingTotals; Coding::ALL.len()],
    /// Time in encoders, in nanoseconds.
    pub nanos: u64,
    /// Bodies that were encoded at the lowest level because the ceiling was near.
    pub lowered: u64,
    /// Bodies that were not encoded because the ceiling was reached.
    pub skipped: u64,
    /// Encoders that failed.
    pub failed: u64,
}

/// The cells of one content coding, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodingTotals {
    /// Bodies begun.
    pub bodies: u64,
    /// Bytes that went in.
    pub bytes_in: u64,
    /// Bytes that came out.
    pub bytes_out: u64,
}

impl CompressionTotals {
    /// By coding, in the order of [`Coding::ALL`].
    pub fn codings(&self) -> impl Iterator<Item = (Coding, &CodingTotals)> {
        Coding::ALL.into_iter().zip(&self.codings)
    }
}
