//! What the keeper knows of one server.

use std::sync::Arc;

use tidegate_core::health::active::ActiveHealth;
use tidegate_core::health::outlier::Ejection;
use tidegate_core::health::verdict::Verdict;
use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::model::pool::{HealthCheck, InitialHealth};
use tidegate_core::model::server::{Availability, Member, ServerState};
use tidegate_core::time::{Instant, UnixTime};
use tidegate_net::clock;

use super::board::Standing;
use super::pool::Check;
use crate::observe::probe::crew::Target;

/// A server under watch.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) pool: PoolName,
    pub(super) name: ServerName,
    pub(super) state: Arc<ServerState>,
    /// Its checks; `None`: the pool has none.
    active: Option<Active>,
    verdict: Verdict,
    since: UnixTime,
    degraded: bool,
    /// It came with its pool, so there is no running pool that it joins when it is first well.
    founding: bool,
    /// What is made of its first results while nothing is known of it.
    unknown: InitialHealth,
    /// The run of failures that it was spared for last.
    pub(super) spared_run: u32,
}

#[derive(Debug)]
struct Active {
    machine: ActiveHealth,
    target: Target,
}

/// Whether a server came with its pool or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// With its pool: all start alike.
    Founding,
    /// To a pool that was running.
    Joining,
}

/// What changed when a server was judged again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    /// What it counted as.
    pub(super) from: Availability,
    /// What it counts as, and why.
    pub(super) to: Verdict,
    /// It is the first turn of a server that came with its pool.
    pub(super) founding: bool,
}

impl Watched {
    pub(super) fn new(
        pool: &PoolName,
        member: &Member,
        arrival: Arrival,
        unknown: InitialHealth,
    ) -> Self {
        let state = Arc::clone(&member.state);
        let mut verdict = Verdict::new(None, None);
        verdict.availability = state.availability();
        Self {
            pool: pool.clone(),
            name: member.server.name.clone(),
            state,
            active: None,
            verdict,
            since: clock::unix_time(),
            degraded: false,
            founding: arrival == Arrival::Founding,
            unknown,
            spared_run: 0,
        }
    }

    /// Takes the pool's check as it stands now. The machine goes on where it was; a new one begins
    /// with what the server counts as, so that a check added to a running pool takes nobody out
    /// before it has failed.
    pub(super) fn check(&mut self, member: &Member, check: Option<&Check>, seed: u64) {
        let Some(Check { asked: check, way }) = check else {
            self.active = None;
            self.degraded = false;
            return;
        };
        let mut address = member.server.address;
        if let Some(port) = check.port {
            address.set_port(port);
        }
        let probe = Arc::new(check.probe.clone());
        let target = Target { address, way: way.clone(), probe, timeout: check.timeout };
        match &mut self.active {
            Some(active) => {
                active.machine.update(check);
                active.target = target;
            }
            None => {
                let machine = ActiveHealth::new(&self.assuming(check), seed);
                self.active = Some(Active { machine, target });
            }
        }
    }

    /// The check with the first assumption that fits the server's state.
    fn assuming(&self, check: &HealthCheck) -> HealthCheck {
        let initial = match self.state.availability() {
            Availability::Healthy | Availability::Ejected => InitialHealth::Healthy,
            Availability::Unhealthy => InitialHealth::Unhealthy,
            Availability::Starting => self.unknown,
        };
        HealthCheck { initial, ..check.clone() }
    }

    /// When its machine wants to be called.
    pub(super) fn due(&self) -> Option<Instant> {
        self.active.as_ref()?.machine.poll_timeout()
    }

    /// The machine, and whom to probe.
    pub(super) fn machine(&mut self) -> Option<(&mut ActiveHealth, &Target)> {
        self.active.as_mut().map(|active| (&mut active.machine, &active.target))
    }

    /// Whether its first probe has not decided yet.
    pub(super) fn is_starting(&self) -> bool {
        self.verdict.availability == Availability::Starting
    }

    /// Whether it was well and quick at the last probe, and is slow now.
    pub(super) fn became_degraded(&mut self) -> bool {
        let now = self.active.as_ref().is_some_and(|active| active.machine.is_degraded());
        !std::mem::replace(&mut self.degraded, now) && now
    }

    /// Puts the opinions together and writes what follows into the shared state; `Some` when that
    /// changed what the server counts as.
    pub(super) fn judge(&mut self, ejection: Option<Ejection>, now: Instant) -> Option<Turn> {
        let machine = self.active.as_ref().map(|active| &active.machine);
        let to = Verdict::new(machine, ejection);
        let from = std::mem::replace(&mut self.verdict, to).availability;
        if from == to.availability {
            return None;
        }
        self.since = clock::unix_time();
        if to.availability == Availability::Healthy && !self.founding {
            self.state.set_joined(now);
        }
        // The run belongs to what the server was: one more failure must not eject it again at once.
        self.state.succeed();
        self.state.set_availability(to.availability);
        let founding = std::mem::replace(&mut self.founding, false);
        Some(Turn { from, to, founding })
    }

    /// What others may read.
    pub(super) fn standing(&self) -> Standing {
        let machine = self.active.as_ref().map(|active| &active.machine);
        let probes = machine.into_iter().flat_map(|machine| machine.history().newest_first());
        Standing {
            verdict: self.verdict,
            since: self.since,
            degraded: self.degraded,
            probes: probes.copied().collect(),
        }
    }
}
