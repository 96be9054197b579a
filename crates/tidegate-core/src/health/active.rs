//! Active health of one server: a Machine that asks for probes and judges what they found.
//!
//! A healthy server becomes unhealthy after `unhealthy_after` failures in a row, an unhealthy one
//! healthy after `healthy_after` successes in a row; before the first result a single one decides.
//! A server that is known to be coming up is not unhealthy before it has been well once.
//! While a run of contrary results is under way, and before the first result, probes come at
//! `interval_changing` instead of `interval`; both are jittered by a tenth either way, so that the
//! probes of many servers drift apart. Intervals count from start to start, and a probe never
//! starts while the one before it is out.
//!
//! A probe that could not be sent says nothing of the server and is not counted, so that a balancer
//! short of descriptors does not take its whole pool down.
//!
//! It does not time probes: the shell owes exactly one [`ProbeResult`] for each [`Output::Probe`],
//! a timeout included, and nothing is due in the meantime. It knows nothing of ejection
//! (`outlier`).

use std::fmt;

use super::probe::{Grade, History, ProbeRecord, ProbeResult};
use crate::model::pool::{HealthCheck, InitialHealth};
use crate::model::server::Availability;
use crate::rng::{Rng, scale};
use crate::time::{Duration, Instant};

/// What the shell is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output {
    /// Send a probe now.
    Probe,
    /// The server's state changed.
    Became {
        /// To this; never `Ejected`.
        availability: Availability,
        /// Why.
        reason: Reason,
    },
}

/// Why a server counts as what it counts as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// Nothing has been found yet; the configuration says what to assume.
    Initial,
    /// The first probe decided.
    First(ProbeResult, Grade),
    /// This many successes in a row.
    Successes(u32),
    /// This many failures in a row, the last of which is given.
    Failures(u32, ProbeResult),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initial => f.write_str("not probed yet"),
            Self::First(last, Grade::Failed) => write!(f, "first probe failed: {}", Failure(last)),
            Self::First(result, _) => write!(f, "first probe: {result}"),
            Self::Successes(1) => f.write_str("a successful probe"),
            Self::Successes(run) => write!(f, "{run} successful probes in a row"),
            Self::Failures(1, last) => write!(f, "a failed probe: {}", Failure(last)),
            Self::Failures(run, last) => {
                write!(f, "{run} failed probes in a row, last: {}", Failure(last))
            }
        }
    }
}

/// A result that failed, even if it is a success that came too late.
struct Failure<'a>(&'a ProbeResult);

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.0, ProbeResult::Success { .. }) {
            f.write_str("too slow, ")?;
        }
        self.0.fmt(f)
    }
}

/// The state of one server's checks.
#[derive(Clone, Debug)]
pub struct ActiveHealth {
    rules: Rules,
    rng: Rng,
    availability: Availability,
    reason: Reason,
    /// Whether failures before the first success say nothing.
    is_coming_up: bool,
    /// Results in a row that speak against `availability`.
    contrary: u32,
    next: Next,
    started: Option<Instant>,
    history: History,
}

/// What is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The time for a probe.
    Due(Instant),
    /// The result of the probe that is out.
    Result,
}

/// What the machine needs of a [`HealthCheck`].
#[derive(Clone, Copy, Debug)]
struct Rules {
    interval: Duration,
    interval_changing: Duration,
    unhealthy_after: u32,
    healthy_after: u32,
    slow_after: Duration,
    fail_after: Duration,
}

impl ActiveHealth {
    /// A server of which nothing is known; its first probe is due at once. The seed settles the
    /// jitter.
    #[must_use]
    pub fn new(check: &HealthCheck, seed: u64) -> Self {
        let availability = match check.initial {
            InitialHealth::FirstProbe | InitialHealth::FirstSuccess => Availability::Starting,
            InitialHealth::Healthy => Availability::Healthy,
            InitialHealth::Unhealthy => Availability::Unhealthy,
        };
        Self {
            rules: Rules::new(check),
            rng: Rng::new(seed),
            availability,
            reason: Reason::Initial,
            is_coming_up: check.initial == InitialHealth::FirstSuccess,
            contrary: 0,
            next: Next::Due(Instant::ZERO),
            started: None,
            history: History::default(),
        }
    }

    /// What the checks say of the server; never `Ejected`.
    #[must_use]
    pub const fn availability(&self) -> Availability {
        self.availability
    }

