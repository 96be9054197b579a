//! A pool to balance over, with its epoch and a balancer on it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::balance::balancer::{Balancer, PickRequest};
use crate::balance::plan::Plan;
use crate::model::edit::ErrorPages;
use crate::model::ids::{PoolName, ServerIndex, ServerName};
use crate::model::pool::{
    BackupWhen, Balance, Failures, HashKey, HashPolicy, HashTable, PassiveHealth, Pool,
    PoolTimeouts, Protocol, RetryBudget, WhenAllDown,
};
use crate::model::ratio::{Ratio, Weight};
use crate::model::server::{
    Availability, Member, PoolState, Rotation, Server, ServerId, ServerState,
};
use crate::rng::Rng;
use crate::time::{Duration, Instant};

/// A pool and one core's balancer on it.
pub(super) struct Fixture {
    pub(super) pool: Pool,
    pub(super) members: Vec<Member>,
    pub(super) state: PoolState,
    pub(super) balancer: Balancer,
    pub(super) rng: Rng,
    pub(super) now: Instant,
}

impl Fixture {
    /// Healthy primaries of the given weights, named `s0`, `s1` and so on.
    pub(super) fn new(balance: Balance, weights: &[u16]) -> Self {
        Self::with(balance, weights, |_| {})
    }

    /// The same with a pool that `change` has gone over.
    pub(super) fn with(balance: Balance, weights: &[u16], change: impl FnOnce(&mut Pool)) -> Self {
        let mut pool = pool(balance, weights);
        change(&mut pool);
        let members: Vec<Member> = (0..).zip(&pool.servers).map(member).collect();
        let balancer = Balancer::new(Arc::new(Plan::build(&pool)), 1);
        let now = Instant::from_nanos(1);
        Self { pool, members, state: PoolState::default(), balancer, rng: Rng::new(42), now }
    }

    /// Picks for a request without a key.
    pub(super) fn pick(&mut self) -> Option<usize> {
        self.pick_with(None, &[])
    }

    /// Picks for a request with `key` that has `tried` some servers.
    pub(super) fn pick_with(&mut self, key: Option<u64>, tried: &[usize]) -> Option<usize> {
        let tried: Vec<ServerIndex> = tried.iter().copied().map(ServerIndex::new).collect();
        let request = PickRequest { key, tried: &tried, draw: self.rng.draw(), now: self.now };
        let server = self.balancer.pick(&self.members, self.state.epoch(), &request)?;
        Some(server.position())
    }

    /// How often each server is picked in `picks` picks, each with a key of its own.
    pub(super) fn tally(&mut self, picks: usize) -> Vec<usize> {
        let mut tally = vec![0; self.members.len()];
        for _ in 0..picks {
            let key = Some(self.rng.draw());
            tally[self.pick_with(key, &[]).expect("the pool has servers")] += 1;
        }
        tally
    }

    /// Each server's picks of `keys` keys, the same each time.
    pub(super) fn owners(&mut self, keys: u64) -> Vec<usize> {
        let mut rng = Rng::new(99);
        (0..keys)
            .map(|_| self.pick_with(Some(rng.draw()), &[]).expect("the pool has servers"))
            .collect()
    }

    /// Sets a server's availability and lets the balancer know.
    pub(super) fn set(&self, server: usize, availability: Availability) {
        self.members[server].state.set_availability(availability);
        self.state.advance();
    }

    /// Lets a server begin its slow start now.
    pub(super) fn join(&self, server: usize) {
        self.members[server].state.set_joined(self.now);
        self.state.advance();
    }

    /// Changes a server's weight.
    pub(super) fn weigh(&self, server: usize, weight: u16) {
        self.members[server].state.set_weight(Weight::new(weight).expect("in range"));
        self.state.advance();
    }

    /// Takes a server into rotation, or out of it.
    pub(super) fn rotate(&self, server: usize, rotation: Rotation) {
        self.members[server].state.set_rotation(rotation);
        self.state.advance();
    }

    pub(super) fn wait(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }
}

/// Every rule, hashes with both tables, with and without bounded load.
pub(super) fn rules() -> Vec<Balance> {
    vec![
        Balance::RoundRobin,
        Balance::WeightedRoundRobin,
        Balance::LeastConnections,
        Balance::WeightedLeastConnections,
        Balance::Random,
        Balance::PowerOfTwo,
        Balance::PeakEwma,
        hash(HashTable::Ring, f64::INFINITY),
        Balance::SourceIpHash(policy(HashTable::Ring, 1.25)),
        Balance::IpHash {
            policy: policy(HashTable::Maglev, f64::INFINITY),
            prefix_v4: 24,
            prefix_v6: 56,
        },
    ]
}

/// A hash rule.
pub(super) fn hash(table: HashTable, balance_factor: f64) -> Balance {
    Balance::Hash { policy: policy(table, balance_factor), key: HashKey::Path }
}

fn policy(table: HashTable, balance_factor: f64) -> HashPolicy {
    HashPolicy { table, balance_factor, seed: 0x7a11 }
}

fn pool(balance: Balance, weights: &[u16]) -> Pool {
    let second = Duration::from_secs(1);
    Pool {
        name: PoolName::new("test"),
        balance,
        servers: (0..).zip(weights).map(server).collect(),
        protocol: Protocol::Http1,
        tls: None,
        slow_start: 30 * second,
        drain_timeout: 300 * second,
        backup_when: BackupWhen::Short,
        when_all_down: WhenAllDown::FailOpen,
        retry_budget: RetryBudget { ratio: Ratio::new(0.2).expect("a ratio"), min_per_second: 3 },
        timeouts: PoolTimeouts { connect: second, keep_alive: second },
        send_proxy: None,
        health: None,
        passive: PassiveHealth {
            consecutive_failures: 5,
            eject_for: second,
            max_ejected: Ratio::new(0.5).expect("a ratio"),
            failures: Failures { connect: true, reset: true, timeout: true, status: Vec::new() },
        },
        error_pages: ErrorPages::default(),
        session: None,
        autoscale: None,
    }
}

fn server((number, &weight): (u16, &u16)) -> Server {
    Server {
        name: ServerName::new(&format!("s{number}")),
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, number)),
        weight: Weight::new(weight).expect("in range"),
        backup: false,
        zone: None,
    }
}

fn member((number, server): (u64, &Server)) -> Member {
    let state = ServerState::new(ServerId(number), Availability::Healthy, server.weight);
    Member { server: server.clone(), state: Arc::new(state) }
}

/// Asserts that `tally` follows `weights` within four standard deviations of chance.
#[track_caller]
pub(super) fn assert_shares(tally: &[usize], weights: &[f64], what: &str) {
    let (picks, total): (usize, f64) = (tally.iter().sum(), weights.iter().sum());
    for (server, (&count, weight)) in tally.iter().zip(weights).enumerate() {
        let share = weight / total;
        let expected = picks as f64 * share;
        let deviation = (expected * (1.0 - share)).sqrt();
        assert!(
            (count as f64 - expected).abs() <= 4.0 * deviation + 1.0,
            "{what}: server {server} got {count} of {picks}, expected {expected:.0}: {tally:?}"
        );
    }
}
