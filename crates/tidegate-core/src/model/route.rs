//! A route: which requests it takes, and what happens to them on the way.

use ipnet::IpNet;
use regex::Regex;

use super::body::BodyCondition;
use super::compression::Compression;
use super::edit::{Redirect, ReplyEdits, RequestEdits, Respond};
use super::ids::{ListenerName, PoolName, RouteName};
use super::ratio::Limit;
use crate::time::Duration;

/// A route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// What answers it.
    pub target: Target,
    /// What it takes: any of these. Never empty; a route without conditions holds one empty match.
    pub matches: Vec<RouteMatch>,
    /// Settles a tie between two matches of equal specificity; the higher wins.
    pub priority: i32,
    /// What it does with odd paths.
    pub path: PathPolicy,
    /// How long its exchanges may take.
    pub timeouts: RouteTimeouts,
    /// Bytes of a request body; `None`: as the listener says.
    pub body_bytes: Option<Limit<u64>>,
    /// Upgrade tokens, in lower case, that may be tunnelled.
    pub upgrade: Vec<String>,
    /// When a failed try is followed by another.
    pub retry: RetryPolicy,
    /// What changes in its requests.
    pub request: Option<RequestEdits>,
    /// What changes in its responses.
    pub response: Option<ReplyEdits>,
    /// Whether and how it compresses responses.
    pub compression: Option<Compression>,
}

impl Route {
    /// The pool that it leads to, if it leads to one.
    #[must_use]
    pub const fn pool(&self) -> Option<&PoolName> {
        match &self.target {
            Target::Pool(pool) => Some(pool),
            Target::Redirect(_) | Target::Respond(_) => None,
        }
    }
}

/// What answers the requests of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A server of this pool.
    Pool(PoolName),
    /// The balancer, by naming another URL.
    Redirect(Redirect),
    /// The balancer, with a fixed answer.
    Respond(Respond),
}

impl Target {
    /// The key of a route that says so.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Pool(_) => "pool",
            Self::Redirect(_) => "redirect",
            Self::Respond(_) => "respond",
        }
    }
}

/// One alternative of a route's `match`: all conditions that are given must hold.
#[derive(Clone, Debug, Default)]
pub struct RouteMatch {
    /// Listeners; empty: any.
    pub listeners: Vec<ListenerName>,
    /// Hosts; empty: any.
    pub hosts: Vec<HostPattern>,
    /// Paths; empty: any. Exact, prefix and regex conditions are alternatives of one another.
    pub paths: Vec<PathPattern>,
    /// Methods, as written; empty: any.
    pub methods: Vec<String>,
    /// Header conditions by lower-case name; all must hold, for every value of the header.
    pub headers: Vec<(String, ValuePattern)>,
    /// Cookie conditions by name; all must hold.
    pub cookies: Vec<(String, ValuePattern)>,
    /// Query conditions by key; all must hold, the first value of a repeated key counts.
    pub query: Vec<(String, ValuePattern)>,
    /// Networks of the trusted client address; empty: any.
    pub clients: Vec<IpNet>,
    /// Conditions on the values of a JSON body; all must hold.
    pub body: Vec<BodyCondition>,
    /// Bytes that a body may have for these to hold.
    pub body_prefix: u32,
    /// What must not hold, itself a match.
    pub not: Option<Box<Self>>,
}

/// A host to match, in lower case, without port or trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// This host alone.
    Exact(String),
    /// `*.example.com`, held as `.example.com`: one or more labels before the suffix.
    Wildcard(String),
}

/// A path to match, in canonical form.
#[derive(Clone, Debug)]
pub enum PathPattern {
    /// This path alone.
    Exact(String),
    /// Whole segments: `/api` takes `/api` and `/api/x`, never `/apix`. Held without a trailing
    /// slash.
    Prefix(String),
    /// Anchored at both ends, matched in linear time.
    Regex(Regex),
}

/// A value to match.
#[derive(Clone, Debug)]
pub enum ValuePattern {
    /// Exactly this.
    Exact(String),
    /// Anchored at both ends, matched in linear time.
    Regex(Regex),
    /// Present, whatever the value.
    Present,
    /// Absent.
    Absent,
}

impl ValuePattern {
    /// Whether a value is as it must be. One that is not UTF-8 satisfies no regular expression.
    #[must_use]
    pub fn takes(&self, value: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => exact.as_bytes() == value,
            Self::Regex(regex) => std::str::from_utf8(value).is_ok_and(|text| regex.is_match(text)),
            Self::Present => true,
            Self::Absent => false,
        }
    }

    /// Whether every value is as it must be, and there is one; or there is none, and must be none.
    pub fn takes_all<'v>(&self, values: impl IntoIterator<Item = &'v [u8]>) -> bool {
        let mut values = values.into_iter().peekable();
        match (values.peek(), self) {
            (None, pattern) => matches!(pattern, Self::Absent),
            (Some(_), pattern) => values.all(|value| pattern.takes(value)),
        }
    }
}

/// What a route does with paths that servers might read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathPolicy {
    /// `%2F` and `%5C`.
    pub encoded_slash: EncodedSlash,
    /// Whether `//` is forwarded as `/`. Routing always reads the merged path.
    pub merge_slashes: bool,
}

/// What to do with a path that holds an encoded slash or backslash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodedSlash {
    /// Answer 400.
    Refuse,
    /// Forward it as it is; routing sees it encoded.
    Keep,
}

/// How long a route's exchanges may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteTimeouts {
    /// From the end of the request head to the response head.
    pub response: Duration,
    /// Without a byte either way while bodies flow.
    pub idle: Duration,
    /// Without a byte either way in a tunnel.
    pub tunnel: Duration,
    /// The whole exchange.
    pub total: Limit<Duration>,
}

/// When a failed try is followed by another on another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Further tries after the first.
    pub retries: u32,
    /// The connection was reset or closed before a response byte.
    pub on_reset: bool,
    /// No response head within `timeouts.response`.
    pub on_timeout: bool,
    /// Response status codes.
    pub on_status: Vec<u16>,
}
