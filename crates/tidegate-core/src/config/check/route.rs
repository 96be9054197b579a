//! `[route.NAME]` to the model.

use super::compression::compression;
use super::edit::{self, Use};
use super::listener::body_bytes;
use super::matching;
use super::target;
use super::whole::{Object, Site, objects};
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, Value, quote};
use crate::config::text::duration::wait;
use crate::config::text::{name, status};
use crate::model::ids::RouteName;
use crate::model::ratio::Limit;
use crate::model::route::{
    EncodedSlash, PathPolicy, RetryPolicy, Route, RouteMatch, RouteTimeouts, Target,
};

pub(crate) fn route(object: Object<'_>, site: &mut Site<'_>) -> Option<Route> {
    let table = object.table;
    let routes = Path::ROOT.key("route");
    let path = routes.key(object.name);
    // Each part is read whatever became of the others, so that all mistakes are found.
    let matches = matches(table, &path, site);
    let target = target::target(object, &path, site);
    let used = match &target {
        Some(Target::Redirect(_)) => Use::Redirects,
        Some(Target::Respond(_)) => Use::Responds,
        Some(Target::Pool(_)) | None => Use::Forwards,
    };
    let request = table
        .table("request")
        .and_then(|edits| edit::request(edits, &path.key("request"), used, site));
    let response = table
        .table("response")
        .and_then(|edits| edit::response(edits, &path.key("response"), site));
    if let (Some(request), Some(response)) = (table.table("request"), table.table("response")) {
        edit::origin_stays(request, response, &path.key("request"), site);
    }
    let limits = table.table("limits")?;
    Some(Route {
        name: RouteName::new(object.name),
        target: target?,
        matches: matches?,
        priority: table.integer("priority")?,
        path: path_policy(table.table("path")?)?,
        timeouts: timeouts(table.table("timeouts")?)?,
        body_bytes: limits.optional("body_bytes", body_bytes)?,
        upgrade: limits.parse_list("upgrade", name::upgrade)?,
        retry: retry(table.table("retry")?)?,
        request: request?,
        response: response?,
        compression: compression(table.table("response")?)?,
    })
}

/// The name of an object, if there is one of that name.
pub(crate) fn exists<'a>(
    kind: &str,
    name: &'a Value,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<&'a str> {
    let text = name.text()?;
    // What is faulty exists: what is wrong with it has been said.
    if site.tree.value(kind).is_some_and(|objects| objects.table().is_none()) {
        return None;
    }
    if site.tree.table(kind).is_some_and(|objects| objects.value(text).is_some()) {
        return Some(text);
    }
    let at = name.at()?;
    let names = || objects(site.tree, kind).map(|object| object.name);
    let message = format!("there is no {kind} {}", quote(text));
    let nearest = site.report.nearest(text, names());
    let some = names().next().is_some();
    let mistake = Mistake::new(at, path, message).nearest(nearest);
    site.report.add(match nearest {
        None if some => mistake.expected(format!("the name of a {kind}: {}", first_few(names()))),
        None => mistake.expected(format!("the name of a {kind}; there are none")),
        Some(_) => mistake,
    });
    None
}

fn first_few<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let few: Vec<_> = names.by_ref().take(5).map(quote).collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    few.join(", ") + more
}

fn matches(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Vec<RouteMatch>> {
    let path = path.key("match");
    match table.list("match")? {
        [] => Some(vec![RouteMatch::default()]),
        items => {
            // Collected before the first faulty one ends it, for the same reason as above.
            let read: Vec<_> = items
                .iter()
                .map(|item| matching::alternative(item.table()?, &path, site))
                .collect();
            read.into_iter().collect()
        }
    }
}

fn path_policy(table: &Table) -> Option<PathPolicy> {
    Some(PathPolicy {
        encoded_slash: match table.text("encoded_slash")? {
            "refuse" => EncodedSlash::Refuse,
            "keep" => EncodedSlash::Keep,
            _ => return None,
        },
        merge_slashes: table.flag("merge_slashes")?,
    })
}

fn timeouts(table: &Table) -> Option<RouteTimeouts> {
    Some(RouteTimeouts {
        response: table.parse("response", wait)?,
        idle: table.parse("idle", wait)?,
        tunnel: table.parse("tunnel", wait)?,
        total: match table.text("total")? {
            "unlimited" => Limit::Unlimited,
            text => Limit::At(wait(text).ok()?),
        },
    })
}

fn retry(table: &Table) -> Option<RetryPolicy> {
    let on = table.list("on")?;
    let holds = |word: &str| on.iter().any(|item| item.text() == Some(word));
    if on.iter().any(|item| item.text().is_none()) {
        return None;
    }
    Some(RetryPolicy {
        retries: table.integer("retries")?,
        on_reset: holds("reset-before-response"),
        on_timeout: holds("timeout"),
        on_status: on.iter().filter_map(|item| item.parse(status::status)).collect(),
    })
}
