//! What people see of a route.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_core::model::route::{Route, RouteMatch};
use tidegate_core::telemetry::route::RouteTotals;

use crate::control::Control;

/// A route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteStatus {
    /// Its name.
    pub name: String,
    /// The pool that it leads to; `None`: it is answered here.
    pub pool: Option<String>,
    /// What answers: `pool`, `redirect` or `respond`.
    pub target: &'static str,
    /// What settles a tie.
    pub priority: i32,
    /// What it takes: any of these.
    pub matches: Vec<MatchStatus>,
    /// Requests so far.
    pub requests: u64,
    /// Requests by status code.
    pub codes: BTreeMap<String, u64>,
    /// The median of the time a request takes, in milliseconds.
    pub p50_ms: Option<f64>,
    /// The time that 99 of 100 requests stay below, in milliseconds.
    pub p99_ms: Option<f64>,
}

/// The conditions of a match that decide where it ranks; an empty list asks nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchStatus {
    /// Listeners.
    pub listeners: Vec<String>,
    /// Hosts.
    pub hosts: Vec<String>,
    /// Paths.
    pub paths: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// How many conditions on headers, cookies, query, client and body there are besides.
    pub others: usize,
}

impl Control {
    /// All routes, by name.
    #[must_use]
    pub fn routes(&self) -> Vec<RouteStatus> {
        let (snapshot, scrape) = (self.snapshot(), self.scrape());
        let status = |route: &Route| {
            let totals = scrape.routes.get(&route.name).cloned().unwrap_or_default();
            RouteStatus::new(route, &totals)
        };
        snapshot.config.routes.iter().map(status).collect()
    }
}

impl RouteStatus {
    fn new(route: &Route, totals: &RouteTotals) -> Self {
        let mut codes: BTreeMap<String, u64> =
            totals.codes.iter().map(|(code, count)| (code.to_string(), *count)).collect();
        if totals.codes_other > 0 {
            codes.insert("other".to_owned(), totals.codes_other);
        }
        Self {
            name: route.name.to_string(),
            pool: route.pool().map(ToString::to_string),
            target: route.target.key(),
            priority: route.priority,
            matches: route.matches.iter().map(MatchStatus::new).collect(),
            requests: totals.requests(),
            codes,
            p50_ms: super::pool::quantile_ms(&totals.duration, 0.5),
            p99_ms: super::pool::quantile_ms(&totals.duration, 0.99),
        }
    }
}

impl MatchStatus {
    fn new(rule: &RouteMatch) -> Self {
        let lists = rule.headers.len() + rule.cookies.len() + rule.query.len() + rule.body.len();
        Self {
            listeners: rule.listeners.iter().map(ToString::to_string).collect(),
            hosts: rule.hosts.iter().map(ToString::to_string).collect(),
            paths: rule.paths.iter().map(ToString::to_string).collect(),
            methods: rule.methods.clone(),
            others: lists + usize::from(!rule.clients.is_empty()) + usize::from(rule.not.is_some()),
        }
    }
}
