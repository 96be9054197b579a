//! `[route.NAME.request]` and `[route.NAME.response]` to the model.

use super::page;
use super::whole::Site;
use crate::config::raw::merge::OF_REDIRECTS;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Entry, Path, Table, Value};
use crate::config::text::fault::Fault;
use crate::config::text::{duration, host, name, origin, path, pattern, rewrite, template};
use crate::model::edit::{Cors, FieldEdits, HostEdit, Origins, ReplyEdits, RequestEdits, Rewrite};
use crate::model::template::Template;

/// What a route does with requests, as far as edits go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A server sees them.
    Forwards,
    /// Clients are sent elsewhere.
    Redirects,
    /// Nobody does.
    Responds,
}

pub(crate) fn request(
    table: &Table,
    path: &Path<'_>,
    used: Use,
    site: &mut Site<'_>,
) -> Option<Option<RequestEdits>> {
    idle(table, path, used, site);
    let fields = fields(table, path, template::request_value, site);
    let rewrite = table.optional("rewrite", |it| rewrite(it.table()?, &path.key("rewrite"), site));
    let edits = RequestEdits {
        strip_prefix: table.optional("strip_prefix", |prefix| prefix.parse(path::prefix))?,
        rewrite: rewrite?,
        host: match table.text("host")? {
            "pass" => HostEdit::Pass,
            "server" => HostEdit::Server,
            text => HostEdit::Literal(host::authority(text).ok()?.to_ascii_lowercase()),
        },
        fields: fields?,
    };
    let nothing = edits.strip_prefix.is_none()
        && edits.rewrite.is_none()
        && edits.host == HostEdit::Pass
        && edits.fields == FieldEdits::default();
    Some((!nothing).then_some(edits))
}

/// Edits that no server would see are a mistake; those that say nothing are none.
fn idle(table: &Table, path: &Path<'_>, used: Use, site: &mut Site<'_>) {
    let heeded = |key: &str| match used {
        Use::Forwards => true,
        Use::Redirects => OF_REDIRECTS.contains(&key),
        Use::Responds => false,
    };
    let passes = |key: &str, value: &Value| key == "host" && value.text() == Some("pass");
    for (key, Entry { key: at, value }) in table.iter().filter(|(key, _)| !heeded(key)) {
        if let Some(at) = at.filter(|_| !passes(key, value)) {
            let path = path.key(key);
            let message = format!("`{path}` has no effect on a route without a pool");
            site.report.add(Mistake::new(at, &path, message).expected("a route with `pool`"));
        }
    }
}

