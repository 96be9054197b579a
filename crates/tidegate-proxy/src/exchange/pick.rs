//! Step 5 of 8: pick a server. From `route`, to the connections.

use std::net::IpAddr;

use tidegate_core::balance::balancer::PickRequest;
use tidegate_core::balance::key::hash_key;
use tidegate_core::http::head::Head;
use tidegate_core::model::ids::ServerIndex;
use tidegate_core::model::pool::{Balance, HashKey};
use tidegate_core::time::Instant;

use super::state::Exchange;
use super::{Course, route, session};
use crate::downstream::client::Client;
use crate::worker::Worker;

/// The next server for a request that has been on those in `x.tried`: the one that its session
/// names, or else as the pool balances; `None` when there is none.
pub(super) fn pick(
    worker: &Worker,
    client: &Client,
    x: &mut Exchange,
    course: &Course<'_>,
    now: Instant,
) -> Option<ServerIndex> {
    if let Some(server) = session::server(x, course, now) {
        return Some(server);
    }
    let entry = &course.pool.entry;
    let key = key(&entry.pool.balance, client, x, course);
    let request = PickRequest { key, tried: &x.tried, draw: worker.draw(), now };
    let epoch = entry.state.epoch();
    let server = course.pool.balancer.borrow_mut().pick(&entry.members, epoch, &request)?;
    session::picked(course, server, key);
    Some(server)
}

/// What the request is hashed by, when the pool's rule hashes.
fn key(balance: &Balance, client: &Client, x: &Exchange, course: &Course<'_>) -> Option<u64> {
    match balance {
        Balance::SourceIpHash(policy) => {
            Some(address_key(policy.seed, client.origin.peer, 32, 128))
        }
        Balance::IpHash { policy, prefix_v4, prefix_v6 } => {
            let address = route::client_address(x, client.origin.peer, course.listener);
            Some(address_key(policy.seed, address, *prefix_v4, *prefix_v6))
        }
        Balance::Hash { policy, key } => request_key(policy.seed, key, &x.head),
        _ => None,
    }
}

fn address_key(seed: u64, address: IpAddr, prefix_v4: u8, prefix_v6: u8) -> u64 {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix_v4)).unwrap_or(0);
            hash_key(seed, &(u32::from(address) & mask).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix_v6)).unwrap_or(0);
            hash_key(seed, &(u128::from(address) & mask).to_be_bytes())
        }
    }
}

fn request_key(seed: u64, key: &HashKey, head: &Head) -> Option<u64> {
    let bytes = match key {
        HashKey::Header(name) => head.values(name).next()?,
        HashKey::Cookie(name) => head.cookies(name).next()?,
        HashKey::Query(name) => head.query_values(name).next()?.as_bytes(),
        HashKey::Host => head.host().as_bytes(),
        HashKey::Path => head.path().as_bytes(),
        HashKey::Uri => {
            let path = hash_key(seed, head.path().as_bytes());
            return Some(head.query().map_or(path, |query| hash_key(path, query.as_bytes())));
        }
    };
    Some(hash_key(seed, bytes))
}
