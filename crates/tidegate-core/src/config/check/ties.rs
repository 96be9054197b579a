//! Finds routes that tie: equally specific, and met by one and the same request.
//!
//! A route's alternatives are spread into claims, one for each listener, host and path they name.
//! Only claims to the same place (equal listener, host and path, with all regular expressions of a
//! host counted as one path, as whether two of them overlap is not decided) of the same specificity
//! can tie, so claims are sorted by that and compared within their group alone. Two claims of a
//! group do not tie if no request can meet both: disjoint methods, different exact values of one
//! header, cookie, query key or body pointer, one present and one absent, or disjoint client
//! networks. Large
//! groups are split by such values first, so that ten thousand routes told apart by a header are no
//! burden.
//!
//! `not` is left aside: it counts for nothing in specificity, and what it excludes is not worked
//! out.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::whole::objects;
use crate::config::position::{At, Files};
use crate::config::raw::report::{Mistake, Report};
use crate::config::raw::tree::{Path, Table};
use crate::model::body::{BodyCondition, BodyValue};
use crate::model::route::{HostPattern, PathPattern, Route, RouteMatch, ValuePattern};

/// What a claim is sorted by: equal keys are equally specific and to the same place.
type Key<'a> = (Option<&'a str>, Option<&'a HostPattern>, PathKey<'a>, bool, usize);

/// One listener, host and path that an alternative of a route names.
#[derive(Clone, Copy)]
struct Claim<'a> {
    key: Key<'a>,
    route: &'a Route,
    conditions: &'a RouteMatch,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PathKey<'a> {
    Exact(&'a str),
    Prefix(&'a str),
    Regex,
    Any,
}

/// Two routes, the one that is reported first.
type Pair<'a> = (&'a Route, &'a Route);

/// Reports routes that tie, and routes that a tie settled by priority leaves nothing.
pub(crate) fn find(routes: &[Route], tree: &Table, files: &Files, report: &mut Report) {
    let mut claims: Vec<Claim<'_>> = routes.iter().flat_map(claims).collect();
    claims.sort_by(|a, b| {
        let priority = a.route.priority.cmp(&b.route.priority);
        a.key.cmp(&b.key).then(priority).then_with(|| a.route.name.cmp(&b.route.name))
    });
    let mut ties = Vec::new();
    let mut shadowed = BTreeSet::new();
    for group in claims.chunk_by(|a, b| a.key == b.key) {
        for rivals in group.chunk_by(|a, b| a.route.priority == b.route.priority) {
            search(&rivals.iter().collect::<Vec<_>>(), &mut Vec::new(), &mut ties);
        }
        shade(group, &mut shadowed);
    }
    if ties.is_empty() && shadowed.is_empty() {
        return;
    }
    let places = objects(tree, "route").map(|route| (route.name, route.at)).collect();
    tell(ties, &places, files, report);
    tell_shadowed(routes, &shadowed, &places, report);
}

fn claims(route: &Route) -> Vec<Claim<'_>> {
    route
        .matches
        .iter()
        .flat_map(|conditions| {
            let listeners = some_or_any(&conditions.listeners);
            let hosts = some_or_any(&conditions.hosts);
            let paths = some_or_any(&conditions.paths);
            let more = (!conditions.methods.is_empty(), count(conditions));
            let mut claims = Vec::with_capacity(listeners.len() * hosts.len() * paths.len());
            for listener in &listeners {
                for host in &hosts {
                    for path in &paths {
                        let listener = listener.map(|listener| listener.as_str());
                        let key = (listener, *host, path_key(*path), more.0, more.1);
                        claims.push(Claim { key, route, conditions });
                    }
                }
            }
            claims
        })
        .collect()
}

/// Each of the items, or that there are none.
fn some_or_any<T>(items: &[T]) -> Vec<Option<&T>> {
    if items.is_empty() { vec![None] } else { items.iter().map(Some).collect() }
}

fn path_key(path: Option<&PathPattern>) -> PathKey<'_> {
    match path {
        Some(PathPattern::Exact(path)) => PathKey::Exact(path),
        Some(PathPattern::Prefix(prefix)) => PathKey::Prefix(prefix),
        Some(PathPattern::Regex(_)) => PathKey::Regex,
        None => PathKey::Any,
    }
}

/// Header, cookie, query, client and body conditions: the last rank of specificity.
fn count(conditions: &RouteMatch) -> usize {
    let clients = usize::from(!conditions.clients.is_empty());
    let values = conditions.headers.len() + conditions.cookies.len() + conditions.query.len();
    values + conditions.body.len() + clients
}

/// Claims up to this many are compared each with each.
const SMALL: usize = 32;

/// Finds for each route of a group the first that it ties with.
fn search<'a>(group: &[&Claim<'a>], used: &mut Vec<Subject<'a>>, ties: &mut Vec<Pair<'a>>) {
    let telling = if group.len() > SMALL { telling_subject(group, used) } else { None };
    let Some(subject) = telling else { return sweep(group, ties) };
    let mut by_value: BTreeMap<&str, Vec<&Claim<'a>>> = BTreeMap::new();
    let mut rest = Vec::new();
    for claim in group {
        match exact_value(claim.conditions, subject) {
            Some(value) => by_value.entry(value).or_default().push(claim),
            None => rest.push(*claim),
        }
    }
    used.push(subject);
    for claims in by_value.values() {
        search(claims, used, ties);
        compare_across(&rest, claims, ties);
    }
    search(&rest, used, ties);
    used.pop();
}

