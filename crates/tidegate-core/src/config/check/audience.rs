//! `[audience.NAME]` and `[geo]` to the model.

use super::matching::values;
use super::whole::{Object, Site, objects};
use crate::config::position::Files;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, Value};
use crate::config::text::{address, country, name, place};
use crate::model::audience::{Audience, AudienceMatch, Device, Geo};
use crate::model::ids::AudienceName;
use crate::model::rollout::Share;
use crate::model::written::Written;

pub(crate) fn audience(object: Object<'_>, site: &mut Site<'_>) -> Option<Audience> {
    let audiences = Path::ROOT.key("audience");
    let path = audiences.key(object.name);
    let path = path.key("any");
    // Collected before the first faulty one ends it, so that the mistakes of all are found.
    let items = object.table.list("any")?.iter();
    let any: Vec<_> = items.map(|item| alternative(item, &path, site)).collect();
    let any: Vec<_> = any.into_iter().collect::<Option<_>>()?;
    Some(Audience { name: AudienceName::new(object.name), any })
}

/// A relative path starts at the main file.
pub(crate) fn geo(value: &Value, files: &Files) -> Option<Geo> {
    let geo = Path::ROOT.key("geo");
    let database = value.table()?.value("database")?;
    Some(Geo {
        database: Written {
            value: files.directory().join(database.parse(place::file)?),
            place: files.written(database.at()?, &geo.key("database")),
        },
    })
}

fn alternative(value: &Value, path: &Path<'_>, site: &mut Site<'_>) -> Option<AudienceMatch> {
    let table = value.table()?;
    says_something(value, path, site);
    headers_are_believed(table, path, site);
    countries_are_known(table, path, site);
    let headers = values(table, "header", name::header, path, site);
    Some(AudienceMatch {
        clients: table.parse_list("client", address::network)?,
        signed_cookie: table.optional("signed_cookie", |cookie| cookie.parse(name::token))?,
        countries: table.parse_list("country", country::country)?,
        devices: table.list("device")?.iter().map(device).collect::<Option<_>>()?,
        headers: headers?,
        share: table.optional("percent", |_| Share::percent(table.number("percent")?))?,
    })
}

fn device(value: &Value) -> Option<Device> {
    let word = value.text()?;
    Device::ALL.into_iter().find(|device| device.as_str() == word)
}

/// Without a condition everybody would be in it.
fn says_something(value: &Value, path: &Path<'_>, site: &mut Site<'_>) {
    let (Some(table), Some(at)) = (value.table(), value.at()) else { return };
    let trusted = table.flag("trusted") == Some(true);
    if !trusted && table.iter().all(|(key, _)| key == "trusted") {
        let mistake = Mistake::new(at, path, "everybody is in this audience");
        site.report.add(mistake.expected("at least one condition"));
    }
}

/// Anybody can send a header: one is believed only of proxies, and whoever asks for it knows that.
fn headers_are_believed(table: &Table, path: &Path<'_>, site: &mut Site<'_>) {
    let trusted = table.flag("trusted") == Some(true);
    let written = |key: &str| table.entry(key).and_then(|entry| entry.key);
    let (at, key, message, expected) = match (written("header"), written("trusted")) {
        (Some(at), _) if !trusted => (
            at,
            "header",
            "anybody can send a header, so it cannot tell an audience",
            "`trusted = true` beside it: it is then believed of `trusted_proxies` alone",
        ),
        (Some(at), _) if !somebody_is_trusted(site) => (
            at,
            "header",
            "no listener has `trusted_proxies`, so the header is believed of nobody",
            "`trusted_proxies` that name the proxies which send it",
        ),
        (None, Some(at)) if trusted => {
            (at, "trusted", "`trusted` has no effect without `header`", "`header` beside it")
        }
        _ => return,
    };
    site.report.add(Mistake::new(at, &path.key(key), message).expected(expected));
}

fn somebody_is_trusted(site: &Site<'_>) -> bool {
    let trusts = |listener: Object<'_>| match listener.table.list("trusted_proxies") {
        Some(networks) => !networks.is_empty(),
        // What is faulty is there.
        None => true,
    };
    objects(site.tree, "listener").any(trusts)
}

fn countries_are_known(table: &Table, path: &Path<'_>, site: &mut Site<'_>) {
    let Some(at) = table.entry("country").and_then(|entry| entry.key) else { return };
    if site.tree.value("geo").is_none() {
        let message = "without `geo.database` no address is known to be in a country";
        let mistake = Mistake::new(at, &path.key("country"), message);
        site.report.add(mistake.expected("`database` in `[geo]`"));
    }
}
