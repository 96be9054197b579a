//! What the index cannot tell: conditions that are checked one by one, on the few entries of a
//! bucket.
//!
//! A header that is repeated is judged by all of its values, and doubt falls on the side of
//! refusal. Where a match grants, every value must satisfy the condition; under a `not`, where it
//! denies, one value is enough. A value that is not UTF-8 satisfies a regex only where it denies.
//! So no second value, and no odd byte, opens a route that its conditions were meant to keep shut.
//!
//! Of a repeated cookie or query key the first value counts. Query text is compared as it stands:
//! percent signs are not decoded, `+` is no space, and only `&` separates, never `;`.

use std::fmt;
use std::sync::Arc;

use ipnet::IpNet;

use super::body::{BodyRule, Values};
use super::table::RouteRequest;
use crate::http::head::Head;
use crate::model::ids::{ListenerIndex, ListenerName, RouteIndex};
use crate::model::route::{HostPattern, PathPattern, RouteMatch, ValuePattern};

/// A route in a bucket, and what must still hold for it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) route: RouteIndex,
    /// Shared by all entries that one match was spread into.
    predicates: Arc<[Predicate]>,
    /// What the body must hold, if that is asked.
    body: Option<Arc<BodyRule>>,
}

/// One condition.
#[derive(Clone, Debug)]
pub(super) enum Predicate {
    /// The listener is one of these.
    Listener(Vec<(ListenerName, ListenerIndex)>),
    /// One of these takes the host.
    Host(Vec<HostPattern>),
    /// One of these takes the path.
    Path(Vec<PathPattern>),
    /// The method is one of these, in the same case.
    Method(Vec<String>),
    /// The trusted client address is in one of these.
    Client(Vec<IpNet>),
    /// A header, a cookie or a query key has the value.
    Field(Field),
    /// At least one of these does not hold.
    Not(Vec<Self>),
}

/// A condition on a named value.
#[derive(Clone, Debug)]
pub(super) struct Field {
    place: Place,
    name: String,
    pattern: ValuePattern,
    role: Role,
}

/// Where a named value stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    Header,
    Cookie,
    Query,
}

/// What follows when a condition holds.
#[derive(Clone, Copy, Debug)]
enum Role {
    /// The route comes nearer to taking the request.
    Grants,
    /// The condition stands under a `not`, and keeps the route from taking it.
    Denies,
}

impl Entry {
    pub(super) fn new(
        route: RouteIndex,
        predicates: Vec<Predicate>,
        body: Option<BodyRule>,
    ) -> Self {
        Self { route, predicates: predicates.into(), body: body.map(Arc::new) }
    }

    /// The same entry with a predicate before its others.
    pub(super) fn after(&self, first: Predicate) -> Self {
        let predicates = std::iter::once(first).chain(self.predicates.iter().cloned()).collect();
        Self { predicates, ..self.clone() }
    }

    /// Whether all that is left to check holds, the body aside.
    pub(super) fn takes_head(&self, request: &RouteRequest<'_>) -> bool {
        self.predicates.iter().all(|predicate| predicate.holds(request))
    }

    /// What the body must hold, if that is asked.
    pub(super) fn body(&self) -> Option<&BodyRule> {
        self.body.as_deref()
    }

    /// Whether the body is as it must be.
    pub(super) fn takes_body(&self, head: &Head, values: Option<&Values>) -> bool {
        self.body.as_ref().is_none_or(|rule| rule.failed(head, values).is_none())
    }

    /// The first condition that does not hold, in words.
    pub(super) fn failed(
        &self,
        request: &RouteRequest<'_>,
        values: Option<&Values>,
    ) -> Option<String> {
        let predicate = self.predicates.iter().find(|predicate| !predicate.holds(request));
        predicate.map(ToString::to_string).or_else(|| {
            let condition = self.body.as_ref()?.failed(request.head, values)?;
            Some(condition.to_string())
        })
    }
}

impl Predicate {
    /// What is left of a match once its listener, host and path are known to be right.
    pub(super) fn residual(rule: &RouteMatch, listeners: &[ListenerName]) -> Vec<Self> {
        Self::beyond_index(rule, listeners, Role::Grants)
    }

    fn beyond_index(rule: &RouteMatch, listeners: &[ListenerName], role: Role) -> Vec<Self> {
        let mut predicates = Vec::new();
        if !rule.methods.is_empty() {
            predicates.push(Self::Method(rule.methods.clone()));
        }
        if !rule.clients.is_empty() {
            predicates.push(Self::Client(rule.clients.clone()));
        }
        let places = [
            (Place::Header, &rule.headers),
            (Place::Cookie, &rule.cookies),
            (Place::Query, &rule.query),
        ];
        for (place, conditions) in places {
            predicates.extend(
                conditions
                    .iter()
                    .cloned()
                    .map(|(name, pattern)| Self::Field(Field { place, name, pattern, role })),
            );
        }
        if let Some(not) = &rule.not {
            predicates.push(Self::Not(Self::whole(not, listeners, role.opposite())));
        }
        predicates
    }

