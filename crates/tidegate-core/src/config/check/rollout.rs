//! `[rollout.NAME]` to the model, and the rules among its keys and with pools, routes, audiences.

use std::num::NonZeroU32;

use super::analysis;
use super::route::exists;
use super::whole::{Object, Site};
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, Value, quote};
use crate::config::text::duration::{duration, wait};
use crate::config::text::{name, path, size, status, user_key};
use crate::model::ids::{AudienceName, PoolName, RolloutName, RouteName};
use crate::model::ratio::Limit;
use crate::model::rollout::{Mirror, Rollout, Share, Smoke, Strategy, UserKey};

/// The keys that hold audiences.
pub(crate) const AUDIENCES: [&str; 3] = ["always", "only", "never"];

/// A rollout that is being built.
#[derive(Clone, Copy)]
struct Draft<'a> {
    table: &'a Table,
    path: &'a Path<'a>,
}

/// The pools that a rollout is between.
#[derive(Clone, Copy)]
struct Pools<'a> {
    stable: &'a str,
    candidate: &'a str,
}

pub(crate) fn rollout(object: Object<'_>, site: &mut Site<'_>) -> Option<Rollout> {
    let (table, rollouts) = (object.table, Path::ROOT.key("rollout"));
    let path = &rollouts.key(object.name);
    let draft = Draft { table, path };
    // Each part is read whatever became of the others, so that all mistakes are found.
    let pools = pools(draft, site);
    let strategy = strategy(draft, site);
    let routes = routes(draft, pools, site);
    let user = user(draft, site);
    let [always, only, never] = AUDIENCES.map(|key| audiences(draft, key, site));
    nobody_is_in_two_minds(draft, site);
    let freeze_during = pools.and_then(|pools| freeze_during(draft, pools, site));
    if let Some(pools) = pools {
        max_total_leaves_room(draft, pools, site);
    }
    let mirror = table.optional("mirror", |it| mirror(it.table()?, &path.key("mirror"), site));
    let analysis = table
        .entry("analysis")
        .and_then(|entry| analysis::analysis(entry, &path.key("analysis"), site));
    let pools = pools?;
    Some(Rollout {
        name: RolloutName::new(object.name),
        pool: PoolName::new(pools.stable),
        candidate: PoolName::new(pools.candidate),
        routes: routes?,
        strategy: strategy?,
        user: user?,
        always: always?,
        only: only?,
        never: never?,
        smoke: table.optional("smoke", |it| smoke(it.table()?))?,
        bake: table.parse("bake", duration)?,
        keep_old: table.parse("keep_old", duration)?,
        keep_size: table.integer("keep_size")?,
        max_total: max_total(table)?,
        freeze_during: freeze_during?,
        mirror: mirror?,
        analysis: analysis?,
    })
}

/// Both exist, and differ.
fn pools<'a>(draft: Draft<'a>, site: &mut Site<'_>) -> Option<Pools<'a>> {
    let mut named = |key| exists("pool", draft.table.value(key)?, &draft.path.key(key), site);
    let (stable, candidate) = (named("pool"), named("candidate"));
    let (stable, candidate) = (stable?, candidate?);
    if stable == candidate {
        let at = draft.table.value("candidate")?.at()?;
        let message = format!("pool {} cannot take over from itself", quote(stable));
        let mistake = Mistake::new(at, &draft.path.key("candidate"), message);
        site.report.add(mistake.expected("another pool, with the servers of the new version"));
        return None;
    }
    Some(Pools { stable, candidate })
}

fn strategy(draft: Draft<'_>, site: &mut Site<'_>) -> Option<Strategy> {
    match draft.table.text("strategy")? {
        "canary" => {
            let steps = steps(draft, site);
            Some(Strategy::Canary { steps: steps?, hold: draft.table.parse("hold", duration)? })
        }
        "blue-green" => Some(Strategy::BlueGreen),
        _ => None,
    }
}

