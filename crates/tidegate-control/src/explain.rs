//! Why a request would go where: the walk of a request through a snapshot, told step by step and
//! not taken.
//!
//! The same code that routes live traffic does the walking. Which server of the pool would be
//! picked is not told, as that depends on the load of the moment; who may be picked is.

mod edits;

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tidegate_core::compress::negotiate::negotiate;
use tidegate_core::edit::facts::Facts;
use tidegate_core::http::head::{BodyLength, Head};
use tidegate_core::http::path::PathError;
use tidegate_core::model::body::BODY_PREFIX_MAX;
use tidegate_core::model::compression::{Coding, Compression};
use tidegate_core::model::ids::{ListenerIndex, ListenerName};
use tidegate_core::route::body::BodyView;
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
    /// The body, which is JSON unless the header fields say otherwise.
    #[serde(default)]
    pub body: Option<String>,
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
    /// What the route changes on the way, in words.
    pub edits: Vec<String>,
    /// The pool that serves it.
    pub pool: Option<Destination>,
    /// What the balancer answers by itself.
    pub answer: Option<Answer>,
    /// Whether the route compresses responses; `None`: it does not, or there is no route.
    pub compression: Option<CompressionStatus>,
}

/// An answer that needs no server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its fields, by name.
    pub fields: Vec<(String, String)>,
    /// Its body.
    pub body: String,
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
    let mut head = head(question, &url)?;
    let request = RouteRequest { listener, head: &head, client: question.from };
    let steps = snapshot.table.explain(&request, body(question));
    let mut explanation = Explanation {
        listener: snapshot.listener(listener).name.to_string(),
        host: head.host().to_owned(),
        path: head.path().to_owned(),
        steps: steps.iter().map(StepStatus::new).collect(),
        route: None,
        edits: Vec::new(),
        pool: None,
        answer: None,
        compression: None,
    };
    let Some(index) = steps.last().and_then(Step::taken) else { return Ok(explanation) };
    let route = snapshot.route(index);
    explanation.route = Some(route.name.to_string());
    let facts = Facts {
        client: question.from,
        scheme: url.scheme,
        port: port(snapshot, listener, &url),
        listener: &snapshot.listener(listener).name.to_string(),
        request_id: Some(0),
    };
    let outcome = edits::apply(route, &mut head, &facts);
    (explanation.edits, explanation.answer) = (outcome.edits, outcome.answer);
    if explanation.answer.is_none() {
        let policy = route.compression.as_ref();
        explanation.compression = policy.map(|policy| CompressionStatus::new(policy, &head));
        let pool = snapshot.pool_of(index);
        explanation.pool = pool.map(|pool| Destination::new(&snapshot.pools[pool.position()]));
    }
    Ok(explanation)
}

/// The head of the request.
fn head(question: &Question, url: &Url<'_>) -> Result<Head, ExplainError> {
    let named = |name: &str| {
        let mut headers = question.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    let host = named("host").unwrap_or(url.authority);
    let mut fields: Vec<(&str, &str)> =
        question.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let Some(body) = &question.body else {
        return Ok(Head::compose(&question.method, host, url.path, &fields)?);
    };
    if named("content-type").is_none() {
        fields.push(("content-type", "application/json"));
    }
    let mut head = Head::compose(&question.method, host, url.path, &fields)?;
    head.set_body(match body.len() {
        0 => BodyLength::Empty,
        length => BodyLength::Exact(length as u64),
    });
    Ok(head)
}

/// As much of the body as routing would see.
fn body(question: &Question) -> BodyView<'_> {
    match &question.body {
        Some(body) if body.len() > BODY_PREFIX_MAX as usize => BodyView::TooLarge,
        Some(body) => BodyView::Whole(body.as_bytes()),
        None => BodyView::Unread,
    }
}

/// The port that the request would come to.
fn port(snapshot: &Snapshot, listener: ListenerIndex, url: &Url<'_>) -> u16 {
    let first = || snapshot.listener(listener).addresses.first().map(|address| address.port());
    url.port.or_else(first).unwrap_or_default()
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
    scheme: &'static str,
    authority: &'a str,
    port: Option<u16>,
    path: &'a str,
}

impl<'a> Url<'a> {
    fn read(text: &'a str) -> Option<Self> {
        if text.starts_with('/') || text == "*" {
            return Some(Self { scheme: "http", authority: "", port: None, path: text });
        }
        let (scheme, rest) = text.split_once("://")?;
        let (scheme, standard) = match scheme.to_ascii_lowercase().as_str() {
            "http" => ("http", 80),
            "https" => ("https", 443),
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() || authority.contains('@') {
            return None;
        }
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Some(Self { scheme, authority, port: Some(port.unwrap_or(standard)), path })
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
        let Some(route) = &self.route else { return f.write_str("no route takes it: 404") };
        if !self.edits.is_empty() {
            writeln!(f, "route {route} changes:")?;
            self.edits.iter().try_for_each(|edit| writeln!(f, "  {edit}"))?;
        }
        if let Some(answer) = &self.answer {
            write!(f, "route {route} answers {answer}")?;
        }
        if let Some(pool) = &self.pool {
            write!(f, "route {route} leads to pool {} ({})", pool.name, pool.balance)?;
            pool.servers.iter().try_for_each(|(name, state)| write!(f, "\n  {name}: {state}"))?;
        }
        self.compression.iter().try_for_each(|compression| write!(f, "\n{compression}"))
    }
}

/// Characters of a body that are shown.
const BODY_SHOWN: usize = 200;

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        self.fields.iter().try_for_each(|(name, value)| write!(f, "\n  {name}: {value}"))?;
        if !self.body.is_empty() {
            let shown: String = self.body.chars().take(BODY_SHOWN).collect();
            let more = if shown.len() < self.body.len() { "…" } else { "" };
            write!(f, "\n  body: {shown:?}{more}")?;
        }
        Ok(())
    }
}
