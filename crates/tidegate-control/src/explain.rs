//! Why a request would go where: the walk of a request through a snapshot, told step by step and
//! not taken.
//!
//! The same code that routes live traffic does the walking. Which server of the pool would be
//! picked is not told, as that depends on the load of the moment; who may be picked is.

mod arrival;
mod edits;
mod keys;
mod print;
mod reach;
mod session;
mod url;
mod version;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tidegate_core::compress::negotiate::negotiate;
use tidegate_core::edit::facts::Facts;
use tidegate_core::http::head::{BodyLength, Head};
use tidegate_core::http::path::PathError;
use tidegate_core::http::scheme::Scheme;
use tidegate_core::model::body::BODY_PREFIX_MAX;
use tidegate_core::model::compression::{Coding, Compression};
use tidegate_core::model::ids::{ListenerIndex, ListenerName, PoolIndex};
use tidegate_core::model::listener::Listener;
use tidegate_core::model::route::Route;
use tidegate_core::route::body::BodyView;
use tidegate_core::route::explain::{Step, Verdict};
use tidegate_core::route::table::RouteRequest;
use tidegate_core::snapshot::{PoolEntry, Snapshot};

use self::arrival::Arrival;
use self::keys::Keys;
use self::session::Pools;
use self::url::Url;
use self::version::Asker;
use crate::status::pool;
use crate::tls::parts::Tls;

pub use self::session::Sticking;
pub use self::version::Version;

/// A request that somebody wonders about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// The URL: `http://host/path?query`, or a path alone. Over https its host is also the one that
    /// the connection is opened for.
    pub url: String,
    /// Header fields by name; a `Host` among them stands in for that of the URL.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The trusted client address.
    #[serde(default = "localhost")]
    pub from: IpAddr,
    /// The listener it comes to; otherwise the first one on the URL's port, else the first that
    /// speaks its scheme, else the first of all.
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
    /// What its connection meets before it, in words: a PROXY header, TLS.
    pub connection: Vec<String>,
    /// The host that routing reads.
    pub host: String,
    /// The path that routing reads.
    pub path: String,
    /// The search, most specific first.
    pub steps: Vec<StepStatus>,
    /// The route that takes it; `None`: it is answered before routing, or gets 404.
    pub route: Option<String>,
    /// What the route changes on the way, in words.
    pub edits: Vec<String>,
    /// The version that it meets, where its pool is one that a rollout is for.
    pub version: Option<Version>,
    /// The pool that serves it; stable where it cannot be told which version does.
    pub pool: Option<Destination>,
    /// What keeps its user on a server.
    pub session: Option<Sticking>,
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
    /// How they are reached where that is more than HTTP/1.1 in the clear, in words.
    pub connection: Vec<String>,
}

/// Walks a request through a snapshot.
///
/// # Errors
/// [`ExplainError`] when the question is none.
pub fn explain(
    snapshot: &Snapshot,
    tls: &Tls,
    question: &Question,
) -> Result<Explanation, ExplainError> {
    let url = Url::read(&question.url).ok_or_else(|| ExplainError::Url(question.url.clone()))?;
    let index = listener(snapshot, question, &url)?;
    let listener = snapshot.listener(index);
    let mut head = head(question, &url)?;
    let opened_for = [url.authority, question.named("host").unwrap_or_default()];
    let opened_for = opened_for.into_iter().find(|authority| !authority.is_empty());
    let arrival = Arrival {
        listener,
        tls,
        client: question.from,
        scheme: url.scheme,
        server_name: opened_for.and_then(url::server_name),
    };
    let mut explanation = Explanation::of(&arrival, &head);
    if explanation.answer.is_some() {
        return Ok(explanation);
    }
    let request = RouteRequest { listener: index, head: &head, client: question.from };
    let steps = snapshot.table.explain(&request, body(question));
    explanation.steps = steps.iter().map(StepStatus::new).collect();
    let Some(index) = steps.last().and_then(Step::taken) else { return Ok(explanation) };
    let facts = Facts {
        client: question.from,
        scheme: scheme(listener),
        port: port(listener, &url),
        listener: listener.name.as_str(),
        request_id: Some(0),
    };
    let keys = Keys::of(&snapshot.config, tls);
    // Who a user is is told from the request as it came, and the session from what goes on.
    let asker = Asker { head: &head, client: question.from, listener, keys, tls };
    let met = version::told(snapshot, index, &asker);
    explanation.follow(snapshot.route(index), &mut head, &facts);
    if let (None, Some(home)) = (&explanation.answer, snapshot.pool_of(index)) {
        let serving = met.as_ref().and_then(|(_, serving)| *serving).unwrap_or(home);
        let [home, serving] =
            [home, serving].map(|pool: PoolIndex| &*snapshot.pools[pool.position()]);
        explanation.session = session::told(Pools { home, serving }, &head, keys);
        explanation.pool = Some(Destination::new(serving));
        explanation.version = met.map(|(version, _)| version);
    }
    Ok(explanation)
}

impl Explanation {
    /// Before a route is looked for.
    fn of(arrival: &Arrival<'_>, head: &Head) -> Self {
        Self {
            listener: arrival.listener.name.to_string(),
            connection: arrival.told(),
            host: head.host().to_owned(),
            path: head.path().to_owned(),
            steps: Vec::new(),
            route: None,
            edits: Vec::new(),
            version: None,
            pool: None,
            session: None,
            answer: arrival.answer(head),
            compression: None,
        }
    }

    /// What the route does that takes the request.
    fn follow(&mut self, route: &Route, head: &mut Head, facts: &Facts<'_>) {
        self.route = Some(route.name.to_string());
        let outcome = edits::apply(route, head, facts);
        (self.edits, self.answer) = (outcome.edits, outcome.answer);
        if self.answer.is_none() {
            let policy = route.compression.as_ref();
            self.compression = policy.map(|policy| CompressionStatus::new(policy, head));
        }
    }
}

impl Question {
    /// The first value of a header field.
    fn named(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let same = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str())
    }
}

/// The head of the request.
fn head(question: &Question, url: &Url<'_>) -> Result<Head, ExplainError> {
    let host = question.named("host").unwrap_or(url.authority);
    let mut fields: Vec<(&str, &str)> =
        question.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let Some(body) = &question.body else {
        return Ok(Head::compose(&question.method, host, url.path, &fields)?);
    };
    if question.named("content-type").is_none() {
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

/// What a listener speaks.
fn scheme(listener: &Listener) -> Scheme {
    if listener.tls.is_some() { Scheme::Https } else { Scheme::Http }
}

/// The port that the request would come to.
fn port(listener: &Listener, url: &Url<'_>) -> u16 {
    let first = || listener.addresses.first().map(|address| address.port());
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
    let speaking = |wanted| listeners.iter().position(|one| scheme(one) == wanted);
    let place = url.port.and_then(on_port).or_else(|| url.scheme.and_then(speaking)).unwrap_or(0);
    if listeners.is_empty() {
        return Err(ExplainError::Listener("at all".to_owned()));
    }
    Ok(ListenerIndex::new(place))
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
            connection: reach::told(&entry.pool),
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
