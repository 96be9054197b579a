//! Why a request would go where: the walk of a request through a snapshot, told step by step and
//! not taken.
//!
//! The same code that routes live traffic does the walking. Which server of the pool would be
//! picked is not told, as that depends on the load of the moment; who may be picked is.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tidegate_core::compress::negotiate::negotiate;
use tidegate_core::http::head::Head;
use tidegate_core::http::path::PathError;
use tidegate_core::model::compression::{Coding, Compression};
use tidegate_core::model::ids::{ListenerIndex, ListenerName};
use tidegate_core::route::explain::{Step, Verdict};
use tidegate_core::route::table::RouteRequest;
use tidegate_core::snapshot::{PoolEntry, Snapshot};

use crate::status::pool;

/// A request that somebody wonders about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// The URL: `http://host/path?query`, or a path alone.
    pub url: String,
    /// Header fields by name; a `Host` among them stands in for that of the URL.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The trusted client address.
    #[serde(default = "localhost")]
    pub from: IpAddr,
    /// The listener it comes to; otherwise the first one on the URL's port, or the first of all.
    #[serde(default)]
    pub listener: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

const fn localhost() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

/// Why a question has no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExplainError {
    /// The URL is not one.
    #[error("not an http URL or a path: {0}")]
    Url(String),
    /// The path is one that is never routed.
    #[error("the path is refused: {0}")]
    Path(#[from] PathError),
    /// There is no such listener.
    #[error("no listener is named {0}")]
    Listener(String),
}

/// Where a request would go, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The listener that it would come to.
    pub listener: String,
    /// The host that routing reads.
    pub host: String,
    /// The path that routing reads.
    pub path: String,
    /// The search, most specific first.
    pub steps: Vec<StepStatus>,
    /// The route that takes it; `None`: 404.
    pub route: Option<String>,
    /// The pool that serves it.
    pub pool: Option<Destination>,
    /// Whether the route compresses responses; `None`: it does not, or there is no route.
    pub compression: Option<CompressionStatus>,
}

/// What a route that compresses would do for this client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompressionStatus {
    /// The content codings on offer, the preferred first.
    pub offered: Vec<Cow<'static, str>>,
    /// The one that a response worth it would be sent in; `None`: the client takes none of them.
    pub coding: Option<Cow<'static, str>>,
}

/// One bucket of the search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStatus {
    /// What brought the search here.
    pub place: String,
    /// The routes that were tried, in order.
    pub trials: Vec<TrialStatus>,
}

/// One route that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialStatus {
    /// Its name.
    pub route: String,
    /// The condition that does not hold; `None`: the route takes the request.
    pub failed: Option<String>,
}

/// A pool that would serve a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// The rule by which a server would be picked.
    pub balance: Cow<'static, str>,
    /// Its servers and whether each may be picked: `healthy` ones may.
    pub servers: Vec<(String, Cow<'static, str>)>,
}

/// Walks a request through a snapshot.
///
/// # Errors
/// [`ExplainError`] when the question is none.
pub fn explain(snapshot: &Snapshot, question: &Question) -> Result<Explanation, ExplainError> {
    let url = Url::read(&question.url).ok_or_else(|| ExplainError::Url(question.url.clone()))?;
    let listener = listener(snapshot, question, &url)?;
    let named = question.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = named.map_or(url.authority, |(_, host)| host);
    let fields: Vec<(&str, &str)> =
        question.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let head = Head::compose(&question.method, host, url.path, &fields)?;
    let request = RouteRequest { listener, head: &head, client: question.from };
    let steps = snapshot.table.explain(&request);
    let route = steps.last().and_then(Step::taken);
    Ok(Explanation {
        listener: snapshot.listener(listener).name.to_string(),
        host: head.host().to_owned(),
        path: head.path().to_owned(),
        steps: steps.iter().map(StepStatus::new).collect(),
        route: route.map(|route| snapshot.route(route).name.to_string()),
        pool: route
            .map(|route| Destination::new(&snapshot.pools[snapshot.pool_of(route).position()])),
        compression: route.and_then(|route| {
            let policy = snapshot.route(route).compression.as_ref()?;
            Some(CompressionStatus::new(policy, &head))
        }),
    })
}

