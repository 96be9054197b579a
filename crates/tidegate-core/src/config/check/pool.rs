//! `[pool.NAME]` to the model.

use std::collections::BTreeMap;

use super::whole::{Object, Site};
use super::{autoscale, health, page, session, tls};
use crate::config::position::At;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, Value, quote};
use crate::config::text::{address, duration, hash_key, name};
use crate::model::ids::{PoolName, ServerName};
use crate::model::pool::{
    BackupWhen, Balance, HashPolicy, HashTable, Pool, PoolTimeouts, Protocol, ProxyVersion,
    RetryBudget, WhenAllDown,
};
use crate::model::ratio::{Ratio, Weight};
use crate::model::server::Server;

pub(crate) fn pool(object: Object<'_>, site: &mut Site<'_>) -> Option<Pool> {
    let table = object.table;
    let pools = Path::ROOT.key("pool");
    let path = pools.key(object.name);
    let members = members(object, &path, site);
    servers_differ(table, &path, site);
    let tls = table.optional("tls", |tls| tls::pool(tls, &path.key("tls"), site));
    let health =
        table.optional("health", |check| health::active(check.table()?, &path.key("health"), site));
    let passive = table
        .table("passive")
        .and_then(|passive| health::passive(passive, &path.key("passive"), site));
    let pages = page::error_pages(table, &path, site);
    let session = table.optional("session", |session| session::session(session.table()?));
    let autoscale = autoscale::autoscale(table, &path, site);
    let session = session?;
    Some(Pool {
        name: PoolName::new(object.name),
        balance: session::balance(balance(table)?, object.name, session.as_ref()),
        protocol: match table.text("protocol")? {
            "http/1.1" => Protocol::Http1,
            "h2" => Protocol::Http2,
            _ => return None,
        },
        servers: members?,
        tls: tls?,
        slow_start: table.parse("slow_start", duration::duration)?,
        drain_timeout: table.parse("drain_timeout", duration::wait)?,
        backup_when: match table.text("backup_when")? {
            "short" => BackupWhen::Short,
            "empty" => BackupWhen::Empty,
            _ => return None,
        },
        when_all_down: match table.text("when_all_down")? {
            "fail-open" => WhenAllDown::FailOpen,
            "refuse" => WhenAllDown::Refuse,
            _ => return None,
        },
        retry_budget: retry_budget(table.table("retry_budget")?)?,
        timeouts: timeouts(table.table("timeouts")?)?,
        send_proxy: table.optional("send_proxy", send_proxy)?,
        health: health?,
        passive: passive?,
        error_pages: pages?,
        session: session.map(Box::new),
        autoscale: autoscale?,
    })
}

fn balance(table: &Table) -> Option<Balance> {
    Some(match table.text("balance")? {
        "round-robin" => Balance::RoundRobin,
        "weighted-round-robin" => Balance::WeightedRoundRobin,
        "least-connections" => Balance::LeastConnections,
        "weighted-least-connections" => Balance::WeightedLeastConnections,
        "random" => Balance::Random,
        "p2c" => Balance::PowerOfTwo,
        "peak-ewma" => Balance::PeakEwma,
        hashing => hash(hashing, table.table("hash")?)?,
    })
}

fn hash(balance: &str, table: &Table) -> Option<Balance> {
    let policy = HashPolicy {
        table: match table.text("table")? {
            "maglev" => HashTable::Maglev,
            "ring" => HashTable::Ring,
            _ => return None,
        },
        balance_factor: table.number("balance_factor")?,
        seed: table.integer("seed")?,
    };
    match balance {
        "source-ip-hash" => Some(Balance::SourceIpHash(policy)),
        "ip-hash" => Some(Balance::IpHash {
            policy,
            prefix_v4: table.integer("prefix_v4")?,
            prefix_v6: table.integer("prefix_v6")?,
        }),
        "hash" => Some(Balance::Hash { policy, key: table.parse("key", hash_key::hash_key)? }),
        _ => None,
    }
}

