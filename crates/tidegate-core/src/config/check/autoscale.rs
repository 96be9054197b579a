//! `[pool.NAME.autoscale]` to the model, and the rules among its keys.

use std::collections::BTreeSet;

use super::whole::Site;
use super::{levels, provider, sale};
use crate::config::position::At;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Data, Path, Table, Value};
use crate::config::text::duration::{duration, wait};
use crate::config::text::{name, origin, path, place};
use crate::model::autoscale::{
    Autoscale, Bounds, Budget, Capacity, CustomMetric, DownStep, Forecast, Guard, OnReach, Per,
    Policy, Slo, Targets, WarmPool,
};
use crate::model::provider::Provider;
use crate::model::ratio::Ratio;

/// A pool that grows and shrinks.
#[derive(Clone, Copy)]
pub(crate) struct Scaled<'a> {
    /// The pool.
    pub pool: &'a Table,
    /// Its autoscaler.
    pub table: &'a Table,
    /// Where that is written.
    pub at: At,
    /// The dotted name of that.
    pub path: &'a Path<'a>,
}

impl Scaled<'_> {
    /// The place of a key, or of the autoscaler if it is not written.
    pub(crate) fn at(&self, key: &str) -> At {
        self.table.entry(key).and_then(|entry| entry.key).unwrap_or(self.at)
    }

    /// How many listed servers count for the bounds.
    pub(crate) fn listed(&self) -> u32 {
        let servers = self.pool.list("servers").unwrap_or_default();
        let primary = |server: &&Value| {
            server.table().and_then(|server| server.flag("backup")) == Some(false)
        };
        u32::try_from(servers.iter().filter(primary).count()).unwrap_or(u32::MAX)
    }
}

