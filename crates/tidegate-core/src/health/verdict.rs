//! One word out of two opinions: what the probes say and what traffic met.
//!
//! A server that its probes call unhealthy is unhealthy, ejected or not: its return waits for the
//! probes. A server that they call healthy may still be ejected. One that is starting takes no
//! traffic anyway and stays starting. Without active checks a server counts as healthy until
//! traffic says otherwise.

use std::fmt;

use super::active::{self, ActiveHealth};
use super::outlier::Ejection;
use crate::model::server::Availability;

/// Whether a server may be given requests, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The word that pickers read.
    pub availability: Availability,
    /// Why.
    pub reason: Reason,
}

impl Verdict {
    /// Puts both opinions together; `None`: the pool has no active check, or the server is not
    /// ejected.
    #[must_use]
    pub fn new(active: Option<&ActiveHealth>, ejection: Option<Ejection>) -> Self {
        let probes = active.map_or(Availability::Healthy, ActiveHealth::availability);
        if let (Availability::Healthy, Some(ejection)) = (probes, ejection) {
            return Self { availability: Availability::Ejected, reason: Reason::Ejected(ejection) };
        }
        let reason = active.map_or(Reason::Unchecked, |active| Reason::Probes(active.reason()));
        Self { availability: probes, reason }
    }
}

/// Why a server counts as what it counts as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// The pool has no active check and traffic found no fault.
    Unchecked,
    /// What the probes say.
    Probes(active::Reason),
    /// What traffic met.
    Ejected(Ejection),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchecked => f.write_str("no active checks"),
            Self::Probes(reason) => reason.fmt(f),
            Self::Ejected(ejection) => ejection.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::ProbeResult;
    use super::*;
    use crate::model::pool::{HealthCheck, InitialHealth, Probe};
    use crate::time::{Duration, Instant};

    fn probed(initial: InitialHealth) -> ActiveHealth {
        let check = HealthCheck {
            probe: Probe::Tcp,
            interval: Duration::from_secs(5),
            interval_changing: Duration::from_millis(500),
            timeout: Duration::from_secs(3),
            unhealthy_after: 1,
            healthy_after: 1,
            slow_after: Duration::from_millis(500),
            fail_after: Duration::from_secs(2),
            initial,
            port: None,
        };
        ActiveHealth::new(&check, 1)
    }

    const EJECTION: Ejection = Ejection {
        until: Instant::from_nanos(10_000_000_000),
        lasts: Duration::from_secs(10),
        run: 5,
        nth: 1,
    };

    #[track_caller]
    fn check(active: Option<&ActiveHealth>, ejection: Option<Ejection>, word: &str, reason: &str) {
        let verdict = Verdict::new(active, ejection);
        assert_eq!(verdict.availability.as_str(), word);
        assert_eq!(verdict.reason.to_string(), reason);
    }

    #[test]
    fn probes_outrank_ejection_outranks_health() {
        let (starting, healthy, unhealthy) = (
            probed(InitialHealth::FirstProbe),
            probed(InitialHealth::Healthy),
            probed(InitialHealth::Unhealthy),
        );
        let (out, ejected) = (Some(EJECTION), "ejected for 10s after 5 failures in a row");
        check(None, None, "healthy", "no active checks");
        check(None, out, "ejected", ejected);
        check(Some(&healthy), None, "healthy", "not probed yet");
        check(Some(&healthy), out, "ejected", ejected);
        check(Some(&unhealthy), None, "unhealthy", "not probed yet");
        check(Some(&unhealthy), out, "unhealthy", "not probed yet");
        check(Some(&starting), None, "starting", "not probed yet");
        check(Some(&starting), out, "starting", "not probed yet");
    }

    #[test]
    fn the_reason_is_the_probes_own() {
        let mut active = probed(InitialHealth::Healthy);
        active.handle_timeout(Instant::ZERO);
        active.handle_result(ProbeResult::Timeout, Instant::ZERO);
        check(Some(&active), None, "unhealthy", "a failed probe: no answer in time");
    }
}
