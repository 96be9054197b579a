//! What people see of a server.

use serde::Serialize;
use tidegate_core::health::probe::ProbeRecord;
use tidegate_core::model::pool::Pool;
use tidegate_core::model::server::Member;
use tidegate_core::telemetry::server::ServerTotals;
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_net::clock;

use super::pool::quantile_ms;
use crate::health::board::{Board, Standing};
use crate::overrides::order::Override;

/// A server of a pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: String,
    /// Its share of the traffic relative to the others.
    pub weight: u32,
    /// Whether it takes traffic only when primaries are missing.
    pub backup: bool,
    /// Its failure domain.
    pub zone: Option<String>,
    /// `starting`, `healthy`, `unhealthy` or `ejected`.
    pub availability: &'static str,
    /// `in` rotation, kept `warm` out of it, `draining` with its sessions, or `leaving` without.
    pub rotation: &'static str,
    /// Why it is that.
    pub reason: String,
    /// Since when it is that, in milliseconds since 1970.
    pub since: Option<u64>,
    /// Whether it passes its checks, but slowly.
    pub degraded: bool,
    /// How far its slow start has come: 0 to 1, where 1 is over.
    pub slow_start: f64,
    /// Requests it is working on.
    pub in_flight: u32,
    /// Sessions that live on it: exact where a table remembers them, else an estimate of the users
    /// seen lately; `None`: its pool has none.
    pub sessions: Option<u32>,
    /// Tries that failed on it since the last that did not.
    pub consecutive_failures: u32,
    /// The moving average of its latency, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Tries that were sent to it.
    pub requests: u64,
    /// Tries that failed on it.
    pub failures: u64,
    /// Times it was ejected.
    pub ejections: u64,
    /// The time that 99 of 100 tries stay below, in milliseconds.
    pub p99_ms: Option<f64>,
    /// What people ask of it against its configuration.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub asked: Option<Override>,
    /// Its last ten probes, newest first.
    pub probes: Vec<ProbeStatus>,
}

/// A probe.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProbeStatus {
    /// When its result came, in milliseconds since 1970.
    pub at: u64,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// What it found, in one word.
    pub result: &'static str,
    /// `ok`, `degraded`, `failed` or `void`.
    pub grade: &'static str,
    /// The status code of an HTTP check.
    pub status: Option<u16>,
    /// What it found, in words.
    pub detail: String,
}

impl ServerStatus {
    pub(super) fn new(pool: &Pool, member: &Member, board: &Board, totals: &ServerTotals) -> Self {
        let (server, state) = (&member.server, &member.state);
        let (now, wall) = (clock::now(), clock::unix_time());
        let standing = board.find(state.id());
        let probes = standing.iter().flat_map(|standing| &standing.probes);
        Self {
            name: server.name.to_string(),
            address: server.address.to_string(),
            weight: state.weight(),
            backup: server.backup,
            zone: server.zone.clone(),
            availability: state.availability().as_str(),
            rotation: state.rotation().as_str(),
            reason: standing.as_ref().map(reason).unwrap_or_default(),
            since: standing.as_ref().map(|standing| standing.since.as_millis()),
            degraded: standing.as_ref().is_some_and(|standing| standing.degraded),
            slow_start: ramp(state.joined(), pool.slow_start, now),
            in_flight: state.in_flight(),
            sessions: state.sessions(),
            consecutive_failures: state.consecutive_failures(),
            latency_ms: state.latency().map(|(average, _)| millis(average)),
            requests: totals.requests,
            failures: totals.failures,
            ejections: totals.ejections,
            p99_ms: quantile_ms(&totals.duration, 0.99),
            asked: None,
            probes: probes.map(|probe| ProbeStatus::new(probe, now, wall)).collect(),
        }
    }
}

impl ProbeStatus {
    fn new(record: &ProbeRecord, now: Instant, wall: UnixTime) -> Self {
        let ago = u64::try_from(now.since(record.at).as_millis()).unwrap_or(u64::MAX);
        Self {
            at: wall.as_millis().saturating_sub(ago),
            took_ms: millis(record.took),
            result: record.result.word(),
            grade: record.grade.as_str(),
            status: record.result.status(),
            detail: record.result.to_string(),
        }
    }
}

fn reason(standing: &Standing) -> String {
    standing.verdict.reason.to_string()
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The share of slow start that is behind a server that joined at `joined`.
fn ramp(joined: Option<Instant>, slow_start: Duration, now: Instant) -> f64 {
    match joined {
        Some(joined) if !slow_start.is_zero() => {
            (now.since(joined).as_secs_f64() / slow_start.as_secs_f64()).min(1.0)
        }
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_rises_with_time_and_ends() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let share = |now| ramp(Some(at(10)), Duration::from_secs(20), at(now));
        assert!((share(15) - 0.25).abs() < 1e-9);
        assert!((share(300) - 1.0).abs() < 1e-9);
        assert!((ramp(None, Duration::from_secs(20), at(15)) - 1.0).abs() < 1e-9);
        assert!((ramp(Some(at(10)), Duration::ZERO, at(10)) - 1.0).abs() < 1e-9);
    }
}
