//! The route table: every route of a configuration, indexed.
//!
//! Each match of each route is spread over its listeners, hosts and paths, and one entry is stored
//! for every combination. Entries are stored in order of specificity, so each bucket is sorted as
//! it grows. A look-up allocates nothing, and its cost depends on the request's labels and segments
//! and on the entries that share its most specific buckets, not on how many routes there are.
//!
//! The maps need no defence against chosen collisions: their keys come from the configuration, and
//! what a client sends is only looked up.

use std::net::IpAddr;

use super::body::{BodyView, Pointers};
use super::host::{HostBucket, HostIndex};
use super::path::PathBucket;
use super::predicate::{Entry, Predicate};
use super::specificity;
use crate::http::head::Head;
use crate::model::ids::{ListenerIndex, ListenerName, RouteIndex, RouteName};
use crate::model::route::{Route, RouteMatch};

/// Every route, indexed by listener, host and path.
#[derive(Debug)]
pub struct RouteTable {
    listeners: Box<[ListenerName]>,
    routes: Box<[RouteName]>,
    /// What names a listener, by its index.
    named: Box<[HostIndex]>,
    /// What takes requests of every listener.
    unnamed: HostIndex,
    /// Where bodies are looked into.
    pub(super) pointers: Pointers,
}

/// What the head of a request finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// This route takes the request.
    Route(RouteIndex),
    /// Its body decides: if it is whole within so many bytes, ask [`RouteTable::find_with_body`]
    /// with all of it; else, with [`BodyView::TooLarge`].
    NeedsBody(u32),
    /// No route takes it.
    Nothing,
}

/// What routing knows of a request.
#[derive(Clone, Copy, Debug)]
pub struct RouteRequest<'a> {
    /// The listener that accepted it.
    pub listener: ListenerIndex,
    /// Its head.
    pub head: &'a Head,
    /// The trusted client address.
    pub client: IpAddr,
}

/// One list of entries that a request selects, and what selected it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket<'a> {
    /// The listener that its routes name, if they name one.
    pub(super) listener: Option<&'a ListenerName>,
    pub(super) host: HostBucket<'a>,
    pub(super) path: PathBucket<'a>,
    /// The most specific first.
    pub(super) entries: &'a [Entry],
}

impl RouteTable {
    /// Indexes routes. A [`RouteIndex`] that the table returns is a position in `routes`, a
    /// [`ListenerIndex`] that it is asked about a position in `listeners`.
    ///
    /// A match that names none but unknown listeners takes nothing.
    #[must_use]
    pub fn build(listeners: &[ListenerName], routes: &[Route]) -> Self {
        let mut table = Self {
            listeners: listeners.into(),
            routes: routes.iter().map(|route| route.name.clone()).collect(),
            named: listeners.iter().map(|_| HostIndex::default()).collect(),
            unnamed: HostIndex::default(),
            pointers: Pointers::default(),
        };
        for (route, rule) in specificity::ranked(routes) {
            table.insert(route, rule);
        }
        table
    }

    fn insert(&mut self, route: RouteIndex, rule: &RouteMatch) {
        let body =
            (!rule.body.is_empty()).then(|| self.pointers.rule(&rule.body, rule.body_prefix));
        let entry = Entry::new(route, Predicate::residual(rule, &self.listeners), body);
        if rule.listeners.is_empty() {
            self.unnamed.insert(&rule.hosts, &rule.paths, &entry);
        }
        for (name, index) in self.listeners.iter().zip(&mut self.named) {
            if rule.listeners.contains(name) {
                index.insert(&rule.hosts, &rule.paths, &entry);
            }
        }
    }

    /// The route that takes a request: of all whose conditions hold, the most specific; or that the
    /// body is needed to tell.
    #[must_use]
    pub fn find(&self, request: &RouteRequest<'_>) -> Found {
        if self.pointers.are_none() {
            let found = self.visit(request, &mut |bucket| {
                let takes = |entry: &&Entry| entry.takes_head(request);
                bucket.entries.iter().find(takes).map(|entry| entry.route)
            });
            return found.map_or(Found::Nothing, Found::Route);
        }
        self.find_by_head(request)
    }

    /// The same where bodies may have a say.
    fn find_by_head(&self, request: &RouteRequest<'_>) -> Found {
        let mut needed = 0;
        let found = self.visit(request, &mut |bucket| {
            bucket.entries.iter().filter(|entry| entry.takes_head(request)).find_map(|entry| {
                let Some(rule) = entry.body() else { return Some(entry.route) };
                if rule.reads(request.head) {
                    needed = rule.bytes.max(needed);
                }
                None
            })
        });
        match found {
            _ if needed > 0 => Found::NeedsBody(needed),
            Some(route) => Found::Route(route),
            None => Found::Nothing,
        }
    }

    /// The route that takes a request with this body. A body that is too large or is not JSON holds
    /// to no condition, and the next route takes the request.
    #[must_use]
    pub fn find_with_body(
        &self,
        request: &RouteRequest<'_>,
        body: BodyView<'_>,
    ) -> Option<RouteIndex> {
        let values = self.pointers.read(body);
        self.visit(request, &mut |bucket| {
            let takes = |entry: &&Entry| {
                entry.takes_head(request) && entry.takes_body(request.head, values.as_ref())
            };
            bucket.entries.iter().find(takes).map(|entry| entry.route)
        })
    }

    /// The name of a route of this table.
    pub(super) fn name(&self, route: RouteIndex) -> &RouteName {
        &self.routes[route.position()]
    }

    /// Shows the buckets that a request selects, the most specific first, until `visit` answers.
    pub(super) fn visit<'a, T>(
        &'a self,
        request: &RouteRequest<'a>,
        visit: &mut impl FnMut(Bucket<'a>) -> Option<T>,
    ) -> Option<T> {
        let (host, path) = (request.head.host(), request.head.path());
        let listener = request.listener.position();
        let named = self.named.get(listener).zip(self.listeners.get(listener));
        let mut search = |listener, index: &'a HostIndex| {
            index.visit(host, path, &mut |host, path, entries| {
                visit(Bucket { listener, host, path, entries })
            })
        };
        named
            .and_then(|(index, name)| search(Some(name), index))
            .or_else(|| search(None, &self.unnamed))
    }
}
