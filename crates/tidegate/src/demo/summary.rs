//! What a demo came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use tidegate_control::events;
use tidegate_core::time::{Duration, UnixTime};

/// Something that happened during the demo.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Event {
    /// Seconds since the load began.
    pub(super) at: f64,
    /// What kind of thing: one of the balancer's own, `server-killed` or `server-restarted`.
    pub(super) kind: &'static str,
    /// What happened, and why.
    pub(super) message: String,
}

impl Event {
    /// An event of the balancer; `begin` is when the load began.
    pub(super) fn of_balancer(event: &events::Event, begin: UnixTime) -> Self {
        let at = event.at.saturating_sub(begin.as_millis());
        let message = format!("{}: {}", event.message, event.reason);
        Self { at: seconds(Duration::from_millis(at)), kind: event.kind.as_str(), message }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6.1} s  {:<16} {}", self.at, self.kind, self.message)
    }
}

/// What a demo came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    pub(super) requests: u64,
    pub(super) failed: u64,
    /// Why requests failed, and how many for each reason.
    pub(super) failures: BTreeMap<String, u64>,
    /// Further tries that the balancer made, of either kind: on a server that broke off, and on one
    /// that could not be connected to.
    pub(super) retries: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// The fewest servers that were available at once.
    pub(super) servers_min: usize,
    /// The most.
    pub(super) servers_max: usize,
    pub(super) checkouts: u64,
    pub(super) checkouts_failed: u64,
    /// Orders in the book at the end: one for each checkout, if none was lost and none counted
    /// twice.
    pub(super) orders: u64,
    /// From the first request to the end of the last.
    pub(super) duration_s: f64,
    /// Whether somebody stopped it before its time.
    pub(super) interrupted: bool,
    pub(super) events: Vec<Event>,
}

impl Summary {
    /// Whether all was served as promised.
    pub(crate) fn is_good(&self) -> bool {
        self.failed == 0 && self.orders == self.checkouts && !self.interrupted
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, failed, retries, checkouts, orders, .. } = self;
        writeln!(
            f,
            "{requests} requests in {:.1} s, {failed} failed, {retries} retries",
            self.duration_s
        )?;
        for (reason, count) in &self.failures {
            writeln!(f, "  {count} failed: {reason}")?;
        }
        writeln!(f, "{checkouts} checkouts, {orders} orders in the book")?;
        writeln!(f, "p50 {:.1} ms, p99 {:.1} ms", self.p50_ms, self.p99_ms)?;
        write!(f, "{} to {} servers available", self.servers_min, self.servers_max)
    }
}

/// Seconds, to the millisecond.
pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        Summary {
            requests: 100,
            failed: 0,
            failures: BTreeMap::new(),
            retries: 1,
            p50_ms: 20.5,
            p99_ms: 30.0,
            servers_min: 5,
            servers_max: 6,
            checkouts: 15,
            checkouts_failed: 0,
            orders: 15,
            duration_s: 20.0,
            interrupted: false,
            events: Vec::new(),
        }
    }

    #[test]
    fn only_a_run_without_loss_is_good() {
        assert!(summary().is_good());
        assert!(!Summary { failed: 1, ..summary() }.is_good());
        assert!(!Summary { orders: 14, ..summary() }.is_good(), "an order is lost");
        assert!(!Summary { orders: 16, ..summary() }.is_good(), "an order counts twice");
        assert!(!Summary { interrupted: true, ..summary() }.is_good());
    }
}
