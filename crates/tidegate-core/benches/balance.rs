//! What one pick costs, by rule and size of the pool.
//!
//! `cargo bench -p tidegate-core --bench balance`. The bars for a pool of 1,000 servers are 200 ns
//! for the rules that look at one or two servers and 2 µs for those that look at all. `busy` pools
//! have 1 to 20 requests in flight on each server, `idle` pools none, `even` pools one: then a scan
//! ends in one big tie, which is its dearest case.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tidegate_core::balance::balancer::{Balancer, PickRequest};
use tidegate_core::balance::peak_ewma;
use tidegate_core::balance::plan::Plan;
use tidegate_core::model::edit::ErrorPages;
use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::model::pool::{
    BackupWhen, Balance, Failures, HashKey, HashPolicy, HashTable, PassiveHealth, Pool,
    PoolTimeouts, Protocol, RetryBudget, WhenAllDown,
};
use tidegate_core::model::ratio::{Ratio, Weight};
use tidegate_core::model::server::{Availability, Member, Server, ServerId, ServerState};
use tidegate_core::rng::Rng;
use tidegate_core::time::{Duration, Instant};

const SIZES: [u16; 3] = [10, 100, 1_000];

fn picks(criterion: &mut Criterion) {
    for (rule, balance) in rules() {
        let mut group = criterion.benchmark_group(rule);
        for size in SIZES {
            for (load, in_flight) in [("busy", 1..21), ("idle", 0..1), ("even", 1..2)] {
                let members = members(size, &in_flight);
                let plan = Arc::new(Plan::build(&pool(balance.clone(), &members)));
                let mut balancer = Balancer::new(plan, 1);
                let mut rng = Rng::new(2);
                let mut now = Instant::from_nanos(1);
                group.bench_function(BenchmarkId::new(load, size), |bencher| {
                    bencher.iter(|| {
                        now = now + Duration::from_micros(10);
                        let (draw, key) = (rng.draw(), Some(rng.draw()));
                        let request = PickRequest { key, tried: &[], draw, now };
                        balancer.pick(black_box(&members), black_box(1), &request)
                    });
                });
            }
        }
        group.finish();
    }
}

fn rules() -> [(&'static str, Balance); 9] {
    let hash = |table| Balance::Hash {
        policy: HashPolicy { table, balance_factor: 1.25, seed: 7 },
        key: HashKey::Path,
    };
    [
        ("round-robin", Balance::RoundRobin),
        ("weighted-round-robin", Balance::WeightedRoundRobin),
        ("least-connections", Balance::LeastConnections),
        ("weighted-least-connections", Balance::WeightedLeastConnections),
        ("random", Balance::Random),
        ("p2c", Balance::PowerOfTwo),
        ("peak-ewma", Balance::PeakEwma),
        ("hash-maglev", hash(HashTable::Maglev)),
        ("hash-ring", hash(HashTable::Ring)),
    ]
}

/// Servers of weights 1 to 10.
fn members(size: u16, in_flight: &Range<u64>) -> Vec<Member> {
    let mut rng = Rng::new(3);
    (0..size).map(|number| member(number, &mut rng, in_flight)).collect()
}

fn member(number: u16, rng: &mut Rng, in_flight: &Range<u64>) -> Member {
    let weight = Weight::new(1 + number % 10).expect("at most 10");
    let state = ServerState::new(ServerId(number.into()), Availability::Healthy, weight);
    for _ in 0..in_flight.start + rng.below(in_flight.end - in_flight.start) {
        state.begin();
    }
    let latency = Duration::from_micros(500 + rng.below(20_000));
    peak_ewma::observe(&state, latency, false, Instant::from_nanos(1));
    let server = Server {
        name: ServerName::new(&format!("server-{number}")),
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, number)),
        weight,
        backup: false,
        zone: None,
    };
    Member { server, state: Arc::new(state) }
}

fn pool(balance: Balance, members: &[Member]) -> Pool {
    let second = Duration::from_secs(1);
    Pool {
        name: PoolName::new("bench"),
        balance,
        servers: members.iter().map(|member| member.server.clone()).collect(),
        protocol: Protocol::Http1,
        tls: None,
        slow_start: 30 * second,
        drain_timeout: 300 * second,
        backup_when: BackupWhen::Short,
        when_all_down: WhenAllDown::FailOpen,
        retry_budget: RetryBudget {
            ratio: Ratio::new(0.2).expect("is a ratio"),
            min_per_second: 3,
        },
        timeouts: PoolTimeouts { connect: second, keep_alive: second },
        send_proxy: None,
        health: None,
        passive: PassiveHealth {
            consecutive_failures: 5,
            eject_for: 10 * second,
            max_ejected: Ratio::new(0.5).expect("is a ratio"),
            failures: Failures { connect: true, reset: true, timeout: true, status: Vec::new() },
        },
        error_pages: ErrorPages::default(),
        session: None,
        autoscale: None,
    }
}

criterion_group!(benches, picks);
criterion_main!(benches);
