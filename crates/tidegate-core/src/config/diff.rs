//! What differs between two configurations: data that a reload logs and reports.
//!
//! Objects are told apart by name, servers by pool and name; a renamed one is one that goes and one
//! that comes. What a difference means for traffic is for others to decide; here it is only found,
//! and it is said which differences a running process cannot follow.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::audience::Audience;
use crate::model::autoscale::{Autoscale, Bounds};
use crate::model::listener::Listener;
use crate::model::node::{Admin, Config, Keys, Log, Runtime};
use crate::model::pool::Pool;
use crate::model::provider::Provider;
use crate::model::rollout::{Rollout, Strategy};
use crate::model::route::Route;
use crate::model::server::Server;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is about.
    pub subject: Subject,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The process: `runtime`, `admin`, `metrics`, `keys`, `log`, `notify` and `geo`.
    Process,
    /// A listener, by name.
    Listener(String),
    /// A route, by name.
    Route(String),
    /// A pool, by name.
    Pool(String),
    /// A server, by pool and name.
    Server {
        /// The pool.
        pool: String,
        /// The server.
        server: String,
    },
    /// A rollout, by name.
    Rollout(String),
    /// An audience, by name.
    Audience(String),
}

/// What happened to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It came.
    Added,
    /// It went.
    Removed,
    /// These keys of it differ.
    Changed(Vec<&'static str>),
}

/// Keys that a running process cannot follow: threads and sockets that are made once.
const NEED_RESTART: [&str; 4] =
    ["runtime.workers", "runtime.state", "admin.address", "metrics.address"];

impl Change {
    /// The keys in it that take effect at the next start only.
    pub fn needs_restart(&self) -> impl Iterator<Item = &'static str> {
        let keys = match &self.kind {
            ChangeKind::Changed(keys) => keys.as_slice(),
            ChangeKind::Added | ChangeKind::Removed => &[],
        };
        keys.iter().copied().filter(|key| NEED_RESTART.contains(key))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ChangeKind::Added => write!(f, "{} added", self.subject),
            ChangeKind::Removed => write!(f, "{} removed", self.subject),
            ChangeKind::Changed(keys) => {
                write!(f, "{} changed: {}", self.subject, keys.join(", "))
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process => f.write_str("process"),
            Self::Listener(name) => write!(f, "listener {name}"),
            Self::Route(name) => write!(f, "route {name}"),
            Self::Pool(name) => write!(f, "pool {name}"),
            Self::Server { pool, server } => write!(f, "server {pool}/{server}"),
            Self::Rollout(name) => write!(f, "rollout {name}"),
            Self::Audience(name) => write!(f, "audience {name}"),
        }
    }
}

/// What changes from `old` to `new`: the process, then listeners, routes, pools, servers, rollouts
/// and audiences, each by name.
#[must_use]
pub fn diff(old: &Config, new: &Config) -> Vec<Change> {
    let mut changes = Vec::new();
    change(&mut changes, Subject::Process, process(old, new));
    compare(&mut changes, (&old.listeners, &new.listeners), &LISTENER);
    compare(&mut changes, (&old.routes, &new.routes), &ROUTE);
    compare(&mut changes, (&old.pools, &new.pools), &POOL);
    servers(&mut changes, old, new);
    compare(&mut changes, (&old.rollouts, &new.rollouts), &ROLLOUT);
    compare(&mut changes, (&old.audiences, &new.audiences), &AUDIENCE);
    changes
}

/// How objects of a kind are told apart and compared.
struct Comparison<T, S> {
    name: fn(&T) -> &str,
    subject: S,
    keys: fn(&T, &T) -> Vec<&'static str>,
}

type Named<T> = Comparison<T, fn(String) -> Subject>;

const LISTENER: Named<Listener> =
    Comparison { name: |l| l.name.as_str(), subject: Subject::Listener, keys: listener };
const ROUTE: Named<Route> =
    Comparison { name: |r| r.name.as_str(), subject: Subject::Route, keys: route };
const POOL: Named<Pool> =
    Comparison { name: |p| p.name.as_str(), subject: Subject::Pool, keys: pool };
