//! The whole configuration, from its parts.

use super::page::Pages;
use super::{audience, listener, notify, pool, process, rollout, route, rules, ties};
use crate::config::load::Source;
use crate::config::position::{At, Files};
use crate::config::raw::report::Report;
use crate::config::raw::tree::{Entry, Table};
use crate::model::node::Config;

/// What builders may look at beside their own table.
pub(crate) struct Site<'a> {
    /// The whole tree.
    pub tree: &'a Table,
    /// The files it comes from.
    pub files: &'a Files,
    /// Where mistakes go.
    pub report: &'a mut Report,
    /// Pages that are named.
    pub pages: Pages<'a>,
}

/// A named table of the tree.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where the name is written.
    pub at: At,
    /// What it says.
    pub table: &'a Table,
}

/// Builds the model; `None` if any part of it is faulty.
pub(crate) fn config(
    tree: &Table,
    files: &Files,
    report: &mut Report,
    source: &mut dyn Source,
) -> Option<Config> {
    let mut site = Site { tree, files, report, pages: Pages::new(source) };
    let listeners =
        every(objects(tree, "listener"), |object| listener::listener(object, &mut site));
    let pools = every(objects(tree, "pool"), |object| pool::pool(object, &mut site));
    let routes = every(objects(tree, "route"), |object| route::route(object, &mut site));
    let notify = notify::notify(tree, &mut site);
    let audiences =
        every(objects(tree, "audience"), |object| audience::audience(object, &mut site));
    let rollouts = every(objects(tree, "rollout"), |object| rollout::rollout(object, &mut site));
    rules::hold(&mut site);
    ties::find(&routes.built, tree, files, site.report);
    Some(Config {
        runtime: process::runtime(tree.table("runtime")?, files)?,
        admin: process::admin(tree.table("admin")?, files)?,
        metrics: tree.optional("metrics", |metrics| process::metrics(metrics.table()?))?,
        log: process::log(tree.table("log")?, files)?,
        keys: process::keys(tree.table("keys")?, files)?,
        listeners: listeners.whole()?,
        routes: routes.whole()?,
        pools: pools.whole()?,
        audiences: audiences.whole()?,
        geo: tree.optional("geo", |geo| audience::geo(geo, files))?,
        rollouts: rollouts.whole()?,
        notify: notify?,
    })
}

/// The objects of a kind, by name.
pub(crate) fn objects<'a>(tree: &'a Table, kind: &str) -> impl Iterator<Item = Object<'a>> {
    let entries = tree.table(kind).into_iter().flat_map(Table::iter);
    entries.filter_map(|(name, Entry { key, value })| {
        Some(Object { name, at: (*key)?, table: value.table()? })
    })
}

/// What could be built.
struct Built<T> {
    built: Vec<T>,
    faulty: bool,
}

impl<T> Built<T> {
    fn whole(self) -> Option<Vec<T>> {
        if self.faulty { None } else { Some(self.built) }
    }
}

/// Builds each object: a faulty one does not keep the mistakes of the next from being found.
fn every<'a, T>(
    objects: impl Iterator<Item = Object<'a>>,
    mut build: impl FnMut(Object<'a>) -> Option<T>,
) -> Built<T> {
    let mut built = Vec::new();
    let mut faulty = false;
    for object in objects {
        match build(object) {
            Some(object) => built.push(object),
            None => faulty = true,
        }
    }
    Built { built, faulty }
}