    /// Why they say it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether the last probe succeeded, but slower than `slow_after`.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.history.newest_first().next().is_some_and(|last| last.grade == Grade::Degraded)
    }

    /// The last probes.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// When to call [`ActiveHealth::handle_timeout`]; `None` while a probe is out.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.next {
            Next::Due(at) => Some(at),
            Next::Result => None,
        }
    }

    /// Asks for a probe when one is due.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Output> {
        match self.next {
            Next::Due(at) if at <= now => {
                self.next = Next::Result;
                self.started = Some(now);
                self.check_invariants();
                Some(Output::Probe)
            }
            _ => None,
        }
    }

    /// Takes the result of the probe that is out. One that was not asked for is not counted: it
    /// would let a shell that reports twice decide twice as fast.
    pub fn handle_result(&mut self, result: ProbeResult, now: Instant) -> Option<Output> {
        if self.next != Next::Result {
            return None;
        }
        let started = self.started.unwrap_or(now);
        let grade = self.rules.grade(&result);
        let took = match result {
            ProbeResult::Success { latency, .. } => latency,
            _ => now.since(started),
        };
        self.history.push(ProbeRecord { at: now, took, result, grade });
        let became = self.judge(result, grade);
        self.next = Next::Due(self.after(started).max(now));
        self.check_invariants();
        became
    }

    /// Takes new thresholds, as after a reload. State, run and history stay; a shorter interval
    /// counts at once.
    pub fn update(&mut self, check: &HealthCheck) {
        self.rules = Rules::new(check);
        self.contrary = self.contrary.min(self.threshold().saturating_sub(1));
        if let (Next::Due(at), Some(started)) = (self.next, self.started) {
            self.next = Next::Due(at.min(self.after(started)));
        }
        self.check_invariants();
    }

    fn judge(&mut self, result: ProbeResult, grade: Grade) -> Option<Output> {
        if grade == Grade::Void {
            return None;
        }
        let failed = grade == Grade::Failed;
        if failed && self.is_coming_up {
            return None;
        }
        self.is_coming_up = false;
        let contrary = match self.availability {
            Availability::Healthy => failed,
            Availability::Unhealthy => !failed,
            Availability::Starting | Availability::Ejected => true,
        };
        if !contrary {
            self.contrary = 0;
            return None;
        }
        self.contrary += 1;
        if self.contrary < self.threshold() {
            return None;
        }
        self.reason = match (self.availability, failed) {
            (Availability::Healthy, _) => Reason::Failures(self.contrary, result),
            (Availability::Unhealthy, _) => Reason::Successes(self.contrary),
            _ => Reason::First(result, grade),
        };
        self.contrary = 0;
        self.availability = if failed { Availability::Unhealthy } else { Availability::Healthy };
        Some(Output::Became { availability: self.availability, reason: self.reason })
    }

    /// Contrary results in a row that change the state.
    const fn threshold(&self) -> u32 {
        match self.availability {
            Availability::Healthy => self.rules.unhealthy_after,
            Availability::Unhealthy => self.rules.healthy_after,
            Availability::Starting | Availability::Ejected => 1,
        }
    }

    /// When the probe after the one that started at `started` is due.
    fn after(&mut self, started: Instant) -> Instant {
        let starting = self.availability == Availability::Starting;
        let interval = if starting || self.contrary > 0 {
            self.rules.interval_changing
        } else {
            self.rules.interval
        };
        started + jittered(interval, self.rng.draw())
    }

    fn check_invariants(&self) {
        debug_assert!(self.availability != Availability::Ejected, "only traffic ejects");
        debug_assert!(self.contrary < self.threshold(), "a full run changes the state");
        debug_assert!(self.next != Next::Result || self.started.is_some(), "a probe out has begun");
    }
}

impl Rules {
    fn new(check: &HealthCheck) -> Self {
        Self {
            interval: check.interval,
            interval_changing: check.interval_changing,
            unhealthy_after: check.unhealthy_after.max(1),
            healthy_after: check.healthy_after.max(1),
            slow_after: check.slow_after,
            fail_after: check.fail_after,
        }
    }

    fn grade(&self, result: &ProbeResult) -> Grade {
        match result {
            ProbeResult::Success { latency, .. } if *latency > self.fail_after => Grade::Failed,
            ProbeResult::Success { latency, .. } if *latency > self.slow_after => Grade::Degraded,
            ProbeResult::Success { .. } => Grade::Ok,
            ProbeResult::Local(_) => Grade::Void,
            _ => Grade::Failed,
        }
    }
}

/// A duration between nine and eleven tenths of `interval`.
fn jittered(interval: Duration, draw: u64) -> Duration {
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    let tenth = nanos / 10;
    Duration::from_nanos((nanos - tenth).saturating_add(scale(draw, 2 * tenth + 1)))
}

#[cfg(test)]
mod tests;
