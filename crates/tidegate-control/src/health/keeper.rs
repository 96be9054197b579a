//! Owns the health of all servers: calls the machines when they are due, hands them what probes and
//! traffic found, and writes what follows into the state that pickers read.
//!
//! It is driven from outside and never waits. Servers are known by identity, which survives a
//! reload with all that is known of them. A new configuration comes in two steps: `admit` begins to
//! probe servers that it brings, before it serves; `settle` follows it once it does, and forgets
//! what is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_core::health::active;
use tidegate_core::health::outlier;
use tidegate_core::health::probe::ProbeResult;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::server::{Availability, ServerId};
use tidegate_core::rng::Rng;
use tidegate_core::signal::Signal;
use tidegate_core::snapshot::{PoolEntry, Snapshot};
use tidegate_core::telemetry::worker::WorkerCells;
use tidegate_core::time::Instant;
use tidegate_net::tls::contexts::Contexts;

use super::pool::{Checks, WatchedPool};
use super::server::{Arrival, Turn, Watched};
use crate::events::{Kind, Report};
use crate::observe::probe::crew::Crew;
use crate::shared::Shared;

/// Keeps the health of all servers.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    cells: Arc<WorkerCells>,
    crew: Crew,
    seeds: Rng,
    servers: BTreeMap<ServerId, Watched>,
    pools: BTreeMap<PoolName, WatchedPool>,
    /// When machines of servers are due. An entry that came too early is put back.
    probes: BTreeSet<(Instant, ServerId)>,
    /// When ejections of pools end.
    returns: BTreeSet<(Instant, PoolName)>,
}

impl Keeper {
    /// A keeper of nothing; the seed settles the jitter of probes.
    pub(crate) fn new(shared: Arc<Shared>, crew: Crew, seed: u64) -> Self {
        Self {
            cells: shared.registry.worker(),
            shared,
            crew,
            seeds: Rng::new(seed),
            servers: BTreeMap::new(),
            pools: BTreeMap::new(),
            probes: BTreeSet::new(),
            returns: BTreeSet::new(),
        }
    }

    /// Begins to watch the servers of `snapshot` that are new, and returns those that wait for
    /// their first probe. They are spoken to by `contexts`.
    pub(crate) fn admit(
        &mut self,
        snapshot: &Snapshot,
        contexts: &Contexts,
        now: Instant,
    ) -> BTreeSet<ServerId> {
        snapshot.pools.iter().flat_map(|entry| self.admit_pool(entry, contexts, now)).collect()
    }

    fn admit_pool(
        &mut self,
        entry: &Arc<PoolEntry>,
        contexts: &Contexts,
        now: Instant,
    ) -> Vec<ServerId> {
        let name = &entry.pool.name;
        let known = self.pools.contains_key(name);
        let arrival = if known { Arrival::Joining } else { Arrival::Founding };
        let checks = Checks::of(entry, contexts);
        let mut starting = Vec::new();
        for (place, member) in entry.members.iter().enumerate() {
            let id = member.state.id();
            if self.servers.contains_key(&id) {
                continue;
            }
            let (check, initial) = checks.of_member(place);
            let mut server = Watched::new(name, member, arrival, initial);
            server.check(member, check, self.seeds.draw());
            self.servers.insert(id, server);
            self.judge(id, now);
            self.schedule(id);
            starting.extend(self.is_starting(id).then_some(id));
        }
        if !known {
            self.pools.insert(name.clone(), WatchedPool::new(entry));
        }
        starting
    }

    /// Follows a snapshot that serves, and the contexts for it: takes its checks and thresholds,
    /// and forgets what is gone.
    pub(crate) fn settle(&mut self, snapshot: &Snapshot, contexts: &Contexts, now: Instant) {
        self.pools.retain(|name, _| snapshot.pool(name).is_some());
        let mut members = BTreeSet::new();
        for entry in &snapshot.pools {
            members.extend(entry.members.iter().map(|member| member.state.id()));
            self.settle_pool(entry, contexts, now);
        }
        for gone in self.servers.keys().filter(|id| !members.contains(id)) {
            self.shared.board.remove(*gone);
        }
        self.servers.retain(|id, _| members.contains(id));
        self.probes = self.servers.iter().filter_map(|(id, s)| Some((s.due()?, *id))).collect();
        let returns = self.pools.iter();
        self.returns = returns
            .filter_map(|(name, p)| Some((p.outlier.poll_timeout()?, name.clone())))
            .collect();
    }

    fn settle_pool(&mut self, entry: &Arc<PoolEntry>, contexts: &Contexts, now: Instant) {
        let name = &entry.pool.name;
        let Some(pool) = self.pools.get_mut(name) else { return };
        let checks = Checks::of(entry, contexts);
        pool.update(entry);
        for (place, member) in entry.members.iter().enumerate() {
            let id = member.state.id();
            if let Some(server) = self.servers.get_mut(&id) {
                server.check(member, checks.of_member(place).0, self.seeds.draw());
            }
            self.judge(id, now);
        }
        self.look(name);
    }

    /// Whether the first probe of a server has not decided yet.
    pub(crate) fn is_starting(&self, server: ServerId) -> bool {
        self.servers.get(&server).is_some_and(Watched::is_starting)
    }