/// Shares that grow, to all users.
fn steps(draft: Draft<'_>, site: &mut Site<'_>) -> Option<Vec<Share>> {
    let items = draft.table.list("steps")?;
    let shares: Vec<_> = items.iter().map(share).collect::<Option<_>>()?;
    let path = draft.path.key("steps");
    let fall = shares.windows(2).position(|pair| pair[0] >= pair[1]);
    if let Some(at) = fall.and_then(|fall| items.get(fall + 1)?.at()) {
        let message = "a step is not larger than the one before it";
        let mistake = Mistake::new(at, &path, message);
        site.report.add(mistake.expected("steps that grow, such as `[1, 5, 10, 25, 50, 100]`"));
        return None;
    }
    let last = items.last()?;
    if let (true, Some(at)) = (shares.last() != Some(&Share::ALL), last.at()) {
        let mistake = Mistake::new(at, &path, "the last step leaves users with the old version");
        site.report.add(mistake.expected("100 as the last step"));
        return None;
    }
    Some(shares)
}

fn share(value: &Value) -> Option<Share> {
    Share::percent(value.number()?)
}

/// Routes that lead to stable, or by now to the candidate: once a rollout is over, the
/// configuration may say so.
fn routes(
    draft: Draft<'_>,
    pools: Option<Pools<'_>>,
    site: &mut Site<'_>,
) -> Option<Vec<RouteName>> {
    let path = draft.path.key("routes");
    let mut named: Vec<Option<&str>> = Vec::new();
    for item in draft.table.list("routes")? {
        let route = exists("route", item, &path, site);
        if let (Some(route), Some(pools), Some(at)) = (route, pools, item.at()) {
            let target = site.tree.table("route").and_then(|routes| routes.table(route));
            let pool = target.and_then(|route| route.text("pool"));
            if named.contains(&Some(route)) {
                let message = format!("route {} is named twice", quote(route));
                site.report.add(Mistake::new(at, &path, message).expected("each route once"));
            } else if pool.is_some_and(|pool| pool != pools.stable && pool != pools.candidate) {
                let message = format!("route {} does not lead to this pool", quote(route));
                let expected = format!("routes with `pool` {}", quote(pools.stable));
                site.report.add(Mistake::new(at, &path, message).expected(expected));
            } else if pool.is_none() {
                let message = format!("route {} leads to no pool", quote(route));
                let expected = format!("routes with `pool` {}", quote(pools.stable));
                site.report.add(Mistake::new(at, &path, message).expected(expected));
            }
        }
        named.push(route);
    }
    named.into_iter().map(|name| name.map(RouteName::new)).collect()
}

/// Who is told apart by an assigned cookie or by the address always is: what stands behind them is
/// never looked at.
fn user(draft: Draft<'_>, site: &mut Site<'_>) -> Option<Vec<UserKey>> {
    let items = draft.table.list("user")?;
    let keys: Vec<_> =
        items.iter().map(|item| item.parse(user_key::user_key)).collect::<Option<_>>()?;
    let last = keys.iter().position(|key| matches!(key, UserKey::Assign | UserKey::Client));
    let idle = last.and_then(|last| items.get(last + 1)?.at().zip(items[last].text()));
    if let Some((at, last)) = idle {
        let message =
            format!("nothing after {} is looked at: it tells everybody apart", quote(last));
        let mistake = Mistake::new(at, &draft.path.key("user"), message);
        site.report.add(mistake.expected(format!("{} as the last", quote(last))));
        return None;
    }
    Some(keys)
}

fn audiences(draft: Draft<'_>, key: &str, site: &mut Site<'_>) -> Option<Vec<AudienceName>> {
    let path = draft.path.key(key);
    let items = draft.table.list(key)?.iter();
    let names: Vec<_> = items.map(|item| exists("audience", item, &path, site)).collect();
    names.into_iter().map(|name| name.map(AudienceName::new)).collect()
}

/// An audience cannot meet the candidate always and never.
fn nobody_is_in_two_minds(draft: Draft<'_>, site: &mut Site<'_>) {
    let never = draft.table.list("never").unwrap_or_default();
    for key in ["always", "only"] {
        let others = draft.table.list(key).unwrap_or_default();
        for item in never {
            let both =
                others.iter().any(|other| other.text().is_some() && other.text() == item.text());
            if let (true, Some(at), Some(text)) = (both, item.at(), item.text()) {
                let message = format!("audience {} is in `{key}` as well", quote(text));
                let mistake = Mistake::new(at, &draft.path.key("never"), message);
                site.report.add(mistake.expected("an audience in one of the two"));
            }
        }
    }
}

