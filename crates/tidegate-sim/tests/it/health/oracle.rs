//! What must hold at every step, whatever goes wrong.

use tidegate_core::model::pool::HealthCheck;
use tidegate_core::model::server::{Availability, Member};
use tidegate_core::time::{Duration, Instant};
use tidegate_sim::fault::Change;

/// What the oracles remember of each server.
#[derive(Clone, Debug, Default)]
struct Past {
    /// Since when no request can succeed on it.
    dead_since: Option<Instant>,
    /// How often its condition changed.
    conditions: u32,
    /// How often its probes changed their mind.
    verdicts: u32,
    /// How often it was ejected.
    ejections: u32,
    /// What the last probes found, and how many in a row.
    probes: (bool, u32),
    /// Requests that failed on it since it was last put back.
    failures: u32,
    picks: u32,
}

/// Watches a pool. Each method says what is wrong, if something is.
#[derive(Debug)]
pub(crate) struct Oracle {
    past: Vec<Past>,
    /// How long the probes may take to find a dead server; `None`: there are none.
    detection: Option<Duration>,
}

/// Failures in a row that eject.
pub(crate) const FAILURES: u32 = 5;

type Finding = Result<(), &'static str>;

impl Oracle {
    pub(crate) fn new(servers: usize, check: Option<&HealthCheck>) -> Self {
        Self { past: vec![Past::default(); servers], detection: check.map(detection) }
    }

    /// A server was picked.
    pub(crate) fn picked(&mut self, server: usize, members: &[Member], now: Instant) -> Finding {
        self.past[server].picks += 1;
        let available = |member: &Member| member.state.availability().is_available();
        if !members.iter().any(available) {
            return Ok(());
        }
        if !available(&members[server]) {
            return Err("no pick of an unavailable server while another is available");
        }
        let dead_for = self.past[server].dead_since.map(|since| now.since(since));
        match (dead_for, self.detection) {
            (Some(dead), Some(bound)) if dead > bound => {
                Err("a dead server receives nothing once its probes had time to find out")
            }
            _ => Ok(()),
        }
    }

    /// A server's condition changed.
    pub(crate) fn changed(&mut self, change: &Change, now: Instant) {
        let past = &mut self.past[change.server];
        past.conditions += 1;
        past.dead_since = match (change.condition.is_dead(), past.dead_since) {
            (true, since) => since.or(Some(now)),
            (false, _) => None,
        };
    }

    /// A probe found a server well, or not.
    pub(crate) fn probed(&mut self, server: usize, well: bool) {
        let (before, run) = self.past[server].probes;
        self.past[server].probes = (well, if before == well { run + 1 } else { 1 });
    }

    /// The probes of a server changed their mind.
    pub(crate) fn judged(
        &mut self,
        server: usize,
        availability: Availability,
        check: &HealthCheck,
    ) -> Finding {
        let past = &mut self.past[server];
        past.verdicts += 1;
        let needed = match availability {
            _ if past.verdicts == 1 => (past.probes.0, 1),
            Availability::Healthy => (true, check.healthy_after),
            _ => (false, check.unhealthy_after),
        };
        if past.probes.0 != needed.0 || past.probes.1 < needed.1 {
            return Err("probes change their mind only after a full run of results");
        }
        if availability == Availability::Ejected {
            return Err("probes do not eject");
        }
        // The first verdict, and then at most one for each change of condition.
        if past.verdicts > 1 + past.conditions {
            return Err("probes change their mind no more often than the server changes");
        }
        Ok(())
    }

    /// A request failed on a server.
    pub(crate) fn failed(&mut self, server: usize) {
        self.past[server].failures += 1;
    }

    /// A server was put back after an ejection.
    pub(crate) fn returned(&mut self, server: usize) {
        self.past[server].failures = 0;
    }

    /// A server was ejected; `out` of `members` are out now.
    pub(crate) fn ejected(
        &mut self,
        server: usize,
        (out, members): (usize, usize),
        backup_available: bool,
    ) -> Finding {
        self.past[server].ejections += 1;
        if self.past[server].conditions == 0 {
            return Err("a server that was always well is not ejected");
        }
        if self.past[server].failures < FAILURES {
            return Err("nobody is ejected for failures from before it was put back");
        }
        if 2 * out > members && !backup_available {
            return Err("no more than half of the pool is ejected");
        }
        Ok(())
    }

    /// How often anything changed its state.
    pub(crate) fn changes_of_state(&self) -> u32 {
        self.past.iter().map(|past| past.verdicts + past.ejections).sum()
    }

    /// Picks of each server since the last [`Oracle::count_picks_anew`].
    pub(crate) fn picks(&self) -> Vec<u32> {
        self.past.iter().map(|past| past.picks).collect()
    }

    pub(crate) fn count_picks_anew(&mut self) {
        self.past.iter_mut().for_each(|past| past.picks = 0);
    }
}

/// One jittered interval until a probe starts that meets the dead server, then a full run of
/// probes, each of which takes its timeout at most and starts a short interval after the one
/// before.
fn detection(check: &HealthCheck) -> Duration {
    let each = check.timeout.max(check.interval_changing.mul_f64(1.1));
    check.interval.mul_f64(1.1) + each * check.unhealthy_after
}
