//! `[pool.NAME.health]` and `[pool.NAME.passive]` to the model.

use super::whole::Site;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table};
use crate::config::text::duration::{print, wait};
use crate::config::text::{host, name, path, status};
use crate::model::pool::{Failures, HealthCheck, HttpProbe, InitialHealth, PassiveHealth, Probe};
use crate::model::ratio::Ratio;

pub(crate) fn active(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<HealthCheck> {
    thresholds_are_in_order(table, path, site);
    let probe = match table.text("type")? {
        "tcp" => Probe::Tcp,
        "grpc" => {
            let service = table.optional("service", |service| service.parse(name::phrase))?;
            Probe::Grpc { service: service.unwrap_or_default() }
        }
        "http" => Probe::Http(http(table, path, site)?),
        _ => return None,
    };
    Some(HealthCheck {
        probe,
        interval: table.parse("interval", wait)?,
        interval_changing: table.parse("interval_changing", wait)?,
        timeout: table.parse("timeout", wait)?,
        unhealthy_after: table.integer("unhealthy_after")?,
        healthy_after: table.integer("healthy_after")?,
        slow_after: table.parse("slow_after", wait)?,
        fail_after: table.parse("fail_after", wait)?,
        initial: match table.text("initial")? {
            "first-probe" => InitialHealth::FirstProbe,
            "healthy" => InitialHealth::Healthy,
            "unhealthy" => InitialHealth::Unhealthy,
            _ => return None,
        },
        port: table.optional("port", |_| table.integer("port"))?,
    })
}

fn http(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<HttpProbe> {
    let method = table.parse("method", name::method)?;
    if let (true, Some(body)) = (method == "HEAD", table.entry("body_contains")) {
        let path = path.key("body_contains");
        let mistake = Mistake::new(body.key?, &path, "the response to HEAD has no body");
        site.report.add(mistake.expected("`method` \"GET\""));
    }
    Some(HttpProbe {
        method,
        path: table.parse("path", path::probe_target)?,
        host: table.optional("host", |host| host.parse(host::authority))?,
        headers: table
            .optional("headers", |headers| self::headers(headers.table()?))?
            .unwrap_or_default(),
        status: table.parse_list("status", status::range)?,
        body_contains: table.optional("body_contains", |body| body.parse(name::phrase))?,
    })
}

fn headers(table: &Table) -> Option<Vec<(String, String)>> {
    let read = |name: &str| name::probe_header(name).ok();
    table
        .iter()
        .map(|(name, entry)| Some((read(name)?, entry.value.parse(name::header_value)?)))
        .collect()
}

/// `slow_after` ≤ `fail_after` ≤ `timeout`: beyond `timeout` nothing is measured any more.
fn thresholds_are_in_order(table: &Table, path: &Path<'_>, site: &mut Site<'_>) {
    let read = |key: &str| table.parse(key, wait);
    let (Some(slow), Some(fail), Some(timeout)) =
        (read("slow_after"), read("fail_after"), read("timeout"))
    else {
        return;
    };
    let written = |key: &str| table.entry(key).and_then(|entry| entry.key);
    if let (true, Some(at)) = (fail > timeout, written("fail_after")) {
        let message = format!("`fail_after` is beyond `timeout`, which is {}", print(timeout));
        let expected = format!("at most {}", print(timeout));
        site.report.add(Mistake::new(at, &path.key("fail_after"), message).expected(expected));
    }
    if let (true, Some(at)) = (slow > fail, written("slow_after")) {
        let message = format!(
            "`slow_after` is never reached: a check slower than {} has failed",
            print(fail)
        );
        site.report.add(Mistake::doubt(at, &path.key("slow_after"), message));
    }
}

pub(crate) fn passive(
    table: &Table,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<PassiveHealth> {
    let eject_for = table.parse("eject_for", wait)?;
    let at = table.entry("eject_for").and_then(|entry| entry.key);
    if let (true, Some(at)) = (eject_for > PassiveHealth::EJECT_FOR_MAX, at) {
        let longest = print(PassiveHealth::EJECT_FOR_MAX);
        let message = format!("`eject_for` is beyond {longest}, the longest ejection");
        let mistake = Mistake::new(at, &path.key("eject_for"), message);
        site.report.add(mistake.expected(format!("at most {longest}")));
    }
    Some(PassiveHealth {
        consecutive_failures: table.integer("consecutive_failures")?,
        eject_for,
        max_ejected: Ratio::new(table.number("max_ejected")?)?,
        failures: failures(table)?,
    })
}

fn failures(table: &Table) -> Option<Failures> {
    let items = table.list("failures")?;
    let words = items.iter().map(|item| item.text()).collect::<Option<Vec<_>>>()?;
    Some(Failures {
        connect: words.contains(&"connect"),
        reset: words.contains(&"reset"),
        timeout: words.contains(&"timeout"),
        status: items.iter().filter_map(|item| item.parse(status::status)).collect(),
    })
}
