//! `[[pool.NAME.autoscale.schedule]]` to the model.

use super::autoscale::{Scaled, differ};
use super::whole::Site;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table};
use crate::config::text::time::{TimeText, time, zone};
use crate::config::text::{name, rate};
use crate::model::autoscale::{Every, Repeat, Sale, SaleWants};
use crate::model::zone::Zone;
use crate::time::UnixTime;

/// What a sale may ask for.
const WANTS: [&str; 3] = ["min", "demand", "factor"];

pub(crate) fn schedule(scaled: Scaled<'_>, site: &mut Site<'_>) -> Option<Vec<Sale>> {
    let items = scaled.table.list("schedule")?;
    let path = scaled.path.key("schedule");
    differ(items.iter().filter_map(|item| item.table()?.value("name")), "a sale", &path, site);
    // The next sale is looked at even if this one is faulty.
    let sales: Vec<_> = items.iter().map(|item| sale(item.table()?, scaled, &path, site)).collect();
    sales.into_iter().collect()
}

fn sale(table: &Table, scaled: Scaled<'_>, path: &Path<'_>, site: &mut Site<'_>) -> Option<Sale> {
    let wants = wants(table, path, site);
    let times = times(table, path, site);
    let (wants, (from, to, repeat)) = (wants?, times?);
    if let (SaleWants::Min(min), Some(max)) = (wants, scaled.table.integer::<u32>("max"))
        && min > max
        && let Some(at) = table.entry("min").and_then(|entry| entry.key)
    {
        let message = format!("the sale asks for {min} servers, and `max` of the pool is {max}");
        site.report.add(Mistake::doubt(at, &path.key("min"), message));
    }
    Some(Sale { name: table.parse("name", name::object)?, from, to, wants, repeat })
}

fn wants(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<SaleWants> {
    let given: Vec<_> = WANTS.iter().filter_map(|key| Some((*key, table.entry(key)?))).collect();
    match given.as_slice() {
        [("min", _)] => table.integer("min").map(SaleWants::Min),
        [("demand", _)] => table.parse("demand", rate::rate).map(SaleWants::Demand),
        [("factor", _)] => table.number("factor").map(SaleWants::Factor),
        [(first, _), (second, entry), ..] => {
            let message = format!("`{second}` stands beside `{first}`");
            let mistake = Mistake::new(entry.key?, &path.key(second), message);
            site.report.add(mistake.expected("exactly one of `min`, `demand` and `factor`"));
            None
        }
        _ => {
            let at = table.entry("name")?.key?;
            let mistake = Mistake::new(at, path, "the sale asks for nothing");
            site.report.add(mistake.expected("one of `min`, `demand` and `factor`"));
            None
        }
    }
}

type Times = (UnixTime, UnixTime, Option<Repeat>);

fn times(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Times> {
    let zone = table.optional("timezone", |name| name.parse(zone))?;
    let from = moment(table, "from", zone.as_ref(), path, site);
    let to = moment(table, "to", zone.as_ref(), path, site);
    let every = table.optional("repeat", |word| match word.text()? {
        "daily" => Some(Every::Day),
        "weekly" => Some(Every::Week),
        _ => None,
    })?;
    zone_is_needed(table, path, site);
    let (from, to) = (from?, to?);
    let at = table.entry("to")?.key?;
    if from >= to {
        let mistake = Mistake::new(at, &path.key("to"), "`to` is not after `from`");
        site.report.add(mistake.expected("a later time"));
        return None;
    }
    let Some(every) = every else { return Some((from, to, None)) };
    let repeat = Repeat { every, zone: zone.unwrap_or_else(Zone::utc) };
    if let Some((message, expected)) = unrepeatable((from, to), &repeat) {
        site.report.add(Mistake::new(at, &path.key("to"), message).expected(expected));
        return None;
    }
    Some((from, to, Some(repeat)))
}

/// Why a sale cannot come again, and what could: by the clock on the wall it has to end after it
/// begins, and before it begins again.
fn unrepeatable(
    (from, to): (UnixTime, UnixTime),
    repeat: &Repeat,
) -> Option<(String, &'static str)> {
    let zone = &repeat.zone;
    let (Some(from), Some(to)) = (zone.wall(from), zone.wall(to)) else {
        return Some(("the sale is beyond the calendar".to_owned(), "an earlier time"));
    };
    let (days, word, expected) = match repeat.every {
        Every::Day => (1, "day", "at most a day after `from`"),
        Every::Week => (7, "week", "at most a week after `from`"),
    };
    if to <= from {
        let message = format!("by the clock of {} it is {from}, and then {to}", zone.name());
        return Some((message, "a first sale while no clock is put back"));
    }
    let over = from.days_later(days).is_none_or(|next| to > next);
    let message = || format!("the sale lasts longer than the {word} after which it comes again");
    over.then(|| (message(), expected))
}

/// The moment that a key names; without an offset, by the clock of the zone.
fn moment(
    table: &Table,
    key: &'static str,
    zone: Option<&Zone>,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<UnixTime> {
    let value = table.value(key)?;
    let wall = match value.parse(time)? {
        TimeText::Exact(at) => return Some(at),
        TimeText::Wall(wall) => wall,
    };
    let path = path.key(key);
    let mut refuse = |message: String, expected: &str| {
        site.report.add(Mistake::new(value.at()?, &path, message).expected(expected));
        None
    };
    let Some(zone) = zone else {
        let expected = "an offset from UTC, as in \"2026-11-27T00:00:00+08:00\", or `timezone`";
        return refuse(format!("`{key}` does not say by whose clock"), expected);
    };
    if zone.skips(wall) {
        let message = format!("clocks in {} are put forward over {wall}", zone.name());
        return refuse(message, "a time that they show");
    }
    let at = if key == "from" { zone.earliest(wall) } else { zone.latest(wall) };
    at.or_else(|| refuse(format!("`{key}` is before the year 1970"), "a later time"))
}

/// A zone tells what clocks show, or when a sale comes again.
fn zone_is_needed(table: &Table, path: &Path<'_>, site: &mut Site<'_>) {
    let exact = |key| matches!(table.parse(key, time), Some(TimeText::Exact(_)));
    let idle = table.value("repeat").is_none() && exact("from") && exact("to");
    if let (true, Some(at)) = (idle, table.entry("timezone").and_then(|entry| entry.key)) {
        let message = "`timezone` has no effect: `from` and `to` have their offsets";
        let mistake = Mistake::new(at, &path.key("timezone"), message);
        site.report.add(mistake.expected("`repeat` beside it, or times without offsets"));
    }
}