    /// A match in full, as it stands under a `not`, where no index has looked at it.
    fn whole(rule: &RouteMatch, listeners: &[ListenerName], role: Role) -> Vec<Self> {
        let mut predicates = Vec::new();
        if !rule.listeners.is_empty() {
            let indexed = listeners.iter().cloned().zip((0..).map(ListenerIndex::new));
            predicates.push(Self::Listener(
                indexed.filter(|(name, _)| rule.listeners.contains(name)).collect(),
            ));
        }
        if !rule.hosts.is_empty() {
            predicates.push(Self::Host(rule.hosts.clone()));
        }
        if !rule.paths.is_empty() {
            predicates.push(Self::Path(rule.paths.clone()));
        }
        predicates.extend(Self::beyond_index(rule, listeners, role));
        predicates
    }

    fn holds(&self, request: &RouteRequest<'_>) -> bool {
        let head = request.head;
        match self {
            Self::Listener(listeners) => {
                listeners.iter().any(|(_, listener)| *listener == request.listener)
            }
            Self::Host(hosts) => hosts.iter().any(|host| host.takes(head.host())),
            Self::Path(paths) => paths.iter().any(|path| path.takes(head.path())),
            Self::Method(methods) => methods.iter().any(|method| method == head.method()),
            Self::Client(networks) => {
                networks.iter().any(|network| network.contains(&request.client))
            }
            Self::Field(field) => field.holds(request),
            Self::Not(predicates) => !predicates.iter().all(|predicate| predicate.holds(request)),
        }
    }
}

impl Role {
    const fn opposite(self) -> Self {
        match self {
            Self::Grants => Self::Denies,
            Self::Denies => Self::Grants,
        }
    }
}

impl Field {
    fn holds(&self, request: &RouteRequest<'_>) -> bool {
        let head = request.head;
        match self.place {
            Place::Header => self.holds_for(head.values(&self.name)),
            Place::Cookie => self.holds_for(head.cookies(&self.name).take(1)),
            Place::Query => {
                self.holds_for(head.query_values(&self.name).map(str::as_bytes).take(1))
            }
        }
    }

    fn holds_for<'v>(&self, values: impl Iterator<Item = &'v [u8]>) -> bool {
        let mut values = values.peekable();
        match (self.role, values.peek()) {
            (Role::Grants, _) => self.pattern.takes_all(values),
            (Role::Denies, None) => matches!(self.pattern, ValuePattern::Absent),
            (Role::Denies, Some(_)) => values.any(|value| self.denies(value)),
        }
    }

    fn denies(&self, value: &[u8]) -> bool {
        let odd = || std::str::from_utf8(value).is_err();
        self.pattern.takes(value) || matches!(self.pattern, ValuePattern::Regex(_)) && odd()
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(listeners) => {
                list(f, "listener ", listeners.iter().map(|(name, _)| name), " or ")
            }
            Self::Host(hosts) => list(f, "host ", hosts, " or "),
            Self::Path(paths) => list(f, "path ", paths, " or "),
            Self::Method(methods) => list(f, "method ", methods, " or "),
            Self::Client(networks) => list(f, "client in ", networks, " or "),
            Self::Field(field) => field.fmt(f),
            Self::Not(predicates) if predicates.is_empty() => f.write_str("not (anything)"),
            Self::Not(predicates) => {
                list(f, "not (", predicates, " and ")?;
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Header => "header",
            Place::Cookie => "cookie",
            Place::Query => "query",
        };
        write!(f, "{place} {} ", self.name)?;
        match &self.pattern {
            ValuePattern::Exact(exact) => write!(f, "= {exact:?}"),
            ValuePattern::Regex(regex) => write!(f, "~ {regex}"),
            ValuePattern::Present => f.write_str("present"),
            ValuePattern::Absent => f.write_str("absent"),
        }
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    lead: &str,
    items: impl IntoIterator<Item = T>,
    separator: &str,
) -> fmt::Result {
    f.write_str(lead)?;
    for (position, item) in items.into_iter().enumerate() {
        f.write_str(if position == 0 { "" } else { separator })?;
        write!(f, "{item}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_utf8_satisfies_a_regex_only_where_that_refuses() {
        let any = regex::Regex::new("^(?s:.*)$").expect("a regex");
        for (role, holds) in [(Role::Grants, false), (Role::Denies, true)] {
            let pattern = ValuePattern::Regex(any.clone());
            let field = Field { place: Place::Header, name: "x".to_owned(), pattern, role };
            assert_eq!(field.holds_for([&b"\xff"[..]].into_iter()), holds, "{role:?}");
            assert!(field.holds_for([&b"ok"[..]].into_iter()), "{role:?}");
        }
    }
}
