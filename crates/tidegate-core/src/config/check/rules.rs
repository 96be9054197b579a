//! Rules that span objects: addresses that collide, pools and listeners that are missing or left
//! over.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::whole::{Object, Site, objects};
use super::{acme, ports, rollout, session};
use crate::config::position::At;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, Value};
use crate::config::text::address::{self, AdminText};

/// Holds the objects against one another.
pub(crate) fn hold(site: &mut Site<'_>) {
    there_is_a_listener(site);
    addresses_differ(site);
    ports::differ(site);
    tokens_differ(site);
    pools_are_used(site);
    audiences_are_used(site);
    acme::hold(site);
    session::hold(site);
}

fn there_is_a_listener(site: &mut Site<'_>) {
    let start = site.files.at(0, 0);
    let empty = |kind: &str| site.tree.value(kind).is_none_or(is_empty);
    if empty("listener") {
        let mistake = Mistake::new(start, &Path::ROOT.key("listener"), "there is no listener");
        site.report.add(mistake.expected("at least one `[listener.NAME]` with an `address`"));
    } else if empty("route") && !every_listener_redirects(site) {
        let message = "there is no route: every request gets 404";
        site.report.add(Mistake::doubt(start, &Path::ROOT.key("route"), message));
    }
}

fn every_listener_redirects(site: &Site<'_>) -> bool {
    objects(site.tree, "listener").all(|one| one.table.value("redirect").is_some())
}

fn is_empty(value: &Value) -> bool {
    value.table().is_some_and(|table| table.iter().next().is_none())
}

/// Listeners, the admin API and the metrics each need an address of their own; port 0 is always a
/// fresh one.
fn addresses_differ(site: &mut Site<'_>) {
    let mut taken: BTreeMap<SocketAddr, At> = BTreeMap::new();
    for (key, address, at) in addresses(site.tree) {
        if address.port() == 0 {
            continue;
        }
        let Some(first) = taken.insert(address, at) else { continue };
        let message = format!("{address} is already taken at {}", site.files.place(first));
        site.report.add(Mistake::new(at, &key, message).expected("each address once"));
    }
}

/// What the balancer listens on, in the order of the file.
pub(crate) fn addresses(tree: &Table) -> Vec<(String, SocketAddr, At)> {
    let mut found = Vec::new();
    let listeners = Path::ROOT.key("listener");
    for object in objects(tree, "listener") {
        for value in object.table.list("address").unwrap_or_default() {
            if let (Some(address), Some(at)) = (value.parse(address::listen), value.at()) {
                found.push((listeners.key(object.name).key("address").to_string(), address, at));
            }
        }
    }
    let written = |table: &str| {
        let value = tree.table(table)?.value("address")?;
        Some((value, value.at()?))
    };
    if let Some((value, at)) = written("admin")
        && let Some(AdminText::Tcp(address)) = value.parse(address::admin)
    {
        found.push(("admin.address".to_owned(), address, at));
    }
    if let Some((value, at)) = written("metrics")
        && let Some(address) = value.parse(address::listen)
    {
        found.push(("metrics.address".to_owned(), address, at));
    }
    found.sort_by_key(|(_, _, at)| *at);
    found
}

fn tokens_differ(site: &mut Site<'_>) {
    let tokens = site.tree.table("admin").and_then(|admin| admin.list("tokens"));
    let mut names = BTreeSet::new();
    for name in tokens.unwrap_or_default().iter().filter_map(|t| t.table()?.value("name")) {
        let (Some(text), Some(at)) = (name.text(), name.at()) else { continue };
        if !names.insert(text) {
            let message = format!("\"{text}\" already names a token");
            let admin = Path::ROOT.key("admin");
            let mistake = Mistake::new(at, &admin.key("tokens"), message);
            site.report.add(mistake.expected("each name once"));
        }
    }
}

fn pools_are_used(site: &mut Site<'_>) {
    let mut used: BTreeSet<&str> =
        objects(site.tree, "route").filter_map(|route| route.table.text("pool")).collect();
    used.extend(objects(site.tree, "rollout").filter_map(|one| one.table.text("candidate")));
    let exists = |name: &str| site.tree.table("pool").is_some_and(|p| p.value(name).is_some());
    let answered =
        |route: &Table| route.value("redirect").is_some() || route.value("respond").is_some();
    let named = objects(site.tree, "route")
        .all(|route| route.table.text("pool").is_some() || answered(route.table));
    if !named || used.iter().any(|name| !exists(name)) {
        // Most likely a name is misspelled, and one of the pools is used after all.
        return;
    }
    for pool in objects(site.tree, "pool").filter(|pool| !used.contains(pool.name)) {
        let pools = Path::ROOT.key("pool");
        let message = format!("no route uses pool \"{}\"", pool.name);
        site.report.add(Mistake::doubt(pool.at, &pools.key(pool.name), message));
    }
}

fn audiences_are_used(site: &mut Site<'_>) {
    let lists = |rollout: Object<'_>| {
        let named = rollout::AUDIENCES.iter().filter_map(|key| rollout.table.list(key));
        named.flatten().filter_map(Value::text).map(str::to_owned).collect::<Vec<_>>()
    };
    let used: BTreeSet<String> = objects(site.tree, "rollout").flat_map(lists).collect();
    let exists = |name: &str| site.tree.table("audience").is_some_and(|a| a.value(name).is_some());
    if used.iter().any(|name| !exists(name)) {
        // Most likely a name is misspelled, and one of the audiences is used after all.
        return;
    }
    for audience in objects(site.tree, "audience").filter(|one| !used.contains(one.name)) {
        let audiences = Path::ROOT.key("audience");
        let message = format!("no rollout asks for audience \"{}\"", audience.name);
        site.report.add(Mistake::doubt(audience.at, &audiences.key(audience.name), message));
    }
}
