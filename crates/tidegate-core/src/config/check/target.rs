//! What answers a route's requests: exactly one of `pool`, `redirect` and `respond`.

use super::route::exists;
use super::whole::{Object, Site};
use crate::config::raw::merge::TARGETS;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Entry, Path, Table};
use crate::config::text::template;
use crate::model::edit::{Redirect, Respond};
use crate::model::ids::PoolName;
use crate::model::route::Target;

pub(crate) fn target(object: Object<'_>, path: &Path<'_>, site: &mut Site<'_>) -> Option<Target> {
    let table = object.table;
    match chosen(object, path, site)? {
        "pool" => {
            let pool = exists("pool", table.value("pool")?, &path.key("pool"), site)?;
            Some(Target::Pool(PoolName::new(pool)))
        }
        "redirect" => redirect(table.table("redirect")?).map(Target::Redirect),
        _ => respond(table.table("respond")?, &path.key("respond"), site).map(Target::Respond),
    }
}

/// The key that says what answers.
fn chosen(object: Object<'_>, path: &Path<'_>, site: &mut Site<'_>) -> Option<&'static str> {
    let given = TARGETS.into_iter().filter_map(|key| Some((key, object.table.entry(key)?)));
    let given: Vec<_> = given.collect();
    match given.as_slice() {
        [(key, _)] => Some(*key),
        [] => {
            let message = format!("`{path}` needs `pool`, `redirect` or `respond`");
            let mistake = Mistake::new(object.at, path, message);
            site.report.add(mistake.expected("one of the three"));
            None
        }
        [(first, _), (second, Entry { key, .. }), ..] => {
            let second = path.key(second);
            let message = format!("`{second}` stands beside `{}`", path.key(first));
            let mistake = Mistake::new(key.unwrap_or(object.at), &second, message);
            site.report.add(mistake.expected("exactly one of `pool`, `redirect` and `respond`"));
            None
        }
    }
}

fn redirect(table: &Table) -> Option<Redirect> {
    let to = table.text("to")?;
    Some(Redirect {
        to: template::location(to).ok()?,
        status: table.integer("status")?,
        keeps_query: !to.contains('?'),
    })
}

fn respond(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Respond> {
    let (status, body): (u16, _) = (table.integer("status")?, table.text("body")?);
    // RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
    if let (204 | 205 | 304, false) = (status, body.is_empty()) {
        let path = path.key("body");
        let message = format!("a response with status {status} has no body");
        let at = table.value("body")?.at()?;
        site.report.add(Mistake::new(at, &path, message).expected("another status, or no body"));
        return None;
    }
    Some(Respond {
        status,
        body: body.as_bytes().into(),
        media_type: table.text("type")?.to_owned(),
    })
}