/// Compares claims to client networks with those alone whose networks lie around theirs: networks
/// are nested or apart, so in order of address the ones around the next are a stack.
fn sweep<'a>(group: &[&Claim<'a>], ties: &mut Vec<Pair<'a>>) {
    if group.len() <= SMALL {
        return compare(group, ties);
    }
    let (anyone, clients): (Vec<_>, Vec<_>) =
        group.iter().partition(|claim| claim.conditions.clients.is_empty());
    compare(&anyone, ties);
    compare_across(&anyone, &clients, ties);
    let networks = |claim: &&Claim<'a>| {
        let claim = **claim;
        claim.conditions.clients.iter().map(move |network| (*network, claim))
    };
    let mut networks: Vec<(IpNet, Claim<'a>)> = clients.iter().flat_map(networks).collect();
    networks.sort_by_key(|(network, _)| *network);
    let mut around: Vec<(IpNet, Claim<'a>)> = Vec::new();
    for (network, claim) in networks {
        while around.pop_if(|(outer, _)| !outer.contains(&network)).is_some() {}
        let rival = around.iter().find(|(_, rival)| tie(rival, &claim));
        ties.extend(rival.map(|(_, rival)| (claim.route, rival.route)));
        around.push((network, claim));
    }
}

fn compare<'a>(group: &[&Claim<'a>], ties: &mut Vec<Pair<'a>>) {
    for (position, claim) in group.iter().enumerate() {
        let rival = group[..position].iter().find(|rival| tie(rival, claim));
        ties.extend(rival.map(|rival| (claim.route, rival.route)));
    }
}

fn compare_across<'a>(some: &[&Claim<'a>], others: &[&Claim<'a>], ties: &mut Vec<Pair<'a>>) {
    for claim in some {
        let rival = others.iter().find(|rival| tie(rival, claim));
        ties.extend(rival.map(|rival| (claim.route, rival.route)));
    }
}

/// Whether one request can meet both claims, which are of two routes and equally specific.
fn tie(a: &Claim<'_>, b: &Claim<'_>) -> bool {
    a.route.name != b.route.name && !disjoint(a.conditions, b.conditions)
}

fn disjoint(a: &RouteMatch, b: &RouteMatch) -> bool {
    let methods = !a.methods.is_empty()
        && !b.methods.is_empty()
        && a.methods.iter().all(|method| !b.methods.contains(method));
    methods
        || values_disjoint(&a.headers, &b.headers)
        || values_disjoint(&a.cookies, &b.cookies)
        || values_disjoint(&a.query, &b.query)
        || bodies_disjoint(&a.body, &b.body)
        || clients_disjoint(&a.clients, &b.clients)
}

fn values_disjoint(a: &[(String, ValuePattern)], b: &[(String, ValuePattern)]) -> bool {
    a.iter().any(|(name, value)| {
        b.iter().any(|(other, rival)| name == other && value_disjoint(value, rival))
    })
}

fn value_disjoint(a: &ValuePattern, b: &ValuePattern) -> bool {
    use ValuePattern::{Absent, Exact, Present, Regex};
    match (a, b) {
        (Exact(a), Exact(b)) => a != b,
        (Exact(value), Regex(regex)) | (Regex(regex), Exact(value)) => !regex.is_match(value),
        (Absent, Absent) => false,
        (Absent, _) | (_, Absent) => true,
        (Regex(_) | Present, _) | (_, Present) => false,
    }
}

/// A pointer leads to one value at most.
fn bodies_disjoint(a: &[BodyCondition], b: &[BodyCondition]) -> bool {
    a.iter().any(|one| {
        b.iter().any(|other| {
            one.pointer == other.pointer && body_value_disjoint(&one.value, &other.value)
        })
    })
}

fn body_value_disjoint(a: &BodyValue, b: &BodyValue) -> bool {
    use BodyValue::{Exact, Flag, Number, Regex};
    match (a, b) {
        (Exact(a), Exact(b)) => a != b,
        (Exact(value), Regex(regex)) | (Regex(regex), Exact(value)) => !regex.is_match(value),
        (Regex(_), Regex(_)) => false,
        (Number(a), Number(b)) => a != b,
        (Flag(a), Flag(b)) => a != b,
        // Of different kinds.
        _ => true,
    }
}

fn clients_disjoint(a: &[IpNet], b: &[IpNet]) -> bool {
    let overlap = |a: &IpNet, b: &IpNet| a.contains(b) || b.contains(a);
    !a.is_empty() && !b.is_empty() && a.iter().all(|a| b.iter().all(|b| !overlap(a, b)))
}

