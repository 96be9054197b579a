//! `[pool.NAME.autoscale.levels]` to the model: each ladder rises.

use super::autoscale::Scaled;
use super::whole::Site;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Data, Path, Table, Value};
use crate::config::text::duration::{duration, wait};
use crate::model::autoscale::{Ladder, Levels};
use crate::time::Duration;

/// The thresholds; under another policy there are none.
pub(crate) fn levels(scaled: Scaled<'_>, site: &mut Site<'_>) -> Option<Levels> {
    let Some(value) = scaled.table.value("levels") else {
        let policy = scaled.table.text("policy")?;
        return (policy != "levels").then(none);
    };
    let (table, path) = (value.table()?, scaled.path.key("levels"));
    let mut metric = |key: &str| {
        let value = table.value(key)?;
        match &value.data {
            Data::Text(_) => Some(None),
            Data::Table(rungs) => ladder(rungs, &path.key(key), site).map(Some),
            _ => None,
        }
    };
    let (cpu, memory) = (metric("cpu"), metric("memory"));
    let (requests, connections) = (metric("requests"), metric("connections"));
    let custom = custom(scaled, table, &path.key("custom"), site);
    Some(Levels {
        cpu: cpu?,
        memory: memory?,
        requests: requests?,
        connections: connections?,
        custom: custom?,
        periods: table.integer("periods")?,
        period: table.parse("period", wait)?,
        up_cooldown: table.parse("up_cooldown", duration)?,
    })
}

/// What stands where levels have no effect.
fn none() -> Levels {
    Levels {
        cpu: None,
        memory: None,
        requests: None,
        connections: None,
        custom: Vec::new(),
        periods: 1,
        period: Duration::from_secs(15),
        up_cooldown: Duration::ZERO,
    }
}

fn custom(
    scaled: Scaled<'_>,
    table: &Table,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<Vec<(String, Ladder)>> {
    let Some(ladders) = table.value("custom") else { return Some(Vec::new()) };
    let metrics = scaled.table.list("custom").unwrap_or_default();
    let names = || metrics.iter().filter_map(|metric| metric.table()?.text("name"));
    let mut built = Some(Vec::new());
    for (name, entry) in ladders.table()?.iter() {
        let path = path.key(name);
        if !names().any(|known| known == name) {
            let message = format!("there is no custom metric \"{name}\"");
            let nearest = site.report.nearest(name, names()).map(str::to_owned);
            let mistake = Mistake::new(entry.key?, &path, message);
            let expected = "the name of one in `autoscale.custom`";
            site.report.add(mistake.expected(expected).nearest(nearest));
        }
        let ladder = entry.value.table().and_then(|rungs| ladder(rungs, &path, site));
        built = built.zip(ladder).map(|(mut built, ladder)| {
            built.push((name.to_owned(), ladder));
            built
        });
    }
    built
}

fn ladder(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Ladder> {
    let ladder = Ladder {
        warn: rung(table, "warn")?,
        scale: table.number("scale")?,
        emergency: rung(table, "emergency")?,
        target: rung(table, "target")?,
        down: table.number("down")?,
    };
    let mut rises = true;
    for (lower, upper, strictly) in [
        (("down", Some(ladder.down)), ("scale", Some(ladder.scale)), true),
        (("down", Some(ladder.down)), ("warn", ladder.warn), true),
        (("down", Some(ladder.down)), ("target", ladder.target), true),
        (("warn", ladder.warn), ("scale", Some(ladder.scale)), false),
        (("target", ladder.target), ("scale", Some(ladder.scale)), false),
        (("scale", Some(ladder.scale)), ("emergency", ladder.emergency), false),
    ] {
        let (Some(low), Some(high)) = (lower.1, upper.1) else { continue };
        // One mistake a ladder: the next would most likely tell of the same number.
        if rises && (low > high || strictly && low >= high) {
            rises = false;
            let order = if strictly { "below" } else { "at most" };
            let message = format!(
                "`{}` is {low}, and `{}` is {high}: the first has to be {order} the second",
                lower.0, upper.0
            );
            let written = |key: &str| table.entry(key).and_then(|entry| entry.key);
            let at = written(lower.0).or_else(|| written(upper.0)).or_else(|| written("scale"))?;
            let mistake = Mistake::new(at, path, message);
            site.report.add(mistake.expected("`down` < `warn` ≤ `scale` ≤ `emergency`"));
        }
    }
    rises.then_some(ladder)
}

/// A rung that may be missing, or off.
fn rung(table: &Table, key: &str) -> Option<Option<f64>> {
    match table.value(key).map(|value: &Value| &value.data) {
        None | Some(Data::Text(_)) => Some(None),
        Some(_) => table.number(key).map(Some),
    }
}
