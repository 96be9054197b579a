//! `[listener.NAME]` to the model.

use std::net::SocketAddr;

use super::tls;
use super::whole::{Object, Site, objects};
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, Value};
use crate::config::text::{address, duration, name, size};
use crate::model::ids::ListenerName;
use crate::model::listener::{HttpsPort, Listener, ListenerLimits};
use crate::model::ratio::Limit;

pub(crate) fn listener(object: Object<'_>, site: &mut Site<'_>) -> Option<Listener> {
    let table = object.table;
    let listeners = Path::ROOT.key("listener");
    let path = listeners.key(object.name);
    client_header_is_believed(object, &path, site);
    proxy_header_is_believed(object, &path, site);
    redirects_from_plain(object, &path, site);
    let tls = table.optional("tls", |tls| tls::listener(tls, &path.key("tls"), site));
    Some(Listener {
        name: ListenerName::new(object.name),
        addresses: table.parse_list("address", address::listen)?,
        trusted_proxies: table.parse_list("trusted_proxies", address::network)?,
        proxy_protocol: table.flag("proxy_protocol")?,
        client_header: table.optional("client_header", |header| header.parse(name::header))?,
        redirect: table.optional("redirect", |_| Some(https_port(site)))?,
        tls: tls?,
        limits: limits(table.table("limits")?)?,
    })
}

fn limits(table: &Table) -> Option<ListenerLimits> {
    Some(ListenerLimits {
        handshake_timeout: table.parse("handshake_timeout", duration::wait)?,
        header_timeout: table.parse("header_timeout", duration::wait)?,
        header_bytes: table.parse("header_bytes", size::head_size)?,
        header_fields: table.integer("header_fields")?,
        body_bytes: body_bytes(table.value("body_bytes")?)?,
        idle_timeout: table.parse("idle_timeout", duration::wait)?,
        body_progress: table.parse("body_progress", size::progress)?,
        max_age: table.parse("max_age", duration::wait)?,
        connections: connections(table, "connections")?,
        connections_per_client: connections(table, "connections_per_client")?,
    })
}

/// A size, or no bound.
pub(crate) fn body_bytes(value: &Value) -> Option<Limit<u64>> {
    match value.text()? {
        "unlimited" => Some(Limit::Unlimited),
        text => size::size(text).ok().map(Limit::At),
    }
}

fn connections(table: &Table, key: &str) -> Option<Limit<u32>> {
    match table.text(key) {
        Some("unlimited") => Some(Limit::Unlimited),
        _ => table.integer(key).map(Limit::At),
    }
}

/// A header that nobody is trusted to send would be ignored.
fn client_header_is_believed(object: Object<'_>, path: &Path<'_>, site: &mut Site<'_>) {
    let Some(header) = object.table.entry("client_header") else { return };
    let (Some([]), Some(at)) = (object.table.list("trusted_proxies"), header.key) else { return };
    let mistake = Mistake::new(
        at,
        &path.key("client_header"),
        "`client_header` has no effect without `trusted_proxies`",
    );
    site.report.add(mistake.expected("`trusted_proxies` that name the proxies which send it"));
}

/// With nobody who may connect, a listener would serve nobody.
fn proxy_header_is_believed(object: Object<'_>, path: &Path<'_>, site: &mut Site<'_>) {
    let Some(key) = object.table.entry("proxy_protocol") else { return };
    let required = object.table.flag("proxy_protocol") == Some(true);
    let (true, Some([]), Some(at)) = (required, object.table.list("trusted_proxies"), key.key)
    else {
        return;
    };
    let mistake = Mistake::new(
        at,
        &path.key("proxy_protocol"),
        "`proxy_protocol` without `trusted_proxies` lets nobody in",
    );
    site.report.add(mistake.expected("`trusted_proxies` that name the proxies which connect"));
}

/// What comes in by https is there already.
fn redirects_from_plain(object: Object<'_>, path: &Path<'_>, site: &mut Site<'_>) {
    let Some(redirect) = object.table.entry("redirect") else { return };
    let (Some(_), Some(at)) = (object.table.value("tls"), redirect.key) else { return };
    let message = "a listener with `tls` would redirect to itself";
    let mistake = Mistake::new(at, &path.key("redirect"), message);
    site.report.add(mistake.expected("`redirect` on a listener without `tls`"));
}

/// Where https is: at the port of the one listener with TLS, else where everyone expects it.
fn https_port(site: &Site<'_>) -> HttpsPort {
    let encrypted = objects(site.tree, "listener").filter(|one| one.table.value("tls").is_some());
    let addresses = encrypted.map(|one| one.table.parse_list("address", address::listen));
    match addresses.collect::<Vec<_>>().as_slice() {
        [Some(addresses)] => one_port(addresses).unwrap_or(HttpsPort::DEFAULT),
        _ => HttpsPort::DEFAULT,
    }
}

/// The port of all addresses; port 0 is another one at each start.
fn one_port(addresses: &[SocketAddr]) -> Option<HttpsPort> {
    let (first, others) = addresses.split_first()?;
    let same = others.iter().all(|other| other.port() == first.port());
    (same && first.port() != 0).then_some(HttpsPort(first.port()))
}
