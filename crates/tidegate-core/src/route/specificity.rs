//! How specific a match is, beyond its listener, host and path.
//!
//! Those three are the shape of the index itself. What is compared here orders the entries that
//! share a bucket: a method, then the number of other conditions, then the priority, then the name.
//! A configuration in which the name decides between two routes for one request has been refused
//! before; the name is there so that the order never depends on chance. `not` only narrows a match
//! and does not count.

use std::cmp::Reverse;

use crate::model::ids::{RouteIndex, RouteName};
use crate::model::route::{Route, RouteMatch};

/// Orders matches that share a bucket; the more specific is the lesser, and sorts first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Specificity<'a> {
    method: Reverse<bool>,
    conditions: Reverse<usize>,
    priority: Reverse<i32>,
    name: &'a RouteName,
}

/// Every match of every route, the most specific first. The matches of one route keep their order
/// among equals.
pub(super) fn ranked(routes: &[Route]) -> Vec<(RouteIndex, &RouteMatch)> {
    let mut ranked: Vec<_> = routes
        .iter()
        .enumerate()
        .flat_map(|(position, route)| {
            let index = RouteIndex::new(position);
            route.matches.iter().map(move |rule| (Specificity::of(route, rule), index, rule))
        })
        .collect();
    ranked.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    ranked.into_iter().map(|(_, index, rule)| (index, rule)).collect()
}

impl<'a> Specificity<'a> {
    fn of(route: &'a Route, rule: &RouteMatch) -> Self {
        let fields = rule.headers.len() + rule.cookies.len() + rule.query.len() + rule.body.len();
        Self {
            method: Reverse(!rule.methods.is_empty()),
            conditions: Reverse(fields + usize::from(!rule.clients.is_empty())),
            priority: Reverse(route.priority),
            name: &route.name,
        }
    }
}
