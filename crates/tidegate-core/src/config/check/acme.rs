//! `[listener.NAME.tls.acme]` to the model, and what several of them have to agree on.

use std::collections::BTreeMap;

use super::tls::file;
use super::whole::{Object, Site, objects};
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, Value};
use crate::config::text::acme as text;
use crate::model::acme::{Acme, Authority, Challenge};
use crate::model::written::Written;

/// What is asked of an authority.
pub(crate) fn acme(value: &Value, path: &Path<'_>, site: &Site<'_>) -> Option<Written<Acme>> {
    let table = value.table()?;
    let mut domains = table.parse_list("domains", text::domain)?;
    domains.sort_unstable();
    domains.dedup();
    let authority = Authority {
        directory: table.parse("directory", text::directory)?,
        email: table.optional("email", |email| email.parse(text::email))?,
        ca: file(table, "ca", path, site.files)?,
    };
    let challenge = match table.text("challenge")? {
        "tls-alpn-01" => Challenge::TlsAlpn01,
        "http-01" => Challenge::Http01,
        _ => return None,
    };
    let place = site.files.written(value.at()?, path);
    Some(Written { value: Acme { domains, authority, challenge }, place })
}

/// Holds all of them against one another, and against the listeners that there are.
pub(crate) fn hold(site: &mut Site<'_>) {
    texts_can_be_fetched(site);
    accounts_agree(site);
}

fn asked<'a>(tree: &'a Table) -> impl Iterator<Item = (Object<'a>, &'a Table)> {
    objects(tree, "listener").filter_map(|one| Some((one, one.table.table("tls")?.table("acme")?)))
}

/// HTTP-01 is asked for in the clear.
fn texts_can_be_fetched(site: &mut Site<'_>) {
    if objects(site.tree, "listener").any(|one| one.table.value("tls").is_none()) {
        return;
    }
    for (listener, acme) in asked(site.tree) {
        let Some(entry) = acme.entry("challenge") else { continue };
        let (Some("http-01"), Some(at)) = (entry.value.text(), entry.value.at()) else { continue };
        let message = "`http-01` needs a listener without `tls`, to which port 80 leads";
        let (listeners, tls) = (Path::ROOT.key("listener"), listener.name);
        let (listener, tls) = (listeners.key(tls), "tls");
        let (tls, acme) = (listener.key(tls), "acme");
        let mistake = Mistake::new(at, &tls.key(acme).key("challenge"), message);
        site.report.add(mistake.expected("such a listener, or \"tls-alpn-01\""));
    }
}

/// There is one account with each authority.
fn accounts_agree(site: &mut Site<'_>) {
    let mut accounts: BTreeMap<&str, (&str, &Table)> = BTreeMap::new();
    for (listener, acme) in asked(site.tree) {
        let Some(directory) = acme.text("directory") else { continue };
        let Some((first, other)) = accounts.get(directory) else {
            accounts.insert(directory, (listener.name, acme));
            continue;
        };
        for key in ["email", "ca"] {
            if acme.text(key) == other.text(key) {
                continue;
            }
            let Some(at) = acme.entry(key).and_then(|entry| entry.value.at()).or(Some(listener.at))
            else {
                continue;
            };
            let listeners = Path::ROOT.key("listener");
            let (own, tls) = (listeners.key(listener.name), "tls");
            let tls = own.key(tls);
            let message =
                format!("listener \"{first}\" asks the same authority with another `{key}`");
            let mistake = Mistake::new(at, &tls.key("acme").key(key), message);
            site.report.add(mistake.expected("the same for one `directory`"));
        }
    }
}
