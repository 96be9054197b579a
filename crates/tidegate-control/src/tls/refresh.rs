//! TLS made again after files have changed.
//!
//! What cannot be used keeps what was there before it: of five hundred certificates, a bad one
//! holds up none of the others.

use tidegate_core::config::diagnostic::Diagnostic;
use tidegate_core::model::node::Config;
use tidegate_core::time::UnixTime;
use tidegate_net::clock;
use tidegate_net::tls::identity::Identity;

use super::build::{Builder, Fallback};
use super::parts::{AcmeParts, ListenerParts, PoolParts, Shown, Tls};

/// What came of it.
#[derive(Debug)]
pub(crate) struct Refreshed {
    /// What serves from now on.
    pub(crate) tls: Tls,
    /// What is another than before, in words: what, and why people may want to know.
    pub(crate) changes: Vec<(String, String)>,
    /// What could not be used.
    pub(crate) mistakes: Vec<Diagnostic>,
}

/// Reads again what `config` names, of which `before` was made. Blocks on the disk.
pub(crate) fn refresh(config: &Config, before: &Tls) -> Refreshed {
    let mut builder = Builder::new(before, Fallback::Before);
    let tls = builder.tls(config);
    let (mistakes, warnings) = builder.told();
    let tls = Tls { warnings, ..tls };
    Refreshed { changes: changes(before, &tls), tls, mistakes }
}

/// What differs between two of the same configuration.
fn changes(before: &Tls, after: &Tls) -> Vec<(String, String)> {
    let now = clock::unix_time();
    let mut changes = Vec::new();
    if !before.keys.is_same(&after.keys) {
        changes.push(("cookies are sealed with other keys".to_owned(), CHANGED.to_owned()));
    }
    if let (Some(old), Some(new)) = (&before.countries, &after.countries)
        && !old.is_same(new)
    {
        let what = format!("addresses are in countries as another {new} says");
        changes.push((what, CHANGED.to_owned()));
    }
    for (name, new) in &after.listeners {
        let Some(old) = before.listeners.get(name) else { continue };
        let told = of_listener(old, new, now).into_iter();
        changes.extend(told.map(|(what, why)| (format!("listener {name} {what}"), why)));
    }
    for (name, new) in &after.pools {
        let Some(old) = before.pools.get(name) else { continue };
        let told = of_pool(old, new, now).into_iter();
        changes.extend(told.map(|(what, why)| (format!("pool {name} {what}"), why)));
    }
    changes
}

fn of_listener(old: &ListenerParts, new: &ListenerParts, now: UnixTime) -> Vec<(String, String)> {
    let pairs = old.certificates.iter().zip(&new.certificates);
    let mut told: Vec<_> = pairs.filter_map(|(old, new)| of_shown(old, new, now)).collect();
    told.extend(new.acme.as_ref().and_then(|new| of_issued(old.acme.as_ref(), new, now)));
    if old.client_auth != new.client_auth {
        told.push(("takes clients by other authorities".to_owned(), CHANGED.to_owned()));
    }
    told
}

fn of_pool(old: &PoolParts, new: &PoolParts, now: UnixTime) -> Vec<(String, String)> {
    let pairs = old.identity.iter().zip(&new.identity);
    let mut told: Vec<_> = pairs.filter_map(|(old, new)| of_shown(old, new, now)).collect();
    if old.roots != new.roots {
        told.push(("trusts servers by other authorities".to_owned(), CHANGED.to_owned()));
    }
    told
}

fn of_issued(old: Option<&AcmeParts>, new: &AcmeParts, now: UnixTime) -> Option<(String, String)> {
    let new = &new.issued.as_ref()?.shown;
    match old.and_then(|old| old.issued.as_ref()) {
        Some(old) => of_shown(&old.shown, new, now),
        None => {
            let why = format!("it was issued; it holds for {} days", days_left(&new.identity, now));
            Some((format!("shows a certificate for {}", title(&new.identity)), why))
        }
    }
}

const CHANGED: &str = "a changed file";

fn of_shown(old: &Shown, new: &Shown, now: UnixTime) -> Option<(String, String)> {
    let (was, is) = (&old.identity, &new.identity);
    let title = title(is);
    if was.fingerprint() != is.fingerprint() {
        let why = format!("{CHANGED}; it holds for {} days", days_left(is, now));
        return Some((format!("shows another certificate for {title}"), why));
    }
    if old.ocsp != new.ocsp {
        return Some((format!("staples another OCSP response for {title}"), CHANGED.to_owned()));
    }
    None
}

fn days_left(identity: &Identity, now: UnixTime) -> u64 {
    identity.not_after().as_secs().saturating_sub(now.as_secs()) / SECONDS_PER_DAY
}

/// The names that a certificate is for, or whom it is of when it is for none.
fn title(identity: &Identity) -> String {
    match identity.names() {
        [] => identity.subject().to_owned(),
        names => names.join(", "),
    }
}

const SECONDS_PER_DAY: u64 = 86_400;