/// Its listed servers: some, unless a provider starts others.
fn members(object: Object<'_>, path: &Path<'_>, site: &mut Site<'_>) -> Option<Vec<Server>> {
    let (table, path) = (object.table, path.key("servers"));
    let servers = table.list("servers")?;
    if servers.is_empty() && table.entry("autoscale").is_none() {
        let (at, message) = match table.entry("servers").and_then(|entry| entry.value.at()) {
            Some(at) => (at, format!("`{path}` cannot be empty")),
            None => (object.at, format!("`pool.{}` needs `servers`", object.name)),
        };
        let mistake = Mistake::new(at, &path, message);
        site.report.add(mistake.expected("servers, as in `[\"127.0.0.1:9001\"]`, or `autoscale`"));
        return None;
    }
    servers.iter().map(server).collect()
}

fn server(value: &Value) -> Option<Server> {
    let table = value.table()?;
    Some(Server {
        name: ServerName::new(&table.parse("name", name::server)?),
        address: table.parse("address", address::server)?,
        weight: Weight::new(table.integer("weight")?)?,
        backup: table.flag("backup")?,
        zone: table.optional("zone", |zone| zone.parse(name::object))?,
    })
}

fn retry_budget(table: &Table) -> Option<RetryBudget> {
    Some(RetryBudget {
        ratio: Ratio::new(table.number("ratio")?)?,
        min_per_second: table.integer("min_per_second")?,
    })
}

fn timeouts(table: &Table) -> Option<PoolTimeouts> {
    Some(PoolTimeouts {
        connect: table.parse("connect", duration::wait)?,
        keep_alive: table.parse("keep_alive", duration::wait)?,
    })
}

fn send_proxy(version: &Value) -> Option<ProxyVersion> {
    match version.text()? {
        "v1" => Some(ProxyVersion::V1),
        "v2" => Some(ProxyVersion::V2),
        _ => None,
    }
}

/// Names and addresses are each unique; a pool without a primary that takes traffic is doubtful.
fn servers_differ(table: &Table, path: &Path<'_>, site: &mut Site<'_>) {
    let path = path.key("servers");
    let servers = table.list("servers").unwrap_or_default();
    let mut addresses: BTreeMap<String, At> = BTreeMap::new();
    let mut names: BTreeMap<String, At> = BTreeMap::new();
    for (server, at) in servers.iter().filter_map(|server| Some((server.table()?, server.at()?))) {
        let address = server.parse("address", address::server).map(|address| address.to_string());
        let name = server.text("name").map(str::to_owned);
        if let Some(first) = address.and_then(|address| record(&mut addresses, address, at)) {
            let text = quote(server.text("address").unwrap_or_default());
            let message = format!("{text} is already a server, at {}", site.files.place(first));
            site.report
                .add(Mistake::new(at, &path, message).expected("each address once in a pool"));
        } else if let Some(first) = name.and_then(|name| record(&mut names, name, at)) {
            let text = quote(server.text("name").unwrap_or_default());
            let message = format!("{text} already names a server, at {}", site.files.place(first));
            site.report.add(Mistake::new(at, &path, message).expected("each name once in a pool"));
        }
    }
    let built: Option<Vec<_>> = servers.iter().map(server).collect();
    let takes_traffic = |server: &Server| !server.backup && server.weight.value() > 0;
    let idle = built.is_some_and(|built| !built.is_empty() && !built.iter().any(takes_traffic));
    if let (true, Some(at)) = (idle, table.value("servers").and_then(Value::at)) {
        let message = "all servers are backups or have weight 0";
        site.report.add(Mistake::doubt(at, &path, message));
    }
}

/// Where the text was recorded before, or nothing and it is now.
fn record(known: &mut BTreeMap<String, At>, text: String, at: At) -> Option<At> {
    match known.get(&text) {
        Some(first) => Some(*first),
        None => known.insert(text, at),
    }
}
