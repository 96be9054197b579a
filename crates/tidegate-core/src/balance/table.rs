//! The tables of a consistent hash: who owns which key.
//!
//! Primaries and backups have one each, over all that are configured with a weight; availability
//! plays no part. Servers are placed by their names, so that a table is the same on every
//! balancer, and stays the same when servers are merely listed in another order.

use super::key::hash_key;
use super::maglev::Maglev;
use super::ring::Ring;
use crate::model::ids::ServerIndex;
use crate::model::pool::{HashPolicy, HashTable};
use crate::model::server::Server;

/// The tables of one pool.
#[derive(Debug)]
pub(super) struct Tables {
    /// Who owns a key; `None` for a pool without primaries.
    pub(super) primaries: Option<Table>,
    /// Who owns it instead while its owner is missing and backups have stepped in.
    pub(super) backups: Option<Table>,
    /// How many times its fair share a server takes at most.
    pub(super) balance_factor: f64,
}

/// One table over at least one server.
#[derive(Debug)]
pub(super) enum Table {
    Maglev(Maglev),
    Ring(Ring),
}

/// A server as a table places it.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// Who it is.
    pub(super) server: ServerIndex,
    /// Decides where it stands in the table.
    pub(super) hash: u64,
    /// How much of the table is its own, relative to others: 1 to 1000.
    pub(super) weight: u32,
}

impl Tables {
    /// The tables over `servers`.
    pub(super) fn build(policy: &HashPolicy, servers: &[Server]) -> Self {
        Self {
            primaries: Table::build(policy, placed(policy.seed, servers, false)),
            backups: Table::build(policy, placed(policy.seed, servers, true)),
            balance_factor: policy.balance_factor,
        }
    }
}

impl Table {
    fn build(policy: &HashPolicy, servers: Vec<Placed>) -> Option<Self> {
        if servers.is_empty() {
            return None;
        }
        Some(match policy.table {
            HashTable::Maglev => Self::Maglev(Maglev::build(&servers)),
            HashTable::Ring => Self::Ring(Ring::build(&servers)),
        })
    }

    /// The owner of `key`, which is uniform over all of `u64`.
    #[inline]
    pub(super) fn owner(&self, key: u64) -> ServerIndex {
        match self {
            Self::Maglev(maglev) => maglev.owner(key),
            Self::Ring(ring) => ring.owner(key),
        }
    }
}

/// The primaries or backups that take traffic, in the order of their names' hashes.
fn placed(seed: u64, servers: &[Server], backup: bool) -> Vec<Placed> {
    let mut placed: Vec<Placed> = servers
        .iter()
        .enumerate()
        .filter(|(_, server)| server.backup == backup && server.weight.value() > 0)
        .map(|(position, server)| Placed {
            server: ServerIndex::new(position),
            hash: hash_key(seed, server.name.as_str().as_bytes()),
            weight: server.weight.value().into(),
        })
        .collect();
    placed.sort_by_key(|one| one.hash);
    placed
}