/// Something that a request has at most one value of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject<'a> {
    Header(&'a str),
    Cookie(&'a str),
    Query(&'a str),
    Body(&'a str),
}

/// The subject that most claims name an exact value of, if two do.
fn telling_subject<'a>(group: &[&Claim<'a>], used: &[Subject<'a>]) -> Option<Subject<'a>> {
    let mut counts: BTreeMap<Subject<'a>, usize> = BTreeMap::new();
    for claim in group {
        for subject in exact_subjects(claim.conditions) {
            *counts.entry(subject).or_default() += 1;
        }
    }
    counts.retain(|subject, count| *count > 1 && !used.contains(subject));
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(subject, _)| subject)
}

fn exact_subjects(conditions: &RouteMatch) -> impl Iterator<Item = Subject<'_>> {
    let headers = exact(&conditions.headers).map(|(name, _)| Subject::Header(name));
    let cookies = exact(&conditions.cookies).map(|(name, _)| Subject::Cookie(name));
    let query = exact(&conditions.query).map(|(name, _)| Subject::Query(name));
    let body = exact_body(conditions).map(|(pointer, _)| Subject::Body(pointer));
    headers.chain(cookies).chain(query).chain(body)
}

fn exact_value<'a>(conditions: &'a RouteMatch, subject: Subject<'_>) -> Option<&'a str> {
    let (conditions, name) = match subject {
        Subject::Header(name) => (&conditions.headers, name),
        Subject::Cookie(name) => (&conditions.cookies, name),
        Subject::Query(name) => (&conditions.query, name),
        Subject::Body(name) => {
            return exact_body(conditions).find(|(known, _)| *known == name).map(|(_, text)| text);
        }
    };
    exact(conditions).find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn exact(conditions: &[(String, ValuePattern)]) -> impl Iterator<Item = (&str, &str)> {
    conditions.iter().filter_map(|(name, value)| match value {
        ValuePattern::Exact(value) => Some((name.as_str(), value.as_str())),
        _ => None,
    })
}

/// Texts alone: numbers and flags are few.
fn exact_body(conditions: &RouteMatch) -> impl Iterator<Item = (&str, &str)> {
    conditions.body.iter().filter_map(|condition| match &condition.value {
        BodyValue::Exact(text) => Some((condition.pointer.text.as_str(), text.as_str())),
        _ => None,
    })
}

/// Marks claims that get nothing because one of higher priority takes the same place without a
/// condition.
///
/// The claim that takes all is met exactly where the others are: `key` holds the place and the
/// number of conditions, and a regular expression is told apart by its text.
fn shade<'a>(group: &[Claim<'a>], shadowed: &mut BTreeSet<(&'a str, &'a str)>) {
    let plain = |claim: &Claim<'_>| {
        let (_, _, path, methods, conditions) = claim.key;
        path != PathKey::Regex && !methods && conditions == 0 && claim.conditions.not.is_none()
    };
    // Claims are sorted by priority, the highest last.
    let Some(highest) = group.iter().rev().find(|claim| plain(claim)) else { return };
    for claim in group.iter().filter(|claim| claim.route.priority < highest.route.priority) {
        shadowed.insert((claim.route.name.as_str(), highest.route.name.as_str()));
    }
}

fn tell(ties: Vec<Pair<'_>>, places: &Places<'_>, files: &Files, report: &mut Report) {
    let mut told = BTreeSet::new();
    for (a, b) in ties {
        let (Some(at_a), Some(at_b)) = (places.get(a.name.as_str()), places.get(b.name.as_str()))
        else {
            continue;
        };
        // The later of the two in the file is the one that was added.
        let ((later, at), (first, first_at)) =
            if at_a > at_b { ((a, *at_a), (b, *at_b)) } else { ((b, *at_b), (a, *at_a)) };
        if !told.insert(later.name.as_str()) {
            continue;
        }
        let message = format!(
            "route \"{}\" ties with route \"{}\" at {}: one request can match both, \
             and neither is more specific",
            later.name,
            first.name,
            files.place(first_at)
        );
        let routes = Path::ROOT.key("route");
        let mistake = Mistake::new(at, &routes.key(later.name.as_str()), message);
        report.add(mistake.expected("conditions that tell them apart, or different `priority`"));
    }
}

/// Where each route is written.
type Places<'a> = BTreeMap<&'a str, At>;

/// A route is out of reach only if each of its claims is; to be cheap, that is said of routes with
/// one claim.
fn tell_shadowed(
    routes: &[Route],
    shadowed: &BTreeSet<(&str, &str)>,
    places: &Places<'_>,
    report: &mut Report,
) {
    let single = |name: &str| {
        let route = routes.binary_search_by(|route| route.name.as_str().cmp(name)).ok();
        route.is_some_and(|route| claims(&routes[route]).len() == 1)
    };
    for (name, by) in shadowed.iter().filter(|(name, _)| single(name)) {
        let Some(at) = places.get(name) else { continue };
        let routes = Path::ROOT.key("route");
        let message = format!(
            "route \"{name}\" is never reached: route \"{by}\" takes the same requests \
             with a higher priority"
        );
        report.add(Mistake::doubt(*at, &routes.key(name), message));
    }
}

#[cfg(test)]
mod tests;
