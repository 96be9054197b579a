//! Tables of sessions: how full they are, and what they forget.

use std::fmt;

use tidegate_core::session::table::Table;

use super::page::Facts;
use super::writer::{Writer, whole};

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    writer.gauge(
        "tidegate_pool_sessions",
        "Sessions that the table of a pool remembers.",
        tables(facts).map(|(pool, table)| ([("pool", pool)], whole(table.tally().entries))),
    )?;
    writer.gauge(
        "tidegate_pool_sessions_max",
        "The most sessions that the table of a pool remembers.",
        tables(facts).map(|(pool, table)| ([("pool", pool)], table.entries_max().get().into())),
    )?;
    writer.counter(
        "tidegate_pool_sessions_evicted",
        "Sessions that lived and were forgotten for want of room in the table.",
        tables(facts).map(|(pool, table)| ([("pool", pool)], table.tally().evicted)),
    )?;
    writer.counter(
        "tidegate_pool_sessions_expired",
        "Sessions that were not used for their time to live.",
        tables(facts).map(|(pool, table)| ([("pool", pool)], table.tally().expired)),
    )
}

fn tables(facts: &Facts) -> impl Iterator<Item = (&str, &Table)> {
    facts
        .snapshot
        .pools
        .iter()
        .filter_map(|entry| Some((entry.pool.name.as_str(), entry.sessions.as_ref()?.table()?)))
}