const ROLLOUT: Named<Rollout> =
    Comparison { name: |r| r.name.as_str(), subject: Subject::Rollout, keys: rollout };
const AUDIENCE: Named<Audience> =
    Comparison { name: |a| a.name.as_str(), subject: Subject::Audience, keys: audience };

/// Names of the fields that differ; those behind `but` are compared elsewhere. A field that is in
/// neither list does not compile, so that none is forgotten.
macro_rules! differing {
    ($old:expr, $new:expr, $type:ident {
        $($key:literal: $field:ident),+ $(,)?
    } $(but { $($other:ident),+ })?) => {{
        let ($type { $($field: _,)+ $($($other: _),+)? }, new) = (&$old, &$new);
        let mut keys = Vec::new();
        $(if $old.$field != new.$field { keys.push($key); })+
        keys
    }};
}

fn process(old: &Config, new: &Config) -> Vec<&'static str> {
    let mut keys = differing!(old.runtime, new.runtime, Runtime {
        "runtime.workers": workers,
        "runtime.state": state,
        "runtime.shutdown_delay": shutdown_delay,
        "runtime.shutdown_grace": shutdown_grace,
        "runtime.watch": watch,
    });
    keys.extend(differing!(old.admin, new.admin, Admin {
        "admin.address": address,
        "admin.tokens": tokens,
    }));
    keys.extend(differing!(old.keys, new.keys, Keys { "keys.signing": signing }));
    keys.extend(differing!(old.log, new.log, Log {
        "log.level": level,
        "log.access": access,
        "log.format": format,
        "log.redact": redact,
    }));
    keys.extend(differing!(old, new, Config {
        "metrics.address": metrics,
        "notify": notify,
        "geo.database": geo,
    } but { runtime, admin, log, keys, listeners, routes, pools, audiences, rollouts }));
    keys
}

fn listener(old: &Listener, new: &Listener) -> Vec<&'static str> {
    differing!(old, new, Listener {
        "address": addresses,
        "trusted_proxies": trusted_proxies,
        "proxy_protocol": proxy_protocol,
        "client_header": client_header,
        "redirect": redirect,
        "tls": tls,
        "limits": limits,
    } but { name })
}

/// Regular expressions compare by their text, which is what `Debug` shows of them.
fn route(old: &Route, new: &Route) -> Vec<&'static str> {
    let mut keys = Vec::new();
    if old.target != new.target {
        keys.push(new.target.key());
    }
    keys.extend(differing!(old, new, Route {
        "priority": priority,
        "path": path,
        "timeouts": timeouts,
        "limits.body_bytes": body_bytes,
        "limits.upgrade": upgrade,
        "retry": retry,
        "response": response,
        "response.compress": compression,
    } but { name, target, matches, request }));
    if format!("{:?}", old.matches) != format!("{:?}", new.matches) {
        keys.push("match");
    }
    if format!("{:?}", old.request) != format!("{:?}", new.request) {
        keys.push("request");
    }
    keys
}

/// Servers are told of one by one.
fn pool(old: &Pool, new: &Pool) -> Vec<&'static str> {
    let mut keys = differing!(old, new, Pool {
        "balance": balance,
        "protocol": protocol,
        "tls": tls,
        "slow_start": slow_start,
        "drain_timeout": drain_timeout,
        "backup_when": backup_when,
        "when_all_down": when_all_down,
        "retry_budget": retry_budget,
        "timeouts": timeouts,
        "send_proxy": send_proxy,
        "health": health,
        "passive": passive,
        "error_page": error_pages,
        "session": session,
    } but { name, servers, autoscale });
    match (&old.autoscale, &new.autoscale) {
        (Some(old), Some(new)) => keys.extend(autoscale(old, new)),
        (None, None) => {}
        _ => keys.push("autoscale"),
    }
    keys
}

