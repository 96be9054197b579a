//! What one writer counts of a route: answers by status code, how long they took, how many bytes
//! went by.
//!
//! The table of codes is a short fixed list in the order of first sight: a route answers with a
//! handful, the usual one comes first, and a server that invents codes fills the list once and then
//! counts as `other`.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::cell::Counter;
use super::family::{Cells, Totals};
use super::histogram::{Histogram, HistogramTotals};
use crate::model::grpc::Status;
use crate::time::Duration;

/// Distinct status codes that a route counts apart, on each core.
pub const CODES: usize = 24;

/// The cells of a route.
#[derive(Debug, Default)]
pub struct RouteCells {
    codes: [CodeCell; CODES],
    /// Answers with codes that found no place.
    other: Counter,
    /// gRPC calls by status, once there was one.
    grpc: OnceLock<Box<[Counter; Status::ALL.len()]>>,
    /// From the first byte of the request to the end of the response.
    duration: Histogram,
    /// Bytes from clients: heads and bodies.
    bytes_in: Counter,
    /// Bytes to clients: heads and bodies.
    bytes_out: Counter,
}

#[derive(Debug, Default)]
struct CodeCell {
    /// The code plus one; 0: the cell is free.
    key: AtomicU32,
    count: Counter,
}

/// A request that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The status code that the client was sent; `None`: it left before one was.
    pub status: Option<u16>,
    /// How it ended, if it was a gRPC call.
    pub grpc: Option<Status>,
    /// From the first byte of the request to the end of the response.
    pub duration: Duration,
    /// Bytes from the client.
    pub bytes_in: u64,
    /// Bytes to the client.
    pub bytes_out: u64,
}

impl RouteCells {
    /// The writer only: counts a request.
    pub fn record(&self, finished: &Finished) {
        self.count(finished.status.unwrap_or(CLIENT_GONE));
        if let Some(status) = finished.grpc {
            self.grpc.get_or_init(Box::default)[usize::from(status.code())].increment();
        }
        self.duration.observe(finished.duration);
        self.bytes_in.add(finished.bytes_in);
        self.bytes_out.add(finished.bytes_out);
    }

    fn count(&self, code: u16) {
        let key = u32::from(code) + 1;
        for cell in &self.codes {
            let taken = cell.key.load(Relaxed);
            if taken == 0 {
                cell.key.store(key, Relaxed);
            }
            if taken == key || taken == 0 {
                return cell.count.increment();
            }
        }
        self.other.increment();
    }
}

/// The code under which requests are counted whose client left before it was answered: the one that
/// nginx made custom for it, and that no server sends.
pub const CLIENT_GONE: u16 = 499;

/// The cells of a route, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTotals {
    /// Requests by status code; [`CLIENT_GONE`] stands for clients that left unanswered.
    pub codes: BTreeMap<u16, u64>,
    /// Requests with codes that found no place in the table.
    pub codes_other: u64,
    /// gRPC calls by how they ended; none with a status that none had.
    pub grpc: BTreeMap<Status, u64>,
    /// From the first byte of the request to the end of the response.
    pub duration: HistogramTotals,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients.
    pub bytes_out: u64,
}

impl RouteTotals {
    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.codes.values().sum::<u64>() + self.codes_other
    }
}

impl Cells for RouteCells {
    type Totals = RouteTotals;

    fn totals(&self) -> RouteTotals {
        let code = |cell: &CodeCell| u16::try_from(cell.key.load(Relaxed).checked_sub(1)?).ok();
        let codes = self.codes.iter().map_while(|cell| Some((code(cell)?, cell.count.value())));
        let calls = self.grpc.get().into_iter().flat_map(|cells| Status::ALL.iter().zip(&**cells));
        let calls = calls.map(|(status, cell)| (*status, cell.value()));
        RouteTotals {
            grpc: calls.filter(|(_, count)| *count > 0).collect(),
            codes: codes.collect(),
            codes_other: self.other.value(),
            duration: self.duration.totals(),
            bytes_in: self.bytes_in.value(),
            bytes_out: self.bytes_out.value(),
        }
    }
}

impl Totals for RouteTotals {
    fn add(&mut self, other: &Self) {
        for (code, count) in &other.codes {
            *self.codes.entry(*code).or_default() += count;
        }
        self.codes_other += other.codes_other;
        for (status, count) in &other.grpc {
            *self.grpc.entry(*status).or_default() += count;
        }
        self.duration.add(&other.duration);
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(status: Option<u16>) -> Finished {
        let duration = Duration::from_millis(3);
        Finished { status, grpc: None, duration, bytes_in: 10, bytes_out: 100 }
    }

    #[test]
    fn answers_are_counted_by_code() {
        let cells = RouteCells::default();
        for status in [Some(200), Some(404), None, Some(200), Some(0)] {
            cells.record(&finished(status));
        }
        let totals = cells.totals();
        assert_eq!(
            totals.codes.into_iter().collect::<Vec<_>>(),
            [(0, 1), (200, 2), (404, 1), (499, 1)]
        );
        assert_eq!((totals.bytes_in, totals.bytes_out, totals.duration.count()), (50, 500, 5));
    }

    #[test]
    fn calls_are_counted_by_how_they_ended() {
        let cells = RouteCells::default();
        for grpc in [Some(Status::Ok), Some(Status::Unavailable), None, Some(Status::Ok)] {
            cells.record(&Finished { grpc, ..finished(Some(200)) });
        }
        let mut totals = cells.totals();
        totals.add(&cells.totals());
        assert_eq!(totals.grpc, [(Status::Ok, 4), (Status::Unavailable, 2)].into());
        assert_eq!(totals.codes[&200], 8);
    }

    #[test]
    fn codes_beyond_the_table_count_as_other() {
        let cells = RouteCells::default();
        for code in 200..300 {
            cells.record(&finished(Some(code)));
            cells.record(&finished(Some(200)));
        }
        let totals = cells.totals();
        assert_eq!(totals.codes.len(), CODES);
        assert_eq!(totals.codes[&200], 101);
        assert_eq!(totals.codes_other, 100 - CODES as u64);
        assert_eq!(totals.requests(), 200);
    }

    #[test]
    fn a_route_costs_less_than_a_kibibyte() {
        assert!(size_of::<RouteCells>() < 1024, "{}", size_of::<RouteCells>());
    }
}