pub(crate) fn autoscale(
    pool: &Table,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<Option<Box<Autoscale>>> {
    pool.optional("autoscale", |value| {
        let table = value.table()?;
        let at = pool.entry("autoscale").and_then(|entry| entry.key).or_else(|| value.at())?;
        let scaled = Scaled { pool, table, at, path: &path.key("autoscale") };
        let built = build(scaled, site)?;
        whole_makes_sense(scaled, &built, site);
        Some(Box::new(built))
    })
}

/// Every part is built before any is missed, so that one look finds the mistakes of all.
fn build(scaled: Scaled<'_>, site: &mut Site<'_>) -> Option<Autoscale> {
    let Scaled { table, path, .. } = scaled;
    let bounds = bounds(scaled, site);
    let capacity = capacity(scaled, site);
    let custom = custom(table, &path.key("custom"), site);
    let levels = levels::levels(scaled, site);
    let schedule = sale::schedule(scaled, site);
    let provider = provider::provider(scaled, bounds, site);
    Some(Autoscale {
        provider: provider?,
        bounds: bounds?,
        policy: match table.text("policy")? {
            "slo" => Policy::Slo,
            "levels" => Policy::Levels,
            "target" => Policy::Target,
            _ => return None,
        },
        slo: slo(table.table("slo")?)?,
        startup: table.parse("startup", wait)?,
        capacity: capacity?,
        targets: targets(table.table("targets")?)?,
        custom: custom?,
        replace_after: table.parse("replace_after", wait)?,
        dry_run: table.flag("dry_run")?,
        guard: guard(table.table("guard")?)?,
        levels: levels?,
        warm: warm(table.table("warm")?)?,
        forecast: forecast(table.value("forecast")?, site)?,
        schedule: schedule?,
        budget: table.optional("budget", |budget| self::budget(budget.table()?))?,
    })
}

fn bounds(scaled: Scaled<'_>, site: &mut Site<'_>) -> Option<Bounds> {
    let Scaled { table, path, .. } = scaled;
    let bounds = Bounds { min: table.integer("min")?, max: table.integer("max")? };
    if bounds.max < bounds.min {
        let message = format!("`max` is {}, below `min`, which is {}", bounds.max, bounds.min);
        let mistake = Mistake::new(scaled.at("max"), &path.key("max"), message);
        site.report.add(mistake.expected(format!("{} and above", bounds.min)));
        return None;
    }
    Some(bounds)
}

fn slo(table: &Table) -> Option<Slo> {
    Some(Slo { latency: table.parse("latency", wait)?, ratio: Ratio::new(table.number("ratio")?)? })
}

fn capacity(scaled: Scaled<'_>, site: &mut Site<'_>) -> Option<Capacity> {
    let value = scaled.table.value("capacity")?;
    let Data::Table(table) = &value.data else { return Some(Capacity::Learn) };
    match (table.value("requests"), table.value("in_flight")) {
        (Some(_), None) => table.number("requests").map(Capacity::Requests),
        (None, Some(_)) => table.number("in_flight").map(Capacity::InFlight),
        (requests, _) => {
            let words = if requests.is_some() { "holds both" } else { "holds neither" };
            let path = scaled.path.key("capacity");
            let message = format!("`capacity` {words} of `requests` and `in_flight`");
            let mistake = Mistake::new(value.at()?, &path, message);
            site.report.add(mistake.expected("exactly one of the two, or \"learn\""));
            None
        }
    }
}

fn targets(table: &Table) -> Option<Targets> {
    let share = |key| table.optional(key, |_| Ratio::new(table.number(key)?));
    let rate = table.optional("requests_per_server", |_| table.number("requests_per_server"));
    Some(Targets { cpu: share("cpu")?, memory: share("memory")?, requests_per_server: rate? })
}

fn custom(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Vec<CustomMetric>> {
    let items = table.list("custom")?;
    let names = items.iter().filter_map(|item| item.table()?.value("name"));
    differ(names, "a custom metric", path, site);
    items.iter().map(|item| metric(item.table()?)).collect()
}

fn metric(table: &Table) -> Option<CustomMetric> {
    Some(CustomMetric {
        name: table.parse("name", name::object)?,
        prometheus: table.parse("prometheus", origin::prometheus)?,
        query: table.parse("query", name::phrase)?,
        target: table.number("target")?,
        per: match table.text("per")? {
            "server" => Per::Server,
            "mean" => Per::Mean,
            _ => return None,
        },
        every: table.parse("every", wait)?,
    })
}

/// Reports names that are given twice.
pub(crate) fn differ<'a>(
    names: impl Iterator<Item = &'a Value>,
    what: &str,
    path: &Path<'_>,
    site: &mut Site<'_>,
) {
    let mut known = BTreeSet::new();
    for name in names {
        let (Some(text), Some(at)) = (name.text(), name.at()) else { continue };
        if !known.insert(text) {
            let message = format!("\"{text}\" already names {what}");
            site.report.add(Mistake::new(at, path, message).expected("each name once"));
        }
    }
}

fn guard(table: &Table) -> Option<Guard> {
    Some(Guard {
        max_step: table.number("max_step")?,
        down_cooldown: table.parse("down_cooldown", duration)?,
        down_step: match &table.value("down_step")?.data {
            Data::Text(_) => DownStep::Auto,
            _ => DownStep::Count(table.integer("down_step")?),
        },
        down_every: table.parse("down_every", wait)?,
    })
}

fn warm(table: &Table) -> Option<WarmPool> {
    Some(WarmPool {
        size: table.integer("size")?,
        requests: table.parse_list("requests", path::probe_target)?,
    })
}

fn forecast(value: &Value, site: &Site<'_>) -> Option<Forecast> {
    let table = match &value.data {
        Data::Text(_) => return Some(Forecast { ahead: None, history: None }),
        Data::Table(table) => table,
        _ => return None,
    };
    let history = table.optional("history", |history| history.parse(place::file))?;
    Some(Forecast {
        ahead: Some(table.parse("ahead", wait)?),
        history: history.map(|file| site.files.directory().join(file)),
    })
}

fn budget(table: &Table) -> Option<Budget> {
    Some(Budget {
        server_hour: table.number("server_hour")?,
        per_day: table.number("per_day")?,
        on_reach: match table.text("on_reach")? {
            "alert" => OnReach::Alert,
            "hold" => OnReach::Hold,
            _ => return None,
        },
    })
}

/// Doubts about what can be done, but is hardly what was meant.
fn whole_makes_sense(scaled: Scaled<'_>, built: &Autoscale, site: &mut Site<'_>) {
    let Scaled { pool, table, path, .. } = scaled;
    let mut doubt = |at: At, path: &Path<'_>, message: String| {
        site.report.add(Mistake::doubt(at, path, message));
    };
    if pool.value("health").is_none() {
        let message = "without `health` an instance is given requests as soon as its port opens";
        doubt(scaled.at, path, message.to_owned());
    }
    let port = pool.table("health").and_then(|health| health.entry("port")?.key);
    if let (Some(at), Provider::Process(_)) = (port, &built.provider) {
        let message = "all instances are on one machine: whoever has this port answers for all";
        doubt(at, path, message.to_owned());
    }
    let listed = scaled.listed();
    if listed > built.bounds.max {
        let message = format!(
            "`max` is {}, but {listed} servers are listed, which are never stopped",
            built.bounds.max
        );
        doubt(scaled.at("max"), &path.key("max"), message);
    }
    let step = table.table("guard").and_then(|guard| guard.entry("max_step")?.key);
    if let (true, Some(at)) = (built.guard.max_step <= 1.0, step) {
        let guard = path.key("guard");
        let message = "with `max_step` 1 the pool grows by at most 4 servers within one `startup`";
        doubt(at, &guard.key("max_step"), message.to_owned());
    }
    let least = f64::from(built.bounds.min.saturating_sub(listed));
    if let Some(budget) = built.budget
        && budget.per_day < least * budget.server_hour * 24.0
        && let Some(at) = table.table("budget").and_then(|budget| budget.entry("per_day")?.key)
    {
        let message = format!(
            "`per_day` does not pay for the {least} instances that `min` asks for, which cost {} \
             a day",
            least * budget.server_hour * 24.0
        );
        doubt(at, &path.key("budget").key("per_day"), message);
    }
}