fn listener(
    snapshot: &Snapshot,
    question: &Question,
    url: &Url<'_>,
) -> Result<ListenerIndex, ExplainError> {
    if let Some(name) = &question.listener {
        let index = snapshot.listener_index(&ListenerName::new(name));
        return index.ok_or_else(|| ExplainError::Listener(name.clone()));
    }
    let listeners = &snapshot.config.listeners;
    let on_port =
        |port| listeners.iter().position(|one| one.addresses.iter().any(|a| a.port() == port));
    let place = url.port.and_then(on_port).unwrap_or(0);
    if listeners.is_empty() {
        return Err(ExplainError::Listener("at all".to_owned()));
    }
    Ok(ListenerIndex::new(place))
}

/// The parts of a URL that routing reads.
struct Url<'a> {
    authority: &'a str,
    port: Option<u16>,
    path: &'a str,
}

impl<'a> Url<'a> {
    fn read(text: &'a str) -> Option<Self> {
        if text.starts_with('/') || text == "*" {
            return Some(Self { authority: "", port: None, path: text });
        }
        let (scheme, rest) = text.split_once("://")?;
        let standard = match scheme.to_ascii_lowercase().as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() || authority.contains('@') {
            return None;
        }
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Some(Self { authority, port: Some(port.unwrap_or(standard)), path })
    }
}

impl StepStatus {
    fn new(step: &Step) -> Self {
        let text = step.to_string();
        let place = text.lines().next().unwrap_or_default().trim_end_matches(':').to_owned();
        let trials = step.trials.iter().map(|trial| TrialStatus {
            route: trial.name.to_string(),
            failed: match &trial.verdict {
                Verdict::Taken => None,
                Verdict::Failed(condition) => Some(condition.clone()),
            },
        });
        Self { place, trials: trials.collect() }
    }
}

impl Destination {
    fn new(entry: &PoolEntry) -> Self {
        let servers = entry.members.iter().map(|member| {
            (member.server.name.to_string(), member.state.availability().as_str().into())
        });
        Self {
            name: entry.pool.name.to_string(),
            balance: pool::balance(&entry.pool.balance).into(),
            servers: servers.collect(),
        }
    }
}

impl CompressionStatus {
    fn new(policy: &Compression, request: &Head) -> Self {
        let name = |coding: Coding| coding.as_str().into();
        let coding = negotiate(request.values("accept-encoding"), &policy.codings);
        Self {
            offered: policy.codings.iter().copied().map(name).collect(),
            coding: coding.map(name),
        }
    }
}

impl fmt::Display for CompressionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offered = self.offered.join(", ");
        match &self.coding {
            Some(coding) => write!(f, "a response that is worth it is sent in {coding}")?,
            None => f.write_str("responses are sent as they are: the client takes none")?,
        }
        write!(f, " of {offered}")
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.is_empty() { "(none)" } else { &self.host };
        writeln!(f, "listener {}, host {host}, path {}", self.listener, self.path)?;
        for step in &self.steps {
            writeln!(f, "{}:", step.place)?;
            for trial in &step.trials {
                match &trial.failed {
                    None => writeln!(f, "  {}: taken", trial.route)?,
                    Some(why) => writeln!(f, "  {}: does not hold: {why}", trial.route)?,
                }
            }
        }
        match (&self.route, &self.pool) {
            (Some(route), Some(pool)) => {
                write!(f, "route {route} leads to pool {} ({})", pool.name, pool.balance)?;
                pool.servers
                    .iter()
                    .try_for_each(|(name, state)| write!(f, "\n  {name}: {state}"))?;
                self.compression.iter().try_for_each(|compression| write!(f, "\n{compression}"))
            }
            _ => f.write_str("no route takes it: 404"),
        }
    }
}
