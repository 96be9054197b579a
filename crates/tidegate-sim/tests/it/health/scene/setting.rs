//! What a scene is made of, drawn from its seed.

use std::sync::Arc;

use tidegate_core::health::probe::ProbeResult;
use tidegate_core::model::edit::ErrorPages;
use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::model::pool::{
    BackupWhen, Balance, Failures, HealthCheck, InitialHealth, PassiveHealth, Pool, PoolTimeouts,
    Probe, Protocol, RetryBudget, WhenAllDown,
};
use tidegate_core::model::ratio::{Ratio, Weight};
use tidegate_core::model::server::{Availability, Member, Server, ServerId, ServerState};
use tidegate_core::rng::Rng;
use tidegate_core::time::Duration;
use tidegate_sim::server::{self, Answer, Build};

use super::super::oracle::FAILURES;

/// Two to six primaries, perhaps a backup, one of six rules; three pools of four have active
/// checks.
pub(super) fn pool(chance: &mut Rng) -> Pool {
    let (primaries, backups) = (2 + chance.below(5), chance.below(2));
    let servers =
        (0..primaries + backups).map(|place| server_of(place, place >= primaries, chance));
    Pool {
        name: PoolName::new("shop"),
        servers: servers.collect(),
        balance: balance(chance),
        protocol: Protocol::Http1,
        tls: None,
        slow_start: Duration::ZERO,
        drain_timeout: Duration::from_secs(300),
        backup_when: if chance.below(2) == 0 { BackupWhen::Short } else { BackupWhen::Empty },
        when_all_down: WhenAllDown::FailOpen,
        retry_budget: RetryBudget { ratio: ratio(0.2), min_per_second: 3 },
        send_proxy: None,
        timeouts: PoolTimeouts {
            connect: Duration::from_secs(3),
            keep_alive: Duration::from_secs(60),
        },
        health: (chance.below(4) != 0).then(check),
        passive: passive(),
        error_pages: ErrorPages::default(),
        session: None,
        autoscale: None,
    }
}

pub(super) fn members(pool: &Pool) -> Vec<Member> {
    let initial = match pool.health {
        Some(_) => Availability::Starting,
        None => Availability::Healthy,
    };
    let member = |(id, server): (u64, &Server)| Member {
        state: Arc::new(ServerState::new(ServerId(id), initial, server.weight)),
        server: server.clone(),
    };
    (100..).zip(&pool.servers).map(member).collect()
}

pub(super) fn server() -> server::Server {
    server::Server::new(Build {
        service: Duration::from_millis(10),
        capacity: 100,
        cold_factor: 5.0,
        warm_up: Duration::from_secs(10),
    })
}

/// What a probe makes of an answer, and when.
pub(super) fn probe_result(answer: Answer, timeout: Duration) -> (ProbeResult, Duration) {
    match answer {
        Answer::Refused => (ProbeResult::Refused, Duration::ZERO),
        Answer::Status(200, latency) if latency <= timeout => {
            (ProbeResult::Success { latency, status: Some(200) }, latency)
        }
        Answer::Status(code, takes) if takes <= timeout => (ProbeResult::BadStatus(code), takes),
        Answer::Reset(takes) if takes <= timeout => (ProbeResult::Reset, takes),
        _ => (ProbeResult::Timeout, timeout),
    }
}

/// Whether a check accepts what a probe found.
pub(super) fn is_well(result: &ProbeResult, check: &HealthCheck) -> bool {
    matches!(result, ProbeResult::Success { latency, .. } if *latency <= check.fail_after)
}

fn server_of(place: u64, backup: bool, chance: &mut Rng) -> Server {
    Server {
        name: ServerName::new(&format!("server-{place}")),
        address: ([127, 0, 0, 1], 9000).into(),
        weight: Weight::new(1 + chance.below(4) as u16).expect("1 to 4 are weights"),
        backup,
        zone: None,
    }
}

fn balance(chance: &mut Rng) -> Balance {
    match chance.below(6) {
        0 => Balance::RoundRobin,
        1 => Balance::WeightedRoundRobin,
        2 => Balance::Random,
        3 => Balance::LeastConnections,
        4 => Balance::WeightedLeastConnections,
        _ => Balance::PowerOfTwo,
    }
}

fn check() -> HealthCheck {
    HealthCheck {
        probe: Probe::Tcp,
        interval: Duration::from_secs(5),
        interval_changing: Duration::from_millis(500),
        timeout: Duration::from_secs(3),
        unhealthy_after: 3,
        healthy_after: 2,
        slow_after: Duration::from_millis(500),
        fail_after: Duration::from_secs(2),
        initial: InitialHealth::FirstProbe,
        port: None,
    }
}

fn passive() -> PassiveHealth {
    PassiveHealth {
        consecutive_failures: FAILURES,
        eject_for: Duration::from_secs(10),
        max_ejected: ratio(0.5),
        failures: Failures {
            connect: true,
            reset: true,
            timeout: true,
            status: vec![502, 503, 504],
        },
    }
}

fn ratio(value: f64) -> Ratio {
    Ratio::new(value).expect("a share")
}
