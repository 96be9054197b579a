//! Joins the trees of several files, and lays `[default.*]` under the objects.

use super::report::{Mistake, Report};
use super::tree::{Data, Entry, Origin, Path, Table, Value};
use crate::config::position::Files;

/// Tables whose entries may come from several files; all else is written in one.
const SHARED: [&str; 4] = ["default", "listener", "route", "pool"];

/// Adds the tree of an included file to the whole.
pub(crate) fn include(whole: &mut Table, file: Table, files: &Files, report: &mut Report) {
    for (name, entry) in file.into_entries() {
        let path = Path::ROOT.key(&name);
        match (whole.value_mut(&name).map(|value| &mut value.data), entry.value.data) {
            (Some(Data::Table(all)), Data::Table(more)) if SHARED.contains(&name.as_str()) => {
                for (name, entry) in more.into_entries() {
                    insert(all, &name, entry, &path, files, report);
                }
            }
            (_, data) => {
                let entry = Entry { value: Value { data, ..entry.value }, ..entry };
                insert(whole, &name, entry, &Path::ROOT, files, report);
            }
        }
    }
}

/// Puts an entry in, unless another file has written it already.
fn insert(
    table: &mut Table,
    name: &str,
    entry: Entry,
    path: &Path<'_>,
    files: &Files,
    report: &mut Report,
) {
    let path = path.key(name);
    // The format's version is a fact about each file, not a setting of the whole.
    if path.to_string() == "version" {
        return;
    }
    let Some(first) = table.entry(name).and_then(|first| first.key) else {
        return table.insert(name, entry);
    };
    if let Some(at) = entry.key {
        let message = format!("`{path}` is already set at {}", files.place(first));
        report.add(Mistake::new(at, &path, message).expected("each key and each table once"));
    }
}

/// Lays what `[default.KIND]` says under each object of that kind: tables merge by key, all else is
/// replaced.
pub(crate) fn inherit(whole: &mut Table) {
    let Some(Entry { value: Value { data: Data::Table(defaults), .. }, .. }) =
        whole.remove("default")
    else {
        return;
    };
    for (kind, entry) in defaults.into_entries() {
        let Some(Data::Table(objects)) = whole.value_mut(&kind).map(|value| &mut value.data) else {
            continue;
        };
        let mut defaults = entry.value;
        mark_inherited(&mut defaults);
        let Data::Table(defaults) = defaults.data else { continue };
        for (_, object) in objects.iter_mut() {
            let Data::Table(object) = &mut object.value.data else { continue };
            if kind == "route" {
                lay_under_route(object, &defaults);
            } else {
                lay_under(object, &defaults);
            }
        }
    }
}

/// What answers a route, of which it has one.
pub(crate) const TARGETS: [&str; 3] = ["pool", "redirect", "respond"];

/// Edits of requests that are heeded although no server sees them: a redirect sends to their path.
pub(crate) const OF_REDIRECTS: [&str; 2] = ["strip_prefix", "rewrite"];

/// A route with a target of its own inherits no other, and none of the edits that its target has no
/// use for.
fn lay_under_route(route: &mut Table, defaults: &Table) {
    let mut defaults = defaults.clone();
    let own = TARGETS.iter().any(|target| route.entry(target).is_some());
    for target in TARGETS.iter().filter(|target| own && route.entry(target).is_none()) {
        defaults.remove(target);
    }
    let has = |key: &str| route.entry(key).or_else(|| defaults.entry(key)).is_some();
    let (pool, redirect) = (has("pool"), has("redirect"));
    if let Some(Data::Table(edits)) = defaults.value_mut("request").map(|value| &mut value.data) {
        let keys: Vec<String> = edits.iter().map(|(key, _)| key.to_owned()).collect();
        let heeded = |key: &str| pool || redirect && OF_REDIRECTS.contains(&key);
        for key in keys.iter().filter(|key| !heeded(key)) {
            edits.remove(key);
        }
    }
    lay_under(route, &defaults);
}

fn mark_inherited(value: &mut Value) {
    if let Origin::Written(at) = value.origin {
        value.origin = Origin::Inherited(at);
    }
    match &mut value.data {
        Data::Table(table) => table.iter_mut().for_each(|(_, e)| mark_inherited(&mut e.value)),
        Data::List(items) => items.iter_mut().for_each(mark_inherited),
        _ => {}
    }
}

fn lay_under(object: &mut Table, defaults: &Table) {
    for (name, default) in defaults.iter() {
        match (object.value_mut(name).map(|value| &mut value.data), &default.value.data) {
            (None, _) => object.insert(name, default.clone()),
            (Some(Data::Table(own)), Data::Table(defaults)) => lay_under(own, defaults),
            (Some(_), _) => {}
        }
    }
}
