//! Ports that instances are given must be theirs alone: whoever else listens on one would be taken
//! for an instance, or keep it from starting.

use std::net::{IpAddr, SocketAddr};

use super::rules::addresses;
use super::whole::{Site, objects};
use crate::config::position::At;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, Value};
use crate::config::text::{address, ports};

/// The ports of one pool.
struct Range<'a> {
    pool: &'a str,
    ports: (u16, u16),
    at: At,
}

/// Holds the ranges against one another, and against what listens.
pub(crate) fn differ(site: &mut Site<'_>) {
    let mut ranges: Vec<Range<'_>> =
        objects(site.tree, "pool").filter_map(|pool| range(pool.name, pool.table)).collect();
    ranges.sort_by_key(|range| range.at);
    let taken = taken(site.tree);
    for (place, range) in ranges.iter().enumerate() {
        let meets =
            |other: &&Range<'_>| range.ports.0 <= other.ports.1 && other.ports.0 <= range.ports.1;
        if let Some(other) = ranges[..place].iter().find(meets) {
            let at = site.files.place(other.at);
            let message = format!("instances of pool \"{}\" have these ports, at {at}", other.pool);
            tell(range, message, site);
        }
        let within = |(address, _): &&(SocketAddr, At)| {
            (range.ports.0..=range.ports.1).contains(&address.port())
        };
        if let Some((address, at)) = taken.iter().find(within) {
            let message =
                format!("port {} is already taken at {}", address.port(), site.files.place(*at));
            tell(range, message, site);
        }
    }
}

fn range<'a>(pool: &'a str, table: &Table) -> Option<Range<'a>> {
    let value = table.table("autoscale")?.table("process")?.value("ports")?;
    Some(Range { pool, ports: value.parse(ports::ports)?, at: value.at()? })
}

fn tell(range: &Range<'_>, message: String, site: &mut Site<'_>) {
    let pools = Path::ROOT.key("pool");
    let (pool, keys) = (pools.key(range.pool), ("autoscale", "process"));
    let (autoscale, expected) = (pool.key(keys.0), "ports that nothing else listens on");
    let process = autoscale.key(keys.1);
    site.report.add(Mistake::new(range.at, &process.key("ports"), message).expected(expected));
}

/// What listens on this machine, as far as the file says: the balancer itself, and listed servers.
fn taken(tree: &Table) -> Vec<(SocketAddr, At)> {
    let ours = addresses(tree).into_iter().map(|(_, address, at)| (address, at));
    let here = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    let listed = objects(tree, "pool").flat_map(|pool| pool.table.list("servers"));
    let listed = listed.flatten().filter_map(|server: &Value| {
        let value = server.table()?.value("address")?;
        Some((value.parse(address::server)?, value.at()?))
    });
    ours.chain(listed.filter(|(address, _)| here(address.ip()))).collect()
}
