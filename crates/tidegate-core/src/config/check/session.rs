//! `[pool.NAME.session]` to the model, and what several of them have to agree on.

use super::whole::{Object, Site, objects};
use crate::config::keys::pool::seed_of;
use crate::config::position::At;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Data, Origin, Path, Table, Value};
use crate::config::text::{cookie, duration, host, name};
use crate::model::pool::{Balance, HashPolicy, HashTable};
use crate::model::route::HostPattern;
use crate::model::session::{
    OnScaleIn, SameSite, Session, SessionCookie, SessionMode, SessionTable, Strength,
};

pub(crate) fn session(table: &Table) -> Option<Session> {
    let mode = match table.text("mode")? {
        "cookie" => SessionMode::Cookie(session_cookie(table)?),
        "ip-hash" => SessionMode::IpHash,
        "table" => SessionMode::Table(SessionTable {
            key: table.parse("key", cookie::session_key)?,
            ttl: table.parse("ttl", duration::wait)?,
            entries: table.integer::<u32>("entries")?.try_into().ok()?,
        }),
        _ => return None,
    };
    let strength = match table.text("strength")? {
        "soft" => Strength::Soft,
        "hard" => Strength::Hard,
        _ => return None,
    };
    let on_scale_in = table.optional("on_scale_in", on_scale_in)?.unwrap_or_default();
    Some(Session { mode, strength, on_scale_in })
}

fn session_cookie(table: &Table) -> Option<SessionCookie> {
    Some(SessionCookie {
        name: table.parse("cookie", name::token)?,
        path: table.parse("path", cookie::cookie_path)?,
        domain: table.optional("domain", |domain| domain.parse(host::cookie_domain))?,
        same_site: match table.text("same_site")? {
            "lax" => SameSite::Lax,
            "strict" => SameSite::Strict,
            "none" => SameSite::None,
            _ => return None,
        },
        ttl: table.parse("ttl", duration::wait)?,
    })
}

fn on_scale_in(value: &Value) -> Option<OnScaleIn> {
    match &value.data {
        Data::Text(_) => Some(OnScaleIn::Move),
        Data::Table(table) => Some(OnScaleIn::Wait(table.parse("wait", duration::wait)?)),
        _ => None,
    }
}

/// How a pool balances: as it says, unless its sessions go by the client's network. Then it
/// balances by that, with what it says of such a hash, and load moves nobody whose session is hard.
pub(crate) fn balance(balance: Balance, pool: &str, session: Option<&Session>) -> Balance {
    let Some(session) = session.filter(|session| session.mode == SessionMode::IpHash) else {
        return balance;
    };
    let (mut policy, prefix_v4, prefix_v6) = match balance {
        Balance::IpHash { policy, prefix_v4, prefix_v6 } => (policy, prefix_v4, prefix_v6),
        _ => {
            let (table, seed) = (HashTable::Maglev, seed_of(pool));
            (HashPolicy { table, balance_factor: 1.25, seed }, 24, 56)
        }
    };
    if session.strength == Strength::Hard {
        policy.balance_factor = f64::INFINITY;
    }
    Balance::IpHash { policy, prefix_v4, prefix_v6 }
}

/// Holds all of them against one another, and against the listeners and routes that there are.
pub(crate) fn hold(site: &mut Site<'_>) {
    hashes_agree(site);
    cookies_can_be_set(site);
    cookies_differ(site);
}

fn sessions<'a>(tree: &'a Table) -> impl Iterator<Item = (Object<'a>, &'a Table)> {
    objects(tree, "pool").filter_map(|pool| Some((pool, pool.table.table("session")?)))
}

