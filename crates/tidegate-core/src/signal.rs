//! What the data plane tells the control plane.
//!
//! A signal is data, cheap enough to build on the request path: one reference count and a few
//! words. It travels through a bounded queue that drops and counts when it is full, so nothing here
//! is relied upon to arrive; a run of failures that goes on is told again. Measurements do not
//! travel this way: they are cells (`telemetry`) and fields of `ServerState`, which anyone may
//! read.

use std::fmt;

use crate::model::ids::{PoolName, RolloutName};
use crate::model::pool::Failures;
use crate::model::server::ServerId;
use crate::time::Duration;

/// Something that control should act upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A server failed so often in a row that it may be ejected.
    FailedRun {
        /// The pool.
        pool: PoolName,
        /// The server.
        server: ServerId,
        /// Failures since its last success, over all cores, when this was told. Whoever acts upon
        /// it asks the server's state again.
        run: u32,
        /// How the last one failed.
        reason: FailureReason,
    },
    /// A copy of a request was answered otherwise than the original.
    Differed(Box<Difference>),
}

/// How a copy of a request was answered otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The rollout that has requests copied.
    pub rollout: RolloutName,
    /// The method.
    pub method: String,
    /// The path, without its query and cut where it is long.
    pub path: String,
    /// The status codes of stable and candidate.
    pub statuses: [u16; 2],
    /// How long they took to the first byte of the response.
    pub latencies: [Duration; 2],
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailedRun { pool, server, run, reason } => {
                write!(
                    f,
                    "pool {pool}: server #{} failed {run} times in a row, last: {reason}",
                    server.0
                )
            }
            Self::Differed(difference) => difference.fmt(f),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, statuses: [stable, candidate], latencies, .. } = self;
        let [before, after] = latencies.map(|latency| latency.as_millis());
        write!(f, "{method} {path}: {stable} after {before} ms, {candidate} after {after} ms")
    }
}

/// How a try on a server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// No connection.
    Connect,
    /// Reset or closed before a whole response.
    Reset,
    /// No response in time.
    Timeout,
    /// A response with this status code.
    Status(u16),
}

impl FailureReason {
    /// Whether a pool with these settings holds it against the server.
    #[must_use]
    pub fn counts(self, failures: &Failures) -> bool {
        match self {
            Self::Connect => failures.connect,
            Self::Reset => failures.reset,
            Self::Timeout => failures.timeout,
            Self::Status(code) => failures.status.contains(&code),
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Reset => f.write_str("reset"),
            Self::Timeout => f.write_str("timeout"),
            Self::Status(code) => write!(f, "status {code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_reads_as_a_sentence() {
        let signal = Signal::FailedRun {
            pool: PoolName::new("shop"),
            server: ServerId(7),
            run: 5,
            reason: FailureReason::Status(503),
        };
        let text = "pool shop: server #7 failed 5 times in a row, last: status 503";
        assert_eq!(signal.to_string(), text);
    }

    #[test]
    fn only_what_the_pool_lists_counts() {
        let failures = Failures { connect: true, reset: false, timeout: true, status: vec![503] };
        let counts = |reason: FailureReason| reason.counts(&failures);
        assert!(counts(FailureReason::Connect) && counts(FailureReason::Timeout));
        assert!(!counts(FailureReason::Reset));
        assert!(counts(FailureReason::Status(503)) && !counts(FailureReason::Status(500)));
    }
}
