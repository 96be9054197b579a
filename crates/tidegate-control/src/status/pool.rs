//! What people see of a pool.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::pool::{Balance, WhenAllDown};
use tidegate_core::model::server::{Member, Rotation};
use tidegate_core::session::pool::PoolSessions;
use tidegate_core::session::table::TableTally;
use tidegate_core::snapshot::PoolEntry;
use tidegate_core::telemetry::histogram::HistogramTotals;
use tidegate_core::telemetry::registry::Scrape;
use tidegate_core::telemetry::server::ServerTotals;
use tidegate_core::time::Duration;

use super::server::{ServerStatus, millis};
use crate::control::Control;

/// A pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolStatus {
    /// Its name.
    pub name: String,
    /// The rule by which it spreads traffic.
    pub balance: &'static str,
    /// How many servers it has, backups included.
    pub servers: usize,
    /// How many of them are available.
    pub available: usize,
    /// `up`, `down`: none in rotation is available, or `failing-open`: traffic goes to all then.
    pub state: &'static str,
    /// Requests that its servers are working on.
    pub in_flight: u64,
    /// The table of its sessions, where it has one.
    pub session_table: Option<SessionTableStatus>,
    /// Requests by outcome.
    pub requests: BTreeMap<&'static str, u64>,
    /// Further tries that the retry budget paid for.
    pub retries: u64,
    /// Retries that the budget did not allow.
    pub retries_denied: u64,
    /// The median of the time a try takes, in milliseconds.
    pub p50_ms: Option<f64>,
    /// The time that 99 of 100 tries stay below, in milliseconds.
    pub p99_ms: Option<f64>,
    /// What does not look right.
    pub warnings: Vec<String>,
}

/// A table of sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionTableStatus {
    /// Sessions that are remembered.
    pub entries: u64,
    /// The most that are.
    pub entries_max: u32,
    /// Sessions that lived and were forgotten for want of room.
    pub evicted: u64,
    /// Sessions that were over.
    pub expired: u64,
}

/// Tries below which a quantile says too little to warn of.
const TRIES_MIN: u64 = 100;

impl Control {
    /// All pools, by name.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolStatus> {
        let (snapshot, scrape) = (self.snapshot(), self.scrape());
        snapshot.pools.iter().map(|entry| PoolStatus::new(entry, &scrape)).collect()
    }

    /// A pool.
    #[must_use]
    pub fn pool(&self, name: &PoolName) -> Option<PoolStatus> {
        let scrape = self.scrape();
        self.snapshot().pool(name).map(|entry| PoolStatus::new(entry, &scrape))
    }

    /// The servers of a pool, in the order of the configuration.
    #[must_use]
    pub fn servers(&self, pool: &PoolName) -> Option<Vec<ServerStatus>> {
        let (snapshot, scrape) = (self.snapshot(), self.scrape());
        let (entry, overrides) = (snapshot.pool(pool)?, self.overrides());
        let members = entry.members.iter().map(|member| {
            let totals = totals(entry, member, &scrape);
            let asked = overrides.iter().find(|one| {
                (&*one.pool, &*one.server)
                    == (entry.pool.name.as_str(), member.server.name.as_str())
            });
            let status = ServerStatus::new(&entry.pool, member, &self.shared.board, &totals);
            ServerStatus { asked: asked.cloned(), ..status }
        });
        Some(members.collect())
    }
}

impl PoolStatus {
    pub(super) fn new(entry: &PoolEntry, scrape: &Scrape) -> Self {
        let (pool, members) = (&entry.pool, &entry.members);
        let totals = scrape.pools.get(&pool.name).copied().unwrap_or_default();
        let duration = durations(entry, scrape);
        let available = members.iter().filter(|m| m.state.availability().is_available()).count();
        let is_in = |member: &&Member| member.state.rotation() == Rotation::In;
        let serving: Vec<&Member> = members.iter().filter(is_in).collect();
        let state = match pool.when_all_down {
            _ if serving.iter().any(|member| member.state.availability().is_available()) => "up",
            WhenAllDown::FailOpen if !serving.is_empty() => "failing-open",
            _ => "down",
        };
        Self {
            name: pool.name.to_string(),
            balance: balance(&pool.balance),
            servers: members.len(),
            available,
            state,
            in_flight: members.iter().map(|member| u64::from(member.state.in_flight())).sum(),
            session_table: entry.sessions.as_ref().and_then(session_table),
            requests: totals.requests().map(|(outcome, n)| (outcome.as_str(), n)).collect(),
            retries: totals.retries,
            retries_denied: totals.retry_budget_exhausted,
            p50_ms: quantile_ms(&duration, 0.5),
            p99_ms: quantile_ms(&duration, 0.99),
            warnings: strict_check(entry, &duration).into_iter().collect(),
        }
    }
}

fn session_table(sessions: &PoolSessions) -> Option<SessionTableStatus> {
    let table = sessions.table()?;
    let TableTally { entries, evicted, expired } = table.tally();
    let entries_max = table.entries_max().get();
    Some(SessionTableStatus { entries, entries_max, evicted, expired })
}

/// A warning when a check fails servers that are no slower than they use to be: health that cuts
/// into the tail of ordinary latency takes servers out under load, when they are needed most.
fn strict_check(entry: &PoolEntry, duration: &HistogramTotals) -> Option<String> {
    let check = entry.pool.health.as_ref()?;
    let p99 = duration.quantile(0.99).filter(|_| duration.count() >= TRIES_MIN)?;
    let name = &entry.pool.name;
    (check.fail_after < p99.saturating_mul(2)).then(|| {
        let (fail, p99) = (rounded(check.fail_after), rounded(p99));
        format!("pool {name}: fail_after is {fail:?}, under twice the measured P99 of {p99:?}")
    })
}

fn durations(entry: &PoolEntry, scrape: &Scrape) -> HistogramTotals {
    let mut sum = HistogramTotals::default();
    for member in &entry.members {
        sum.add(&totals(entry, member, scrape).duration);
    }
    sum
}

fn totals(entry: &PoolEntry, member: &Member, scrape: &Scrape) -> ServerTotals {
    let key = (entry.pool.name.clone(), member.server.name.clone());
    scrape.servers.get(&key).copied().unwrap_or_default()
}

pub(crate) fn quantile_ms(duration: &HistogramTotals, q: f64) -> Option<f64> {
    duration.quantile(q).map(millis)
}

/// Fractions of a microsecond say nothing.
const fn rounded(duration: Duration) -> Duration {
    Duration::from_micros(duration.as_micros() as u64)
}

/// The word of the configuration for a rule.
pub(crate) const fn balance(balance: &Balance) -> &'static str {
    match balance {
        Balance::RoundRobin => "round-robin",
        Balance::WeightedRoundRobin => "weighted-round-robin",
        Balance::LeastConnections => "least-connections",
        Balance::WeightedLeastConnections => "weighted-least-connections",
        Balance::SourceIpHash(_) => "source-ip-hash",
        Balance::IpHash { .. } => "ip-hash",
        Balance::Hash { .. } => "hash",
        Balance::Random => "random",
        Balance::PowerOfTwo => "p2c",
        Balance::PeakEwma => "peak-ewma",
    }
}