fn autoscale(old: &Autoscale, new: &Autoscale) -> Vec<&'static str> {
    let mut keys = differing!(old.bounds, new.bounds, Bounds {
        "autoscale.min": min,
        "autoscale.max": max,
    });
    keys.extend(differing!(old, new, Autoscale {
        "autoscale.policy": policy,
        "autoscale.slo": slo,
        "autoscale.startup": startup,
        "autoscale.capacity": capacity,
        "autoscale.targets": targets,
        "autoscale.custom": custom,
        "autoscale.replace_after": replace_after,
        "autoscale.dry_run": dry_run,
        "autoscale.guard": guard,
        "autoscale.levels": levels,
        "autoscale.warm": warm,
        "autoscale.forecast": forecast,
        "autoscale.schedule": schedule,
        "autoscale.budget": budget,
    } but { bounds, provider }));
    if old.provider != new.provider {
        keys.push(match (&old.provider, &new.provider) {
            (Provider::Process(_), Provider::Process(_)) => "autoscale.process",
            (Provider::Exec(_), Provider::Exec(_)) => "autoscale.exec",
            _ => "autoscale.provider",
        });
    }
    keys
}

fn rollout(old: &Rollout, new: &Rollout) -> Vec<&'static str> {
    let mut keys = differing!(old, new, Rollout {
        "pool": pool,
        "candidate": candidate,
        "routes": routes,
        "user": user,
        "always": always,
        "only": only,
        "never": never,
        "smoke": smoke,
        "bake": bake,
        "keep_old": keep_old,
        "keep_size": keep_size,
        "max_total": max_total,
        "freeze_during": freeze_during,
        "mirror": mirror,
        "analysis": analysis,
    } but { name, strategy });
    match (&old.strategy, &new.strategy) {
        (
            Strategy::Canary { steps, hold },
            Strategy::Canary { steps: new_steps, hold: new_hold },
        ) => {
            keys.extend((steps != new_steps).then_some("steps"));
            keys.extend((hold != new_hold).then_some("hold"));
        }
        (Strategy::BlueGreen, Strategy::BlueGreen) => {}
        _ => keys.push("strategy"),
    }
    keys
}

/// As with routes, regular expressions compare by their text.
fn audience(old: &Audience, new: &Audience) -> Vec<&'static str> {
    if format!("{:?}", old.any) == format!("{:?}", new.any) { Vec::new() } else { vec!["any"] }
}

fn server(old: &Server, new: &Server) -> Vec<&'static str> {
    differing!(old, new, Server {
        "address": address,
        "weight": weight,
        "backup": backup,
        "zone": zone,
    } but { name })
}

/// Servers of pools that stay; those of others come and go with them.
fn servers(changes: &mut Vec<Change>, old: &Config, new: &Config) {
    let pools: BTreeMap<_, _> = old.pools.iter().map(|pool| (pool.name.as_str(), pool)).collect();
    for new in &new.pools {
        let Some(old) = pools.get(new.name.as_str()) else { continue };
        let subject = |server| Subject::Server { pool: new.name.to_string(), server };
        let servers = Comparison { name: |s: &Server| s.name.as_str(), subject, keys: server };
        compare(changes, (&old.servers, &new.servers), &servers);
    }
}

fn compare<T, S: Fn(String) -> Subject>(
    changes: &mut Vec<Change>,
    (old, new): (&[T], &[T]),
    how: &Comparison<T, S>,
) {
    let mut both: BTreeMap<&str, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for object in old {
        both.entry((how.name)(object)).or_default().0 = Some(object);
    }
    for object in new {
        both.entry((how.name)(object)).or_default().1 = Some(object);
    }
    for (name, sides) in both {
        let subject = (how.subject)(name.to_owned());
        match sides {
            (Some(old), Some(new)) => change(changes, subject, (how.keys)(old, new)),
            (None, _) => changes.push(Change { subject, kind: ChangeKind::Added }),
            (_, None) => changes.push(Change { subject, kind: ChangeKind::Removed }),
        }
    }
}

fn change(changes: &mut Vec<Change>, subject: Subject, keys: Vec<&'static str>) {
    if !keys.is_empty() {
        changes.push(Change { subject, kind: ChangeKind::Changed(keys) });
    }
}