    /// When to call [`Keeper::handle_timeout`].
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let probe = self.probes.first().map(|(at, _)| *at);
        let end = self.returns.first().map(|(at, _)| *at);
        probe.into_iter().chain(end).min()
    }

    /// Does what is due: sends probes, ends ejections.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, server)) = pop_due(&mut self.probes, now) {
            self.probe(server, now);
        }
        while let Some((_, pool)) = pop_due(&mut self.returns, now) {
            self.end_ejections(&pool, now);
        }
    }

    fn probe(&mut self, id: ServerId, now: Instant) {
        let Some((machine, target)) = self.servers.get_mut(&id).and_then(Watched::machine) else {
            return;
        };
        match machine.handle_timeout(now) {
            Some(active::Output::Probe) => self.crew.send(id, target.clone()),
            _ => self.schedule(id),
        }
    }

    fn end_ejections(&mut self, name: &PoolName, now: Instant) {
        while let Some(pool) = self.pools.get_mut(name) {
            let Some(outlier::Output::Return { server }) = pool.outlier.handle_timeout(now) else {
                let next = pool.outlier.poll_timeout();
                self.returns.extend(next.map(|at| (at, name.clone())));
                return;
            };
            if let Some(server) = self.servers.get(&server) {
                server.state.succeed();
            }
            self.judge(server, now);
        }
    }

    /// Takes the result of a probe.
    pub(crate) fn handle_result(&mut self, id: ServerId, result: ProbeResult, now: Instant) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let Some((machine, _)) = server.machine() else { return };
        // What the machine concludes is read back when the server is judged.
        let _ = machine.handle_result(result, now);
        if server.became_degraded() {
            let reason = format!("last probe: {result}");
            let kind = Kind::ServerDegraded;
            self.shared.events.emit(Report::server(kind, &server.pool, &server.name, reason));
        }
        self.judge(id, now);
        self.schedule(id);
    }

    /// Takes what the data plane signals.
    pub(crate) fn handle_signal(&mut self, signal: &Signal, now: Instant) {
        let Signal::FailedRun { pool, server: id, reason, .. } = signal else { return };
        let Some(server) = self.servers.get_mut(id) else { return };
        // Stragglers of a server that is out already say nothing new.
        if !server.state.availability().is_available() {
            return;
        }
        let Some(pool) = self.pools.get_mut(pool) else { return };
        let backup = pool.backup(*id);
        // The signal may have waited; the run may be over by now.
        let run = server.state.consecutive_failures();
        match pool.outlier.failed_run(*id, run, backup, now) {
            Some(outlier::Output::Eject { ejection, .. }) => {
                self.cells.server(&server.pool, &server.name).ejections.increment();
                self.returns.insert((ejection.until, server.pool.clone()));
                tracing::debug!(%signal, "ejection");
                self.judge(*id, now);
            }
            Some(outlier::Output::Spare { spared, .. }) => {
                // The same run is signalled again with each further failure.
                if run <= server.spared_run || server.spared_run == 0 {
                    let reason = format!("{spared}, last: {reason}");
                    let kind = Kind::ServerSpared;
                    let report = Report::server(kind, &server.pool, &server.name, reason);
                    self.shared.events.emit(report);
                }
                server.spared_run = run;
            }
            _ => {}
        }
    }

    /// Brings the shared state of a server in line with what is known of it.
    fn judge(&mut self, id: ServerId, now: Instant) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let pool = self.pools.get(&server.pool);
        let ejection = pool.and_then(|pool| pool.outlier.ejection(id));
        let turn = server.judge(ejection, now);
        self.shared.board.put(id, server.standing());
        let Some(turn) = turn else { return };
        server.spared_run = 0;
        if let Some(report) = report(server, &turn) {
            self.shared.events.emit(report);
        }
        let name = server.pool.clone();
        self.look(&name);
    }

    /// Looks again at pools whose members others have turned: into rotation or out of it.
    pub(crate) fn review(&mut self) {
        for pool in self.pools.values_mut().filter(|pool| pool.is_behind()) {
            pool.look().into_iter().for_each(|report| self.shared.events.emit(report));
        }
    }

    /// Tells the pool's holders that a member changed, and people when the pool went down or up.
    fn look(&mut self, name: &PoolName) {
        let Some(pool) = self.pools.get_mut(name) else { return };
        pool.entry.state.advance();
        pool.look().into_iter().for_each(|report| self.shared.events.emit(report));
    }

    fn schedule(&mut self, id: ServerId) {
        let due = self.servers.get(&id).and_then(Watched::due);
        self.probes.extend(due.map(|at| (at, id)));
    }
}

/// What to tell of a turn; nothing when a server is well from its pool's beginning.
fn report(server: &Watched, turn: &Turn) -> Option<Report> {
    let kind = match turn.to.availability {
        Availability::Healthy if turn.founding => return None,
        Availability::Healthy if turn.from == Availability::Ejected => Kind::ServerReturned,
        Availability::Healthy => Kind::ServerUp,
        Availability::Unhealthy => Kind::ServerDown,
        Availability::Ejected => Kind::ServerEjected,
        Availability::Starting => return None,
    };
    Some(Report::server(kind, &server.pool, &server.name, turn.to.reason))
}

/// Takes out the first entry that is due.
fn pop_due<T: Ord + Clone>(
    agenda: &mut BTreeSet<(Instant, T)>,
    now: Instant,
) -> Option<(Instant, T)> {
    if agenda.first()?.0 > now {
        return None;
    }
    agenda.pop_first()
}