/// Sales in the schedule of either pool.
fn freeze_during(draft: Draft<'_>, pools: Pools<'_>, site: &mut Site<'_>) -> Option<Vec<String>> {
    let path = draft.path.key("freeze_during");
    let schedule = |pool: &str| {
        let autoscale = site.tree.table("pool")?.table(pool)?.table("autoscale")?;
        autoscale.list("schedule")
    };
    let sales: Vec<&str> = [pools.stable, pools.candidate]
        .into_iter()
        .flat_map(|pool| schedule(pool).unwrap_or_default())
        .filter_map(|sale| sale.table()?.text("name"))
        .collect();
    let mut named = Vec::new();
    for item in draft.table.list("freeze_during")? {
        let text = item.text()?;
        if !sales.contains(&text) {
            let message = format!("neither pool has a sale {} in its schedule", quote(text));
            let nearest = site.report.nearest(text, sales.iter().copied());
            let mistake = Mistake::new(item.at()?, &path, message).nearest(nearest);
            site.report.add(mistake.expected("the `name` of one in `autoscale.schedule`"));
        }
        named.push(item.parse(name::object)?);
    }
    Some(named)
}

fn max_total(table: &Table) -> Option<Limit<u32>> {
    match table.text("max_total") {
        Some("unlimited") => Some(Limit::Unlimited),
        _ => table.integer("max_total").map(Limit::At),
    }
}

/// `max_total` speaks of instances, and leaves room for those that the pools ask for.
fn max_total_leaves_room(draft: Draft<'_>, pools: Pools<'_>, site: &mut Site<'_>) {
    let Some(at) = draft.table.entry("max_total").and_then(|entry| entry.key) else { return };
    let pools = [pools.stable, pools.candidate];
    let least: u32 = pools.iter().filter_map(|pool| least_instances(pool, site)).sum();
    let Some(Limit::At(max)) = max_total(draft.table) else { return };
    let (message, expected) = if !pools.iter().any(|pool| is_scaled(pool, site)) {
        let message = "`max_total` has no effect: neither pool has `autoscale`";
        (message.to_owned(), "no `max_total`: listed servers always stay".to_owned())
    } else if max < least {
        let message = format!("`max_total` is {max}, and `min` of the two pools asks for {least}");
        (message, format!("{least} and above"))
    } else {
        return;
    };
    let path = draft.path.key("max_total");
    site.report.add(Mistake::new(at, &path, message).expected(expected));
}

fn is_scaled(pool: &str, site: &Site<'_>) -> bool {
    let table = site.tree.table("pool").and_then(|pools| pools.table(pool));
    table.is_none_or(|pool| pool.value("autoscale").is_some())
}

/// The instances that a pool has at least.
fn least_instances(pool: &str, site: &Site<'_>) -> Option<u32> {
    let pool = site.tree.table("pool")?.table(pool)?;
    let min: u32 = pool.table("autoscale")?.integer("min")?;
    let primary = |server: &&Value| server.table().and_then(|s| s.flag("backup")) == Some(false);
    let listed = pool.list("servers")?.iter().filter(primary).count();
    Some(min.saturating_sub(u32::try_from(listed).unwrap_or(u32::MAX)))
}

fn smoke(table: &Table) -> Option<Smoke> {
    Some(Smoke {
        path: table.parse("path", path::probe_target)?,
        status: table.parse_list("status", status::range)?,
        timeout: table.parse("timeout", wait)?,
        times: NonZeroU32::new(table.integer("times")?)?,
    })
}

fn mirror(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Mirror> {
    let path = path.key("methods");
    for item in table.list("methods")? {
        let (Some(method), Some(at)) = (item.text(), item.at()) else { continue };
        match method {
            // RFC 9110, section 9.2.1.
            "GET" | "HEAD" | "OPTIONS" | "TRACE" => {}
            "CONNECT" => {
                let mistake = Mistake::new(at, &path, "a tunnel cannot be copied");
                site.report.add(mistake.expected("methods with a response"));
            }
            _ => {
                let message = format!("a copy of {method} changes things a second time");
                site.report.add(Mistake::doubt(at, &path, message));
            }
        }
    }
    Some(Mirror {
        share: Share::percent(table.number("share")? * 100.0)?,
        methods: table.parse_list("methods", name::method)?,
        at_once: table.integer("at_once")?,
        timeout: table.parse("timeout", wait)?,
        body_bytes: table.parse("body_bytes", size::copy_size)?,
    })
}