/// Tells of a key of a session, at the place where it is written or else at the pool's.
fn tell(
    site: &mut Site<'_>,
    (pool, session, key): (Object<'_>, &Table, &str),
    tell: impl FnOnce(At, &Path<'_>) -> Mistake,
) {
    let at = session.entry(key).and_then(|entry| entry.value.at()).unwrap_or(pool.at);
    let pools = Path::ROOT.key("pool");
    let (own, session) = (pools.key(pool.name), "session");
    site.report.add(tell(at, &own.key(session).key(key)));
}

/// Two rules cannot both decide.
fn hashes_agree(site: &mut Site<'_>) {
    let tree = site.tree;
    for (pool, session) in sessions(tree) {
        let written = pool
            .table
            .entry("balance")
            .filter(|entry| matches!(entry.value.origin, Origin::Written(_)));
        let balance = written.and_then(|entry| entry.value.text());
        // The last is what a pool says that says nothing.
        let agrees = |balance: &&str| matches!(*balance, "ip-hash" | "p2c");
        let Some(balance) = balance.filter(|balance| !agrees(balance)) else { continue };
        if session.text("mode") == Some("ip-hash") {
            let message = format!("`balance = \"{balance}\"` has no effect beside these sessions");
            tell(site, (pool, session, "mode"), |at, path| {
                Mistake::new(at, path, message)
                    .expected("\"cookie\" or \"table\", or `balance = \"ip-hash\"`")
            });
        }
    }
}

/// Browsers refuse some cookies that a server may well set (RFC 6265bis, sections 4.1.3 and 5.7).
fn cookies_can_be_set(site: &mut Site<'_>) {
    let tree = site.tree;
    let encrypts = objects(tree, "listener").any(|one| one.table.value("tls").is_some());
    for (pool, session) in sessions(tree) {
        let Some(cookie) = session.text("cookie") else { continue };
        let lower = cookie.to_ascii_lowercase();
        let (secure, host) = (lower.starts_with("__secure-"), lower.starts_with("__host-"));
        if host && (session.text("path") != Some("/") || session.value("domain").is_some()) {
            tell(site, (pool, session, "cookie"), |at, path| {
                Mistake::new(at, path, "browsers refuse this name with this `path` or `domain`")
                    .expected("`path = \"/\"` and no `domain`, or another name")
            });
        }
        let none = session.text("same_site") == Some("none");
        if (secure || host || none) && !encrypts {
            let key = if none { "same_site" } else { "cookie" };
            tell(site, (pool, session, key), |at, path| {
                Mistake::new(at, path, "browsers refuse this cookie unless a listener has `tls`")
                    .expected("a listener with `tls`, or another value")
            });
        }
    }
}

/// Two cookies of one name that a browser sends to both pools would undo each other at every turn.
fn cookies_differ(site: &mut Site<'_>) {
    let tree = site.tree;
    let held: Vec<_> = sessions(tree)
        .filter_map(|(pool, session)| Some((pool, session, session.text("cookie")?)))
        .collect();
    for (nth, &(pool, session, cookie)) in held.iter().enumerate() {
        let collides = |(other, theirs, name): &&(Object<'_>, &Table, &str)| {
            *name == cookie && paths_meet(session, theirs) && hosts_meet(tree, pool, *other)
        };
        let Some((other, ..)) = held[..nth].iter().find(collides) else { continue };
        let message =
            format!("pool \"{}\" sets a cookie of this name on the same host", other.name);
        tell(site, (pool, session, "cookie"), |at, path| {
            Mistake::new(at, path, message).expected("another name, or a `path` of its own")
        });
    }
}

/// Whether there are requests that carry both (RFC 6265, section 5.1.4).
fn paths_meet(one: &Table, other: &Table) -> bool {
    let (Some(one), Some(other)) = (one.text("path"), other.text("path")) else { return false };
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let rest = long.strip_prefix(short);
    rest.is_some_and(|rest| rest.is_empty() || short.ends_with('/') || rest.starts_with('/'))
}

/// Whether routes to both pools take requests for one host.
fn hosts_meet(tree: &Table, one: Object<'_>, other: Object<'_>) -> bool {
    let (one, other) = (hosts(tree, one.name), hosts(tree, other.name));
    let meets = |host: &Option<HostPattern>| other.iter().any(|theirs| host_meets(host, theirs));
    one.iter().any(meets)
}

/// The hosts whose requests go to a pool; `None`: any.
fn hosts(tree: &Table, pool: &str) -> Vec<Option<HostPattern>> {
    let mut hosts = Vec::new();
    for route in objects(tree, "route").filter(|route| route.table.text("pool") == Some(pool)) {
        let matches = match route.table.value("match").map(|value| &value.data) {
            Some(Data::Table(table)) => vec![table],
            Some(Data::List(tables)) => tables.iter().filter_map(Value::table).collect(),
            _ => Vec::new(),
        };
        let named = |table: &&Table| table.parse_list("host", host::host).unwrap_or_default();
        hosts.extend(matches.iter().flat_map(named).map(Some));
        if matches.is_empty() || matches.iter().any(|table| named(table).is_empty()) {
            hosts.push(None);
        }
    }
    hosts
}

fn host_meets(one: &Option<HostPattern>, other: &Option<HostPattern>) -> bool {
    match (one, other) {
        (None, _) | (_, None) => true,
        (Some(HostPattern::Exact(one)), Some(HostPattern::Exact(other))) => one == other,
        (Some(HostPattern::Exact(host)), Some(HostPattern::Wildcard(suffix)))
        | (Some(HostPattern::Wildcard(suffix)), Some(HostPattern::Exact(host))) => {
            host.ends_with(suffix.as_str())
        }
        (Some(HostPattern::Wildcard(one)), Some(HostPattern::Wildcard(other))) => {
            one.ends_with(other.as_str()) || other.ends_with(one.as_str())
        }
    }
}
