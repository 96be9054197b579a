//! Servers: their live state, and what was counted of each.

use std::fmt;

use tidegate_core::model::server::ServerState;
use tidegate_core::telemetry::server::ServerTotals;

use super::page::Facts;
use super::writer::{Labels, Writer};

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    live(writer, facts)?;
    counted(writer, facts)
}

fn live(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    writer.gauge(
        "tidegate_server_up",
        "Whether a server may be given requests.",
        states(facts, |state| i64::from(state.availability().is_available())),
    )?;
    writer.gauge(
        "tidegate_server_requests_in_flight",
        "Requests that a server is working on.",
        states(facts, |state| i64::from(state.in_flight())),
    )?;
    writer.gauge(
        "tidegate_server_weight",
        "The share of the traffic of a server relative to the others.",
        states(facts, |state| i64::from(state.weight())),
    )?;
    let sessions =
        members(facts).filter_map(|(labels, state)| Some((labels, i64::from(state.sessions()?))));
    writer.gauge("tidegate_server_sessions", "Sessions that live on a server.", sessions)
}

fn states(
    facts: &Facts,
    number: impl Fn(&ServerState) -> i64,
) -> impl Iterator<Item = (Labels<'_, 2>, i64)> {
    members(facts).map(move |(labels, state)| (labels, number(state)))
}

fn members(facts: &Facts) -> impl Iterator<Item = (Labels<'_, 2>, &ServerState)> {
    facts.snapshot.pools.iter().flat_map(|entry| {
        let pool = entry.pool.name.as_str();
        entry.members.iter().map(move |member| {
            let labels = [("pool", pool), ("server", member.server.name.as_str())];
            (labels, member.state.as_ref())
        })
    })
}

fn counted(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let rows = || {
        facts.scrape.servers.iter().map(|((pool, server), totals)| {
            ([("pool", pool.as_str()), ("server", server.as_str())], totals)
        })
    };
    for (name, help, number) in COUNTERS {
        writer.counter(name, help, rows().map(|(labels, totals)| (labels, number(totals))))?;
    }
    writer.histogram(
        "tidegate_server_duration",
        "From the start of a try to the end of its response.",
        rows().map(|(labels, totals)| (labels, totals.duration)),
    )
}

/// A counter of servers: its name, what it says, where it stands.
type ServerCounter = (&'static str, &'static str, fn(&ServerTotals) -> u64);

const COUNTERS: [ServerCounter; 3] = [
    ("tidegate_server_requests", "Tries that were sent to a server.", |server| server.requests),
    ("tidegate_server_failures", "Tries that failed on a server.", |server| server.failures),
    ("tidegate_server_ejections", "Times a server was ejected.", |server| server.ejections),
];
