//! `[route.NAME.match]` to the model.

use super::route::exists;
use super::whole::Site;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Data, Entry, Path, Table, Value, quote};
use crate::config::text::fault::Fault;
use crate::config::text::{address, host, name, path, pattern, pointer, size};
use crate::model::body::{BodyCondition, BodyValue};
use crate::model::ids::ListenerName;
use crate::model::route::{PathPattern, RouteMatch, ValuePattern};

/// One alternative.
pub(crate) fn alternative(
    table: &Table,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<RouteMatch> {
    let conditions = conditions(table, path, site);
    let body = body(table, path, site);
    let not = table.optional("not", |not| {
        let path = path.key("not");
        let excluded = self::conditions(not.table()?, &path, site)?;
        excludes_something(not, &excluded, &path, site).then(|| Box::new(excluded))
    });
    let (body, body_prefix) = body?;
    Some(RouteMatch { not: not?, body, body_prefix, ..conditions? })
}

/// An exclusion without conditions would exclude everything.
fn excludes_something(
    not: &Value,
    excluded: &RouteMatch,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> bool {
    let empty = excluded.listeners.is_empty()
        && excluded.hosts.is_empty()
        && excluded.paths.is_empty()
        && excluded.methods.is_empty()
        && excluded.headers.is_empty()
        && excluded.cookies.is_empty()
        && excluded.query.is_empty()
        && excluded.clients.is_empty();
    if let (true, Some(at)) = (empty, not.at()) {
        let mistake = Mistake::new(at, path, format!("`{path}` excludes every request"));
        site.report.add(mistake.expected("at least one condition"));
    }
    !empty
}

fn conditions(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<RouteMatch> {
    let listeners = listeners(table, path, site);
    let headers = values(table, "header", name::header, path, site);
    Some(RouteMatch {
        listeners: listeners?,
        hosts: table.parse_list("host", host::host)?,
        paths: paths(table)?,
        methods: table.parse_list("method", name::method)?,
        headers: headers?,
        cookies: values(table, "cookie", name::token, path, site)?,
        query: values(table, "query", name::query, path, site)?,
        clients: table.parse_list("client", address::network)?,
        ..RouteMatch::default()
    })
}

/// Conditions on the body, and how long it may be.
fn body(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<(Vec<BodyCondition>, u32)> {
    let Some(values) = table.value("body_json") else {
        if let Some(at) = table.value("body_prefix").and_then(Value::at) {
            let path = path.key("body_prefix");
            let message = format!("`{path}` has no effect without `body_json`");
            site.report.add(Mistake::new(at, &path, message).expected("`body_json` beside it"));
        }
        return Some((Vec::new(), 0));
    };
    let bytes = table.parse("body_prefix", size::prefix_size)?;
    let condition = |(text, entry): (&str, &Entry)| {
        Some(BodyCondition {
            pointer: pointer::pointer(text).ok()?,
            value: body_value(&entry.value)?,
        })
    };
    let conditions = values.table()?.iter().map(condition).collect::<Option<_>>()?;
    Some((conditions, bytes))
}

fn body_value(value: &Value) -> Option<BodyValue> {
    Some(match &value.data {
        Data::Flag(flag) => BodyValue::Flag(*flag),
        #[expect(clippy::cast_precision_loss, reason = "the key takes whole floats only")]
        Data::Integer(number) => BodyValue::Number(*number as f64),
        Data::Number(number) => BodyValue::Number(*number),
        Data::Text(text) => match pattern::value(text).ok()? {
            ValuePattern::Exact(text) => BodyValue::Exact(text),
            ValuePattern::Regex(regex) => BodyValue::Regex(regex),
            ValuePattern::Present | ValuePattern::Absent => return None,
        },
        _ => return None,
    })
}

fn listeners(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Vec<ListenerName>> {
    let path = path.key("listener");
    let mut names = Vec::new();
    for item in table.list("listener")? {
        let name = exists("listener", item, &path, site);
        if let Some(name) = name {
            routes_requests(name, item, &path, site);
        }
        names.push(name.map(ListenerName::new));
    }
    names.into_iter().collect()
}

/// A listener that redirects every request has none for a route.
fn routes_requests(name: &str, item: &Value, path: &Path<'_>, site: &mut Site<'_>) {
    let listener = site.tree.table("listener").and_then(|listeners| listeners.table(name));
    let redirects = listener.is_some_and(|listener| listener.value("redirect").is_some());
    if let (true, Some(at)) = (redirects, item.at()) {
        let message = format!("listener {} redirects every request", quote(name));
        site.report.add(Mistake::doubt(at, path, message));
    }
}

fn paths(table: &Table) -> Option<Vec<PathPattern>> {
    let mut paths = table.parse_list("path", |text| path::path(text).map(PathPattern::Exact))?;
    paths.extend(
        table.parse_list("path_prefix", |text| path::prefix(text).map(PathPattern::Prefix))?,
    );
    paths.extend(
        table.parse_list("path_regex", |text| pattern::anchored(text).map(PathPattern::Regex))?,
    );
    Some(paths)
}

/// Conditions on values by name.
pub(crate) fn values(
    table: &Table,
    key: &str,
    name: impl Fn(&str) -> Result<String, Fault>,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<Vec<(String, ValuePattern)>> {
    let Some(value) = table.value(key) else { return Some(Vec::new()) };
    let mut read: Vec<(String, ValuePattern)> = Vec::new();
    for (written, entry) in value.table()?.iter() {
        let name = name(written).ok()?;
        if let (true, Some(at)) = (read.iter().any(|(known, _)| *known == name), entry.key) {
            let path = path.key(key);
            let message = format!("{} is written in two ways", quote(&name));
            site.report.add(Mistake::new(at, &path.key(written), message).expected("one of them"));
        }
        read.push((name, value_pattern(&entry.value)?));
    }
    Some(read)
}

fn value_pattern(value: &Value) -> Option<ValuePattern> {
    match &value.data {
        Data::Flag(true) => Some(ValuePattern::Present),
        Data::Flag(false) => Some(ValuePattern::Absent),
        Data::Text(text) => pattern::value(text).ok(),
        _ => None,
    }
}
