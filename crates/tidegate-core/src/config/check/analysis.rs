//! `[rollout.NAME.analysis]` to the model.

use super::autoscale::differ;
use super::whole::Site;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Data, Entry, Path, Table, Value};
use crate::config::text::duration::wait;
use crate::config::text::{name, origin};
use crate::model::ratio::Ratio;
use crate::model::rollout::{Analysis, CustomMeasure, Errors, OnBreach, OnMissing, Worse};

/// What a query says in place of the pool that is asked about.
const VERSION: &str = "{version}";

/// `Some(None)`: nothing is watched.
pub(crate) fn analysis(
    entry: &Entry,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<Option<Analysis>> {
    let table = match &entry.value.data {
        Data::Text(_) => return Some(None),
        Data::Table(table) => table,
        _ => return None,
    };
    let custom = custom(table, &path.key("custom"), site);
    looks_at_something(entry, table, path, site);
    Some(Some(Analysis {
        errors: errors(table.list("errors")?)?,
        max_error_rate: table
            .optional("max_error_rate", |_| Ratio::new(table.number("max_error_rate")?))?,
        max_p99: table.optional("max_p99", |latency| latency.parse(wait))?,
        compare: table.flag("compare")?,
        false_alarm: Ratio::new(table.number("false_alarm")?)?,
        min_requests: table.integer("min_requests")?,
        on_breach: match table.text("on_breach")? {
            "rollback" => OnBreach::Rollback,
            "freeze" => OnBreach::Freeze,
            "alert" => OnBreach::Alert,
            _ => return None,
        },
        custom: custom?,
    }))
}

fn errors(items: &[Value]) -> Option<Errors> {
    let words = items.iter().map(Value::text).collect::<Option<Vec<_>>>()?;
    Some(Errors {
        status: words.contains(&"5xx"),
        reset: words.contains(&"reset"),
        timeout: words.contains(&"timeout"),
        grpc: words.contains(&"grpc"),
    })
}

/// An analysis that looks at nothing would find nothing.
fn looks_at_something(entry: &Entry, table: &Table, path: &Path<'_>, site: &mut Site<'_>) {
    let bound = |key: &str| table.value(key).is_some();
    let looks = bound("max_error_rate") || bound("max_p99") || bound("custom");
    let at = table.entry("compare").and_then(|compare| compare.key).or(entry.key);
    if let (Some(false), false, Some(at)) = (table.flag("compare"), looks, at) {
        let message = "without `compare`, limits and custom measures the analysis sees nothing";
        let mistake = Mistake::new(at, path, message);
        site.report.add(mistake.expected("`max_error_rate`, say; or `analysis = \"off\"`"));
    }
}

fn custom(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Vec<CustomMeasure>> {
    let items = table.list("custom")?;
    let names = items.iter().filter_map(|item| item.table()?.value("name"));
    differ(names, "a custom measure", path, site);
    // The next measure is looked at even if this one is faulty.
    let measures: Vec<_> = items.iter().map(|item| measure(item, path, site)).collect();
    measures.into_iter().collect()
}

fn measure(value: &Value, path: &Path<'_>, site: &mut Site<'_>) -> Option<CustomMeasure> {
    let table = value.table()?;
    let compare = table.flag("compare")?;
    says_what_is_worse(value, compare, path, site);
    versions_differ(table, compare, path, site);
    Some(CustomMeasure {
        name: table.parse("name", name::object)?,
        prometheus: table.parse("prometheus", origin::prometheus)?,
        query: table.parse("query", name::phrase)?,
        every: table.parse("every", wait)?,
        max: table.optional("max", |_| table.number("max"))?,
        worse_by: table.optional("worse_by", |_| Ratio::new(table.number("worse_by")?))?,
        worse: table.optional("worse", worse)?.unwrap_or_default(),
        on_missing: match table.text("on_missing")? {
            "hold" => OnMissing::Hold,
            "ignore" => OnMissing::Ignore,
            "breach" => OnMissing::Breach,
            _ => return None,
        },
    })
}

fn worse(word: &Value) -> Option<Worse> {
    match word.text()? {
        "higher" => Some(Worse::Higher),
        "lower" => Some(Worse::Lower),
        _ => None,
    }
}

fn says_what_is_worse(value: &Value, compare: bool, path: &Path<'_>, site: &mut Site<'_>) {
    let (Some(table), false) = (value.table(), compare) else { return };
    if let (None, Some(at)) = (table.value("max"), value.at()) {
        let mistake = Mistake::new(at, path, "nothing says when this measure speaks against it");
        site.report.add(mistake.expected("`max`, or `compare = true`"));
    }
    for key in ["worse_by", "worse"] {
        if let Some(at) = table.entry(key).and_then(|entry| entry.key) {
            let message = format!("`{key}` has no effect without `compare`");
            let mistake = Mistake::new(at, &path.key(key), message);
            site.report.add(mistake.expected("`compare = true` beside it"));
        }
    }
}

/// A query that does not say which version it asks about has one answer for both.
fn versions_differ(table: &Table, compare: bool, path: &Path<'_>, site: &mut Site<'_>) {
    let Some(query) = table.value("query") else { return };
    let same = query.text().is_some_and(|query| !query.contains(VERSION));
    if let (true, true, Some(at)) = (compare, same, query.at()) {
        let message = "the query is the same for both versions";
        let mistake = Mistake::new(at, &path.key("query"), message);
        site.report.add(mistake.expected("`{version}` in it, the name of the pool"));
    }
}
