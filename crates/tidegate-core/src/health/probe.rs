//! What a probe found, and the last few findings.
//!
//! The shell that sends probes reports facts; whether a fact is good or bad is decided by `active`
//! against the thresholds of the check. The history is a fixed ring: it never allocates and never
//! grows.

use std::fmt;

use crate::time::{Duration, Instant};

/// What one probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// The server answered as the check demands.
    Success {
        /// From the start of the connection to the last byte that the check needed.
        latency: Duration,
        /// The status code, when the check is HTTP.
        status: Option<u16>,
    },
    /// The connection was refused, or there is no way to the server.
    Refused,
    /// No whole answer in time.
    Timeout,
    /// An answer with a status code outside the accepted ranges.
    BadStatus(u16),
    /// The body did not contain the demanded text.
    BodyMismatch,
    /// The server answered that it is not serving.
    NotServing,
    /// The server closed or reset the connection before a whole answer.
    Reset,
    /// The answer was not HTTP as it should be; what was wrong with it.
    Protocol(&'static str),
    /// The probe could not be sent for want of something on our side, as descriptors; what was
    /// missing.
    Local(&'static str),
}

impl ProbeResult {
    /// One word for metrics and the API, from a closed list.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Success { .. } => "success",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::BadStatus(_) => "status",
            Self::BodyMismatch => "body",
            Self::NotServing => "not_serving",
            Self::Reset => "reset",
            Self::Protocol(_) => "protocol",
            Self::Local(_) => "local",
        }
    }

    /// The status code, when there was one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Success { status, .. } => *status,
            Self::BadStatus(code) => Some(*code),
            _ => None,
        }
    }
}

impl fmt::Display for ProbeResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success { latency, status: Some(status) } => {
                write!(f, "status {status} in {latency:.1?}")
            }
            Self::Success { latency, status: None } => write!(f, "connected in {latency:.1?}"),
            Self::Refused => f.write_str("connection refused"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::BadStatus(code) => write!(f, "status {code}"),
            Self::BodyMismatch => f.write_str("body lacks the expected text"),
            Self::NotServing => f.write_str("answers that it is not serving"),
            Self::Reset => f.write_str("connection closed before a whole answer"),
            Self::Protocol(what) => write!(f, "not HTTP: {what}"),
            Self::Local(what) => write!(f, "not sent: {what}"),
        }
    }
}

/// What a probe's result amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Well.
    Ok,
    /// A success, but slower than `slow_after`.
    Degraded,
    /// Not well, or slower than `fail_after`.
    Failed,
    /// Says nothing of the server: the probe was not sent.
    Void,
}

impl Grade {
    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Void => "void",
        }
    }
}

/// One line of a server's probe history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeRecord {
    /// When the result came.
    pub at: Instant,
    /// The latency of a success; for a failure, the time from the probe's start to the result.
    pub took: Duration,
    /// What was found.
    pub result: ProbeResult,
    /// What it amounts to.
    pub grade: Grade,
}

/// The last [`History::LENGTH`] probes of a server.
#[derive(Clone, Debug, Default)]
pub struct History {
    records: [Option<ProbeRecord>; Self::LENGTH],
    next: usize,
}

impl History {
    /// How many probes are remembered.
    pub const LENGTH: usize = 10;

    /// Adds a record; the oldest goes when the ring is full.
    pub(super) fn push(&mut self, record: ProbeRecord) {
        self.records[self.next] = Some(record);
        self.next = (self.next + 1) % Self::LENGTH;
    }

    /// The records, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &ProbeRecord> {
        let (newer, older) = self.records.split_at(self.next);
        newer.iter().rev().chain(older.iter().rev()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(second: u64) -> ProbeRecord {
        ProbeRecord {
            at: Instant::ZERO + Duration::from_secs(second),
            took: Duration::from_millis(1),
            result: ProbeResult::Refused,
            grade: Grade::Failed,
        }
    }

    #[test]
    fn the_history_keeps_the_last_ten_newest_first() {
        let mut history = History::default();
        assert_eq!(history.newest_first().count(), 0);
        for pushed in 1..=25 {
            history.push(record(pushed));
            let expected: Vec<u64> = (1..=pushed).rev().take(History::LENGTH).collect();
            let seen: Vec<u64> =
                history.newest_first().map(|r| r.at.as_nanos() / 1_000_000_000).collect();
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn results_read_as_text() {
        let success =
            ProbeResult::Success { latency: Duration::from_micros(1500), status: Some(204) };
        assert_eq!(success.to_string(), "status 204 in 1.5ms");
        assert_eq!(success.status(), Some(204));
        assert_eq!(ProbeResult::BadStatus(503).to_string(), "status 503");
        assert_eq!(ProbeResult::Protocol("no status line").to_string(), "not HTTP: no status line");
    }
}