fn rewrite(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Rewrite> {
    let regex = table.parse("regex", pattern::anchored)?;
    let to = table.value("to")?;
    let text = to.text()?;
    match rewrite::rewrite(text, &regex) {
        Ok(to) => Some(Rewrite { regex, to }),
        Err(fault) => {
            let message = fault.message.unwrap_or_else(|| format!("{text:?} names no group"));
            let mistake = Mistake::new(to.at()?, &path.key("to"), message);
            site.report.add(mistake.expected("groups of the expression"));
            None
        }
    }
}

fn fields(
    table: &Table,
    path: &Path<'_>,
    read: impl Fn(&str) -> Result<Template, Fault>,
    site: &mut Site<'_>,
) -> Option<FieldEdits> {
    let remove = table.parse_list("remove_header", name::edited_header)?;
    let mut set: Vec<(String, Template)> = Vec::new();
    let Some(fields) = table.value("set_header") else { return Some(FieldEdits { remove, set }) };
    for (written, entry) in fields.table()?.iter() {
        let name = name::edited_header(written).ok()?;
        let twice = set.iter().any(|(known, _)| *known == name);
        let removed = remove.contains(&name);
        if let (true, Some(at)) = (twice || removed, entry.key) {
            let how = if twice { "written in two ways" } else { "removed as well" };
            let path = path.key("set_header");
            let message = format!("`{name}` is {how}");
            site.report.add(Mistake::new(at, &path.key(written), message).expected("one of them"));
        }
        set.push((name, entry.value.parse(&read)?));
    }
    Some(FieldEdits { remove, set })
}

pub(crate) fn response(
    table: &Table,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<Option<ReplyEdits>> {
    let fields = fields(table, path, template::reply_value, site);
    let cors = table.optional("cors", |cors| self::cors(cors.table()?, &path.key("cors"), site));
    let pages = page::error_pages(table, path, site);
    owned(table, path, site);
    let edits = ReplyEdits {
        fields: fields?,
        cors: cors?,
        hsts: table.optional("hsts", |value| hsts(value.table()?))?,
        error_pages: pages?,
    };
    let nothing = edits.fields == FieldEdits::default()
        && edits.cors.is_none()
        && edits.hsts.is_none()
        && edits.error_pages.0.is_empty();
    Some((!nothing).then_some(edits))
}

/// A field that `hsts` or `cors` writes is not set beside them.
fn owned(table: &Table, path: &Path<'_>, site: &mut Site<'_>) {
    let owner = |name: &str| match name.to_ascii_lowercase() {
        name if name == "strict-transport-security" => Some("hsts"),
        name if name.starts_with("access-control-") => Some("cors"),
        _ => None,
    };
    for (name, entry) in table.table("set_header").into_iter().flat_map(Table::iter) {
        let owner = owner(name).filter(|owner| table.value(owner).is_some());
        if let (Some(owner), Some(at)) = (owner, entry.key) {
            let set = path.key("set_header");
            let message = format!("`{name}` is set by `{}` already", path.key(owner));
            site.report.add(Mistake::new(at, &set.key(name), message).expected("one of them"));
        }
    }
}

/// Who asks across origins is read from the request once more when its response comes, so a route
/// with `cors` cannot change that.
pub(crate) fn origin_stays(
    request: &Table,
    response: &Table,
    path: &Path<'_>,
    site: &mut Site<'_>,
) {
    if response.value("cors").is_none() {
        return;
    }
    let is_origin = |name: &str| name.eq_ignore_ascii_case("origin");
    let set = request.table("set_header").into_iter().flat_map(Table::iter);
    let set = set.filter(|(name, _)| is_origin(name)).filter_map(|(_, entry)| entry.key);
    let removed = request.list("remove_header").unwrap_or_default().iter();
    let removed = removed.filter(|item| item.text().is_some_and(is_origin)).filter_map(Value::at);
    for at in set.chain(removed) {
        let message = "`origin` cannot be edited on a route with `cors`";
        site.report.add(Mistake::new(at, path, message).expected("`origin` as it came"));
    }
}

fn hsts(table: &Table) -> Option<String> {
    let age = table.parse("max_age", duration::age)?;
    let mut value = format!("max-age={}", age.as_secs());
    if table.flag("include_subdomains")? {
        value.push_str("; includeSubDomains");
    }
    if table.flag("preload")? {
        value.push_str("; preload");
    }
    Some(value)
}

fn cors(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Cors> {
    let credentials = table.flag("credentials")?;
    if credentials {
        no_star(table, path, site);
    }
    let origins = table.parse_list("origins", origin::origin)?;
    let join = |names: Vec<String>| names.join(", ");
    Some(Cors {
        origins: match origins.iter().any(|origin| origin == "*") {
            true => Origins::Any,
            false => Origins::Listed(origins),
        },
        methods: join(table.parse_list("methods", name::method)?),
        headers: join(table.parse_list("headers", name::header)?),
        expose: join(table.parse_list("expose", name::header)?),
        credentials,
        max_age: table.optional("max_age", |age| age.parse(duration::age))?,
    })
}

/// With credentials browsers read `*` as a name (Fetch, section 3.2.5), and to let any origin in
/// with them is to have no origins.
fn no_star(table: &Table, path: &Path<'_>, site: &mut Site<'_>) {
    for key in ["origins", "methods", "headers", "expose"] {
        let items = table.list(key).unwrap_or_default();
        for at in items.iter().filter(|item| item.text() == Some("*")).filter_map(Value::at) {
            let path = path.key(key);
            let message = format!("`{path}` cannot be \"*\" while `credentials` is true");
            site.report.add(Mistake::new(at, &path, message).expected("each one by name"));
        }
    }
}
