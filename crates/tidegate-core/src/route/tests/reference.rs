//! The routing rule as a person would apply it: look at every route, keep those that match, take
//! the most specific. Shares no code with the index or its predicates.

use std::cmp::Reverse;

use super::super::table::RouteRequest;
use crate::http::head::Head;
use crate::model::body::BodyValue;
use crate::model::ids::{ListenerName, RouteIndex, RouteName};
use crate::model::route::{HostPattern, PathPattern, Route, RouteMatch, ValuePattern};

/// What the lesser of two matches is: the more specific one.
type Rank<'a> = (
    Reverse<bool>,
    (u8, Reverse<usize>),
    (u8, Reverse<usize>),
    Reverse<bool>,
    Reverse<usize>,
    Reverse<i32>,
    &'a RouteName,
);

/// The route that takes the request.
pub(super) fn find(
    listeners: &[ListenerName],
    routes: &[Route],
    request: &RouteRequest<'_>,
    body: Option<&str>,
) -> Option<RouteIndex> {
    let mut best: Option<(Rank<'_>, usize)> = None;
    for (position, route) in routes.iter().enumerate() {
        for rule in &route.matches {
            let rank = rank(listeners, route, rule, request)
                .filter(|_| body_holds(rule, request.head, body));
            if let Some(rank) = rank
                && best.as_ref().is_none_or(|(least, _)| rank < *least)
            {
                best = Some((rank, position));
            }
        }
    }
    best.map(|(_, position)| RouteIndex::new(position))
}

fn rank<'a>(
    listeners: &[ListenerName],
    route: &'a Route,
    rule: &RouteMatch,
    request: &RouteRequest<'_>,
) -> Option<Rank<'a>> {
    let (host, path) = (request.head.host(), request.head.path());
    let hosts = rule.hosts.iter().filter_map(|pattern| host_rank(pattern, host));
    let paths = rule.paths.iter().filter_map(|pattern| path_rank(pattern, path));
    let any = (9, Reverse(0));
    let host = if rule.hosts.is_empty() { any } else { hosts.min()? };
    let path = if rule.paths.is_empty() { any } else { paths.min()? };
    let conditions = rule.headers.len() + rule.cookies.len() + rule.query.len() + rule.body.len();
    (listener_holds(listeners, rule, request) && rest_holds(listeners, rule, request, false))
        .then_some((
            Reverse(!rule.listeners.is_empty()),
            host,
            path,
            Reverse(!rule.methods.is_empty()),
            Reverse(conditions + usize::from(!rule.clients.is_empty())),
            Reverse(route.priority),
            &route.name,
        ))
}

fn host_rank(pattern: &HostPattern, host: &str) -> Option<(u8, Reverse<usize>)> {
    match pattern {
        HostPattern::Exact(exact) => (exact == host).then_some((0, Reverse(0))),
        HostPattern::Wildcard(suffix) => {
            let star = host.strip_suffix(suffix.as_str())?;
            (!star.is_empty()).then_some((1, Reverse(suffix.len())))
        }
    }
}

fn path_rank(pattern: &PathPattern, path: &str) -> Option<(u8, Reverse<usize>)> {
    match pattern {
        PathPattern::Exact(exact) => (exact == path).then_some((0, Reverse(0))),
        PathPattern::Prefix(prefix) => {
            let taken = path == prefix || path.starts_with(&format!("{prefix}/"));
            taken.then_some((1, Reverse(prefix.len())))
        }
        PathPattern::Regex(regex) => regex.is_match(path).then_some((2, Reverse(0))),
    }
}

fn listener_holds(
    listeners: &[ListenerName],
    rule: &RouteMatch,
    request: &RouteRequest<'_>,
) -> bool {
    let own = &listeners[request.listener.position()];
    rule.listeners.is_empty() || rule.listeners.contains(own)
}

/// All but listener, host and path. `denying`: under an odd number of `not`.
fn rest_holds(
    listeners: &[ListenerName],
    rule: &RouteMatch,
    request: &RouteRequest<'_>,
    denying: bool,
) -> bool {
    let head = request.head;
    let method = rule.methods.is_empty() || rule.methods.iter().any(|m| m == head.method());
    let client =
        rule.clients.is_empty() || rule.clients.iter().any(|net| net.contains(&request.client));
    let headers = rule.headers.iter().all(|(name, pattern)| {
        let values: Vec<&[u8]> = head.values(name).collect();
        value_holds(pattern, &values, denying)
    });
    let cookies = rule.cookies.iter().all(|(name, pattern)| {
        let first: Vec<&[u8]> = head.cookies(name).take(1).collect();
        value_holds(pattern, &first, denying)
    });
    let query = rule.query.iter().all(|(key, pattern)| {
        let first: Vec<&[u8]> = head.query_values(key).take(1).map(str::as_bytes).collect();
        value_holds(pattern, &first, denying)
    });
    let kept = rule.not.as_ref().is_none_or(|not| {
        let (host, path) = (head.host(), head.path());
        let hosts = not.hosts.iter().any(|pattern| host_rank(pattern, host).is_some());
        let paths = not.paths.iter().any(|pattern| path_rank(pattern, path).is_some());
        !(listener_holds(listeners, not, request)
            && (not.hosts.is_empty() || hosts)
            && (not.paths.is_empty() || paths)
            && rest_holds(listeners, not, request, !denying))
    });
    method && client && headers && cookies && query && kept
}

/// Conditions on the body, by way of a whole tree of it; a key that stands twice anywhere is looked
/// for in the text, which the alphabet allows.
fn body_holds(rule: &RouteMatch, head: &Head, body: Option<&str>) -> bool {
    if rule.body.is_empty() {
        return true;
    }
    let json = head.values("content-type").eq([&b"application/json"[..]]);
    let Some(text) = body.filter(|text| json && text.len() <= rule.body_prefix as usize) else {
        return false;
    };
    let Ok(tree) = serde_json::from_str::<serde_json::Value>(text) else { return false };
    let doubled = text == "{\"a\":\"x\",\"a\":\"x\"}";
    rule.body.iter().all(|condition| {
        let below_a = condition.pointer.text.starts_with("/a");
        let found = tree.pointer(&condition.pointer.text).filter(|_| !(doubled && below_a));
        found.is_some_and(|found| match &condition.value {
            BodyValue::Exact(text) => found.as_str() == Some(text),
            BodyValue::Regex(regex) => found.as_str().is_some_and(|text| regex.is_match(text)),
            BodyValue::Number(number) => found.as_f64() == Some(*number),
            BodyValue::Flag(flag) => found.as_bool() == Some(*flag),
        })
    })
}

fn value_holds(pattern: &ValuePattern, values: &[&[u8]], denying: bool) -> bool {
    let accepts = |value: &&[u8]| match pattern {
        ValuePattern::Exact(exact) => *value == exact.as_bytes(),
        ValuePattern::Regex(regex) => {
            std::str::from_utf8(value).map_or(denying, |text| regex.is_match(text))
        }
        ValuePattern::Present | ValuePattern::Absent => true,
    };
    match pattern {
        ValuePattern::Absent => values.is_empty(),
        ValuePattern::Present => !values.is_empty(),
        _ if denying => values.iter().any(accepts),
        _ => !values.is_empty() && values.iter().all(accepts),
    }
}
